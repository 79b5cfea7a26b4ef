/** What the page plots: stretches of time that turn over, figures that are near enough, bounded whatever comes. */
import { describe, expect, it } from '@jest/globals'
import type { DecidedEvent } from '../../../handler/callback/ports.ts'
import { CallbackError } from '../../../handler/protocol/errors.ts'
import { keepHistory, SPANS } from '../../../handler/telemetry/history.ts'
import { createMetrics } from '../../../handler/telemetry/metrics.ts'
import { settableClock } from '../../fixtures/settable-clock.ts'

const MINUTE = 60_000

function kept() {
  const clock = settableClock()
  return {
    clock,
    ...keepHistory(
      createMetrics(() => clock.now()),
      clock,
    ),
  }
}

function decided(action: DecidedEvent['action'], rule: string): DecidedEvent {
  return {
    deliveryId: 'd',
    endpoint: 'tx_sign_request',
    generation: 1,
    cosigner: 'c',
    requestId: 'r',
    stage: 'signing',
    txId: 't',
    signerId: '',
    action,
    rule,
    reason: '',
    hold: undefined,
    seq: 1,
    repeated: false,
    unknownMembers: [],
    durationMs: 1,
  }
}

describe('the history', () => {
  it('counts what was refused, and not the probes of the bootstrapper', () => {
    const { history, metrics } = kept()
    const refused = { deliveryId: 'd', endpoint: undefined, generation: undefined }
    metrics.refused({ ...refused, error: new CallbackError('ERR_PROBE', 'a probe') })
    metrics.refused({ ...refused, error: new CallbackError('ERR_NOT_FOUND', 'no such target') })
    expect(history.refused()).toBe(1)
  })

  it('counts decisions by action and rule in the stretch in which they were answered', () => {
    const { clock, history, metrics } = kept()
    metrics.decided(decided('APPROVE', 'small'))
    metrics.decided(decided('APPROVE', 'small'))
    clock.advance(2 * MINUTE)
    metrics.decided(decided('REJECT', 'default'))
    const seen = history.stretches('2h').filter(({ decisions }) => decisions.length > 0)
    expect(
      seen.map(({ startMs, decisions }) => [new Date(startMs).toISOString(), decisions]),
    ).toEqual([
      ['2026-11-01T12:00:00.000Z', [{ action: 'APPROVE', rule: 'small', count: 2 }]],
      ['2026-11-01T12:02:00.000Z', [{ action: 'REJECT', rule: 'default', count: 1 }]],
    ])
    expect(history.stretches('2h').at(-1)?.startMs).toBe(Date.parse('2026-11-01T12:02:00Z'))
    expect(Object.fromEntries(history.decided())).toEqual({ APPROVE: 2, REJECT: 1 })
  })

  it('forgets what is older than the span, and nothing else', () => {
    const { clock, history, metrics } = kept()
    metrics.decided(decided('APPROVE', 'small'))
    clock.advance(SPANS['2h'].count * MINUTE)
    expect(history.stretches('2h').flatMap(({ decisions }) => decisions)).toEqual([])
    expect(history.stretches('24h').flatMap(({ decisions }) => decisions)).toHaveLength(1)
    expect(history.decided().get('APPROVE')).toBe(1)
  })

  it('says within which time half and nearly all answers left, a quarter off at most', () => {
    const { history, metrics } = kept()
    for (let at = 0; at < 98; at += 1) metrics.answered(200, 7)
    metrics.answered(200, 2_000)
    metrics.answered(200, 2_000)
    metrics.answered(401, 9_000)
    const { p50 = 0, p99 = 0 } = history.stretches('2h').at(-1) ?? {}
    expect([p50 >= 7, p50 <= 7 * 1.25, p99 >= 2_000, p99 <= 2_000 * 1.25]).toEqual([
      true,
      true,
      true,
      true,
    ])
  })

  it('tells a hundred rules apart and counts the others together', () => {
    const { history, metrics } = kept()
    for (let at = 0; at < 150; at += 1) metrics.decided(decided('RETRY', `rule-${at}`))
    const decisions = history.stretches('2h').at(-1)?.decisions ?? []
    expect(decisions).toHaveLength(101)
    expect(decisions.at(-1)).toEqual({ action: 'RETRY', rule: '(others)', count: 50 })
  })

  it('counts where the shadow policy agrees, and each way in which it does not', () => {
    const { history, metrics } = kept()
    const note = { digest: 'd', liveAction: 'APPROVE', liveRule: 'small' } as const
    metrics.shadowed({ ...note, action: 'APPROVE', rule: 'small' })
    metrics.shadowed({ ...note, action: 'REJECT', rule: 'default' })
    metrics.shadowed({ ...note, action: 'REJECT', rule: 'default' })
    expect(history.shadow()).toEqual({
      agreed: 1,
      differed: [{ live: 'APPROVE small', shadow: 'REJECT default', count: 2 }],
    })
  })
})
