import { describe, expect, it } from '@jest/globals'
import { CountersignError, UsageError } from '../../common/errors.ts'
import { createReporter, guarded } from '../../common/reporter.ts'
import type { ReporterOptions } from '../../common/reporter.ts'

function reporterOf(options: Partial<ReporterOptions> & { readonly columns?: number } = {}) {
  const written = { out: '', err: '' }
  const tty = options.columns === undefined ? {} : { isTTY: true, columns: options.columns }
  const reporter = createReporter({
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text), ...tty },
    json: false,
    colour: false,
    monotonicMs: () => 0,
    plain: 'ERR_USAGE',
    ...options,
  })
  return { written, reporter }
}

const ESCAPE = '\u001B[2J\u009B31m\u202E'

describe('the reporter', () => {
  // A handler URL of the read model held ESC[2J and a forged `ok pairing …`: it wiped the line above it, the one that
  // said THE CO-SIGNER ASKS SOMEBODY ELSE.
  it('writes nothing that a terminal would act on, wherever the text comes from', () => {
    const { written, reporter } = reporterOf()
    reporter.story(`story ${ESCAPE}`)
    reporter.warning(`warning ${ESCAPE}`)
    reporter.problem(`problem ${ESCAPE}`)
    reporter.progress(`progress ${ESCAPE}\nforged line`)
    reporter.result({ facts: {}, lines: [`result ${ESCAPE}\nforged line`] })
    const hint = `hint ${ESCAPE}`
    reporter.failure(new CountersignError(`failure ${ESCAPE}`, { hint, details: [ESCAPE] }), ESCAPE)
    expect(written.out + written.err).toMatch(/^(?:\n|[^\p{C}\p{Zl}\p{Zp}])*$/u)
    expect(written.out).toBe('result ?[2J?31m??forged line\n')
    expect(written.err).not.toContain('\nforged')
  })

  it('with --json prints one line of escapes that parses to the same facts', () => {
    const { written, reporter } = reporterOf({ json: true })
    reporter.result({ facts: { url: ESCAPE }, lines: [] })
    expect(written.out).toBe('{"url":"\\u001b[2J\\u009b31m\\u202e"}\n')
    expect(JSON.parse(written.out)).toEqual({ url: ESCAPE })
  })

  // A line of 80 to 100 columns was wrapped by the terminal, and repeated instead of rewritten.
  it('rewrites the progress in place, within the width of the terminal', () => {
    const { written, reporter } = reporterOf({ columns: 20 })
    reporter.progress('waiting for an approval of generation 2')
    reporter.progress('waiting')
    reporter.story('approved')
    expect(written.err).toBe('\r\u001B[Kwaiting for an app…\r\u001B[Kwaiting\r\u001B[Kapproved\n')
  })
})

describe('a guarded command', () => {
  it.each([
    ['nothing', () => undefined, 0, ''],
    ['an exit code', () => 7, 7, ''],
    [
      'a usage error',
      () => {
        throw new UsageError('no such option', { hint: 'see `--help`' })
      },
      2,
      'error: no such option\nhint: see `--help`\n',
    ],
    [
      'a disk that refuses',
      () => {
        throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
      },
      10,
      'error: ENOSPC: no space left\nhint: repair the disk or its permissions, then run the same command again\n',
    ],
    [
      'a file that is no database',
      () => {
        throw Object.assign(new Error('file is not a database'), { code: 'SQLITE_NOTADB' })
      },
      10,
      'error: file is not a database\nhint: stop the handler, keep the files, run `audit verify`\n',
    ],
  ])('that gives %s ends with the code that goes with it', async (_, command, exit, err) => {
    const { written, reporter } = reporterOf()
    expect(await guarded(reporter, command)).toBe(exit)
    expect(written).toEqual({ out: '', err })
  })

  // An uncaught exception ended with 1, as a refusal by the handler did: a script could not tell them apart.
  it('that has a bug ends with 70, never with 1, and shows where it is', async () => {
    const { written, reporter } = reporterOf({ json: true })
    const buggy = () => {
      throw new TypeError('x is not a function')
    }
    expect(await guarded(reporter, buggy)).toBe(70)
    expect(written.err).toMatch(/^error: this is a bug: x is not a function\n {6}at /)
    expect(JSON.parse(written.out)).toMatchObject({
      ok: false,
      exit: 70,
      error: { code: 'ERR_BUG' },
    })
  })
})
