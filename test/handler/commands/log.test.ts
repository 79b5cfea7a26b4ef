import { describe, expect, it } from '@jest/globals'
import { createLogger } from '../../../handler/telemetry/log.ts'
import { readableLine, readableLog } from '../../../handler/commands/log.ts'
import { systemClock } from '../../../common/clock.ts'

function logged(write: (logger: ReturnType<typeof createLogger>) => void): string {
  let line = ''
  write(createLogger({ write: (text) => void (line += text) }, 'info', '0.1.0'))
  return line.trimEnd()
}

describe('a log for people', () => {
  it('shows time, level and message first, then what else is known', () => {
    const line = logged((logger) =>
      logger.info(
        { action: 'RETRY', rule: 'large', reason: 'needs a person', txId: null },
        'decided',
      ),
    )
    expect(readableLine(line)).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO  decided action=RETRY rule=large reason="needs a person"$/,
    )
  })

  it('passes on what is no line of the log, without what a terminal would obey', () => {
    expect(readableLine('npm notice')).toBe('npm notice')
    expect(readableLine('{"a":1}')).toBe('{"a":1}')
    expect(readableLine('{broken')).toBe('{broken')
    expect(readableLine('\u001B[2J')).toBe('\\u001b[2J')
    const forged = logged((logger) => logger.warn({ note: '\u001B[31mred\n' }, 'refused'))
    expect(readableLine(forged)).toMatch(/note="\\u001b\[31mred\\n"$/)
  })

  it('reads to the end of its input, however the pieces are cut', async () => {
    const text = [1, 2, 3].map((n) => logged((logger) => logger.info({ n }, 'ready'))).join('\n')
    async function* pieces() {
      for (let at = 0; at < text.length; at += 7) yield Buffer.from(text.slice(at, at + 7))
    }
    let printed = ''
    await readableLog({
      env: {},
      stdin: pieces(),
      stdout: { write: (piece: string) => void (printed += piece) },
      stderr: { write: () => undefined },
      clock: systemClock,
      exitCode: 0,
    })
    expect(
      printed
        .trim()
        .split('\n')
        .map((line) => line.replace(/^\S+ /, '')),
    ).toEqual(['INFO  ready n=1', 'INFO  ready n=2', 'INFO  ready n=3'])
  })
})
