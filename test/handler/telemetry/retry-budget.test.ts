import { describe, expect, it } from '@jest/globals'
import type { DecidedEvent } from '../../../handler/callback/ports.ts'
import { ALARM_AT_TRIES, createRetryBudget } from '../../../handler/telemetry/retry-budget.ts'

const start = new Date('2026-11-21T12:00:00Z')
const after = (ms: number) => new Date(start.getTime() + ms)
const minutes = 60_000

const event = (changes: Partial<DecidedEvent> = {}): DecidedEvent => ({
  deliveryId: 'd',
  endpoint: 'tx_sign_request',
  generation: 1,
  cosigner: 'c',
  requestId: 'r',
  stage: 'signing',
  txId: 't',
  signerId: 's',
  action: 'RETRY',
  rule: 'x',
  reason: '',
  hold: undefined,
  seq: 1,
  repeated: false,
  unknownMembers: [],
  durationMs: 1,
  ...changes,
})

describe('the retry budget', () => {
  it('raises the alarm once, two tries before the co-signer gives up', () => {
    const budget = createRetryBudget()
    const alarms = Array.from({ length: 20 }, (_, at) =>
      budget.answered(event(), after(at * 3 * minutes)),
    )
    expect(alarms.filter(Boolean)).toHaveLength(1)
    expect(alarms.indexOf(true)).toBe(ALARM_AT_TRIES - 1)
    const now = after(19 * 3 * minutes)
    expect(budget.mostTries(now)).toBe(20)
    expect(budget.longestMs(now)).toBe(19 * 3 * minutes)
  })

  it('is given back by a final answer', () => {
    const budget = createRetryBudget()
    budget.answered(event(), start)
    expect(budget.waiting(start)).toBe(1)
    expect(budget.answered(event({ action: 'APPROVE' }), start)).toBe(false)
    expect(budget.waiting(start)).toBe(0)
    expect(budget.mostTries(start)).toBe(0)
    expect(budget.longestMs(start)).toBe(0)
  })

  it('is kept for each stage, signer, endpoint and request on its own', () => {
    const budget = createRetryBudget()
    const others: Partial<DecidedEvent>[] = [
      {},
      { stage: 'approval' },
      { signerId: 'other' },
      { endpoint: 'config_change_sign_request' },
      { requestId: 'other' },
    ]
    for (const changes of others) budget.answered(event(changes), start)
    expect(budget.waiting(start)).toBe(5)
    expect(budget.mostTries(start)).toBe(1)
  })

  it('forgets what has not come back in 48 hours', () => {
    const budget = createRetryBudget()
    budget.answered(event(), start)
    expect(budget.waiting(after(48 * 60 * minutes))).toBe(1)
    expect(budget.waiting(after(48 * 60 * minutes + 1))).toBe(0)
  })

  it('follows a bounded number of questions', () => {
    const budget = createRetryBudget()
    for (let at = 0; at < 10_050; at += 1) budget.answered(event({ requestId: `r${at}` }), start)
    expect(budget.waiting(start)).toBe(10_000)
  })
})
