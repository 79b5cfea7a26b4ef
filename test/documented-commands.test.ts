/**
 * The container commands of the README ended with `unknown option '--state-dir'`: the entrypoint's options stand before
 * the command. What is documented is what is typed, so the documented words go through the real command lines.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { parseCli } from '../bootstrap/cli.ts'
import { systemClock } from '../common/clock.ts'
import { runCli } from '../handler/cli.ts'
import type { CommandIo } from '../handler/commands/command-io.ts'
import { temporaryDirectory } from './fixtures/temporary-directory.ts'

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

/** Every line of a document that begins with one of our programs, split as a shell would; each part of a pipe is one. */
function typedLines(): { program: string; words: string[] }[] {
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
  const text = ['README.md', ...pages]
    .map(read)
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
  return [...text.matchAll(/^ *(countersign-(?:handler|bootstrap) .*)$/gm)].flatMap(
    ([, line = '']) =>
      line
        .replace(/\s+#.*$/, '')
        .replaceAll(/\s(?:>|2>|\|\|).*$/g, '')
        .replaceAll(/[[\]]/g, '')
        .split('|')
        .map((part) => {
          const [program = '', ...words] = part.trim().match(/"[^"]*"|\S+/g) ?? []
          return { program, words: words.map(wordOf) }
        })
        .filter(({ program }) => program.startsWith('countersign-')),
  )
}

const UUID = '5f0c1a52-4b0e-4a53-9a0e-0c6f1f6f3c11'

/** What stands for something becomes something. */
const wordOf = (word: string) =>
  word
    .replaceAll('"', '')
    .replace(/^<uuid>$|^\$cosigner$/, UUID)
    .replace(/^<.*>$/, 'a1')

describe('the documents', () => {
  const lines = typedLines()
  const of = (program: string) =>
    [
      ...new Set(
        lines.filter((each) => each.program === program).map(({ words }) => words.join('\0')),
      ),
    ]
      .map((line) => line.split('\0'))
      .map((words) => [words.join(' '), words] as const)

  it('type many commands of both programs', () => {
    expect(of('countersign-handler').length).toBeGreaterThan(15)
    expect(of('countersign-bootstrap').length).toBeGreaterThan(5)
  })

  it.each(of('countersign-bootstrap'))('countersign-bootstrap %s', (_line, words) => {
    expect(parsed(words)).toMatchObject({ invocation: { command: words[0] } })
  })

  // Run in an empty directory: whatever it then misses, it has understood what was typed.
  it.each(of('countersign-handler'))('countersign-handler %s', async (_line, words) => {
    const home = await temporaryDirectory()
    const placed = words.map((word) =>
      /^[\w./-]+\.(?:pem|yaml|json|db|log)$/.test(word) ? join(home, word) : word,
    )
    let err = ''
    let served = false
    const io: CommandIo = {
      env: { HANDLER_STATE_DIR: join(home, 'state'), HANDLER_POLICY_FILE: join(home, 'p.yaml') },
      stdin: (async function* nothing() {})(),
      stdout: { write: () => true },
      stderr: { write: (text) => (err += text) },
      clock: systemClock,
      exitCode: 0,
    }
    await runCli(placed, io, async () => {
      served = true
    })
    expect(err).not.toMatch(/unknown (?:option|command)|too many arguments|missing required/i)
    expect(err).not.toMatch(/argument missing|is a bug|^ {2,}at /im)
    expect(served).toBe(words[0] === 'run')
  })
})
