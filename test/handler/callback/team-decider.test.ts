/** What a team's own function may return, and what becomes of anything else. */
import { describe, expect, it } from '@jest/globals'
import { systemAfter } from '../../../common/clock.ts'
import { createDecider } from '../../../handler/callback/team-decider.ts'
import type { Decide } from '../../../handler/callback/team-decider.ts'
import type { DeciderFacts } from '../../../handler/callback/ports.ts'
import { txRequest } from '../../fixtures/tx-request.ts'

const FACTS: DeciderFacts = {
  now: new Date('2026-11-20T12:00:00Z'),
  cosigner: 'vault',
  policy: { action: 'REJECT', rule: 'default', reason: '' },
  rawTx: 'absent',
  signal: new AbortController().signal,
}

/** JavaScript has no types. */
function returns(value: unknown, timeoutMs = 60_000) {
  const decide = (() => value) as Decide
  return createDecider(decide, 'v1', timeoutMs, systemAfter)(txRequest({}), FACTS)
}

describe('a decider', () => {
  it('names the rule and the version of the code', async () => {
    expect(await returns({ action: 'APPROVE', rule: 'booked' })).toEqual({
      action: 'APPROVE',
      rule: 'decide:booked@v1',
      reason: '',
    })
    expect(await returns(Promise.resolve({ action: 'RETRY', rule: 'r', reason: 'later' }))).toEqual(
      {
        action: 'RETRY',
        rule: 'decide:r@v1',
        reason: 'later',
      },
    )
    expect(await returns(undefined)).toBeUndefined()
  })

  it.each([
    [null],
    [true],
    ['APPROVE'],
    [{ action: 'approve', rule: 'r' }],
    [{ action: 'APPROVE' }],
    [{ action: 'APPROVE', rule: '' }],
    [{ action: 'APPROVE', rule: 'a b' }],
    [{ action: 'APPROVE', rule: 'r', reason: 7 }],
    [{ action: 'APPROVE', rule: 'r', reason: 'x'.repeat(201) }],
  ])('fails on %j', async (value) => {
    await expect(returns(value)).rejects.toThrow('`decide` returned no')
  })

  it('fails when it takes too long', async () => {
    await expect(returns(new Promise(() => undefined), 20)).rejects.toThrow('longer than 20 ms')
  })

  it('is not made without a usable version', () => {
    expect(() => createDecider(() => undefined, 'a b', 1, systemAfter)).toThrow('`version` must be')
  })
})
