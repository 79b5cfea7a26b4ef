/** The log: one ASCII line per event, listed fields only, whatever the text in them. */
import * as fc from 'fast-check'
import { describe, expect, it } from '@jest/globals'
import { CallbackError } from '../../../handler/protocol/errors.ts'
import { callbackLog, createLogger, escapeLine } from '../../../handler/telemetry/log.ts'
import type { DecidedEvent } from '../../../handler/callback/ports.ts'

function capture() {
  const lines: string[] = []
  const logger = createLogger({ write: (line) => lines.push(line) }, 'info', '1.2.3')
  return { lines, logger, log: callbackLog(logger) }
}

const DECIDED: DecidedEvent = {
  deliveryId: 'd',
  endpoint: 'tx_sign_request',
  generation: 1,
  cosigner: 'vault',
  requestId: 'r',
  stage: 'signing',
  txId: 't',
  signerId: 's',
  action: 'APPROVE',
  rule: 'small',
  reason: 'approved by policy',
  hold: undefined,
  seq: 7,
  repeated: false,
  unknownMembers: [],
  durationMs: 1.23456,
}

describe('a line', () => {
  it('has the base fields and those of the event, and no other', () => {
    const { lines, log } = capture()
    log.decided({ ...DECIDED, ...({ secret: 'x' } as object) })
    expect(Object.keys(JSON.parse(lines[0] ?? '') as object)).toEqual([
      'level',
      'time',
      'app',
      'version',
      'pid',
      'endpoint',
      'requestId',
      'signerId',
      'stage',
      'action',
      'rule',
      'reason',
      'cosigner',
      'generation',
      'deliveryId',
      'txId',
      'seq',
      'repeated',
      'durationMs',
      'msg',
    ])
  })

  it('is one line of printable ASCII and gives the text back, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const { lines, log } = capture()
        log.decided({ ...DECIDED, requestId: text, unknownMembers: [text] })
        expect(lines).toHaveLength(1)
        expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/)
        expect(JSON.parse(lines[0] ?? '')).toMatchObject({ requestId: text })
      }),
    )
  })

  it('escapes what a terminal or a reader could take for more than text', () => {
    const hostile = 'a\u001b[2J\u0085\u2028\u202e\u009b\u007f\ud800é😀'
    const line = escapeLine(`${JSON.stringify(hostile)}\n`)
    expect(line).toBe(
      '"a\\u001b[2J\\u0085\\u2028\\u202e\\u009b\\u007f\\ud800\\u00e9\\ud83d\\ude00"\n',
    )
    expect(JSON.parse(line)).toBe(hostile)
  })

  it('is cut when a text is long', () => {
    const { lines, log } = capture()
    log.decided({ ...DECIDED, requestId: 'x'.repeat(1e6), unknownMembers: Array(500).fill('m') })
    expect(lines[0]?.length).toBeLessThan(1_500)
  })
})

describe('the level', () => {
  it.each([
    ['ERR_TOKEN_SIGNATURE', 'warn'],
    ['ERR_NOT_FOUND', 'info'],
    ['ERR_GENERATION_RETIRED', 'error'],
    ['ERR_SIGNING_UNAVAILABLE', 'error'],
  ] as const)('of %s is %s', (code, level) => {
    const { lines, log } = capture()
    const error = new CallbackError(code, 'why')
    log.refused({ deliveryId: 'd', endpoint: undefined, generation: undefined, error })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level, code, detail: 'why', msg: 'refused' })
  })

  it('of a bug is error, with its stack and causes and nothing else of it', () => {
    const { lines, log } = capture()
    const cause = Object.assign(new Error('inner'), { token: 'eyJ' })
    const error = Object.assign(new TypeError('outer', { cause }), { body: 'secret' })
    log.refused({ deliveryId: 'd', endpoint: undefined, generation: undefined, error })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      code: 'ERR_INTERNAL',
      err: { type: 'TypeError', message: 'outer', cause: { message: 'inner' } },
    })
    expect(lines[0]).not.toMatch(/eyJ|secret/)
  })

  it('of an alarm is error, even when what was thrown is no error', () => {
    const { lines, log } = capture()
    log.alarm({ kind: 'conflict', deliveryId: 'd', requestId: 'r', error: 'text' })
    log.alarm({ kind: 'conflict', deliveryId: 'd', requestId: 'r' })
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 'error', kind: 'conflict', err: { message: 'not an error was thrown' } },
      { level: 'error', kind: 'conflict' },
    ])
  })
})
