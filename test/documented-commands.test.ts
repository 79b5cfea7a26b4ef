/**
 * The container commands of the README ended with `unknown option '--state-dir'`: the entrypoint's options stand before
 * the command. What is documented is what is typed, so the documented words go through the real command lines.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { parseCli } from '../bootstrap/cli.ts'

const root = join(import.meta.dirname, '..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const compose: { services: Record<string, { entrypoint?: string[] }> } = parse(
  read('docker-compose.yml'),
  { merge: true },
)

/** `docker compose run … <service> <words>` of a text, without what Docker itself reads. */
function composeRuns(text: string): { service: string; words: string[] }[] {
  return [...text.matchAll(/docker compose run --rm (.+?)(?:\s{2,}|\s*#|`|$)/gm)].map(
    ([, rest = '']) => {
      const [service = '', ...words] = rest
        .replace(/-e \S+ /g, '')
        .trim()
        .split(/\s+/)
      return { service, words: words.filter((word) => word !== '…') }
    },
  )
}

function parsed(words: readonly string[]) {
  return parseCli(words, () => undefined)
}

describe('docker compose run', () => {
  const runs = composeRuns(`${read('README.md')}\n${read('docker-compose.yml')}`)

  it('is documented for both bootstrap services', () => {
    expect(new Set(runs.map(({ service }) => service))).toEqual(
      new Set(['bootstrap', 'bootstrap-emulator']),
    )
  })

  it.each(runs)(
    '$service $words is a command line that the program reads',
    ({ service, words }) => {
      const [node, script, ...options] = compose.services[service]?.entrypoint ?? []
      expect([node, script]).toEqual(['node', 'dist/bootstrap/main.js'])
      expect(parsed([...options, ...words])).toMatchObject({
        invocation: {
          command: words[0],
          options: { stateDir: '/bootstrap', handlerSocket: '/run/countersign/admin.sock' },
        },
      })
    },
  )
})

describe('countersign-bootstrap', () => {
  const lines = [...read('README.md').matchAll(/^countersign-bootstrap (.+)$/gm)].map(
    ([, rest = '']) => (rest.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', '')),
  )

  it.each(lines.map((words) => [words.join(' '), words] as const))('%s', (_line, words) => {
    expect(parsed(words)).toMatchObject({ invocation: { command: words[0] } })
  })
})

it('an option behind the command wins over the same one before it', () => {
  expect(parsed(['--state-dir', 'a', 'status', '--state-dir', 'b'])).toMatchObject({
    invocation: { options: { stateDir: 'b' } },
  })
})
