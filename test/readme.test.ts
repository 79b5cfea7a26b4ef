import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '..')

async function blocks(language: string): Promise<string[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  return Array.from(
    readme.matchAll(/^```(\w+)\n(.*?)^```/gms),
    ([, found = '', body = '']) => [found, body] as const,
  ).flatMap(([found, body]) => (found === language ? [body] : []))
}

describe('SECURITY.md', () => {
  it('names only tests that exist', async () => {
    const page = await readFile(join(root, 'SECURITY.md'), 'utf8')
    const named = Array.from(page.matchAll(/`([\w/.-]+\.test\.ts)`/g), ([, name = '']) => name)
    expect(named.length).toBeGreaterThan(50)
    const places = (name: string) => [join(root, 'test', name), join(root, 'test/handler', name)]
    const missing: string[] = []
    for (const name of named) {
      const found = await Promise.any(places(name).map((place) => access(place))).catch(() => name)
      if (found === name) missing.push(name)
    }
    expect(missing).toEqual([])
  })

  it('names only scenarios that the fault harness has', async () => {
    const page = await readFile(join(root, 'SECURITY.md'), 'utf8')
    const sources = await readFile(join(root, 'test/faults/scenarios.ts'), 'utf8')
    const scenarios = Array.from(sources.matchAll(/name: '(\w+)'/g), ([, name]) => name)
    const rows = page.split('\n').filter((line) => /^\| \d/.test(line))
    const named = rows.flatMap((row) =>
      Array.from(row.matchAll(/ _([a-z]+)_/g), ([, name]) => name),
    )
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((name) => !scenarios.includes(name))).toEqual([])
  })
})

describe('the README', () => {
  it('names only npm scripts that exist', async () => {
    const manifest: { scripts: Record<string, string> } = JSON.parse(
      await readFile(join(root, 'package.json'), 'utf8'),
    )
    const shell = (await blocks('sh')).join('\n')
    const named = Array.from(shell.matchAll(/npm run ([\w:-]+)/g), ([, name = '']) => name)
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => manifest.scripts[name] === undefined)).toEqual([])
  })

  it('links only to files that exist', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    const links = Array.from(readme.matchAll(/\]\(([^)#:]+)\)/g), ([, target = '']) => target)
    expect(links.length).toBeGreaterThan(5)
    for (const target of links) await expect(access(join(root, target))).resolves.toBeUndefined()
  })

  it('shows a policy that is one', async () => {
    const [policy = ''] = await blocks('yaml')
    expect(parse(policy)).toMatchObject({ version: 1, default: 'REJECT' })
  })
})
