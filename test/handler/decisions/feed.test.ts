/** The feed: what of the chain is told, and what is not. */
import { describe, expect, it } from '@jest/globals'
import { FEED_RECORDS } from '../../../handler/decisions/feed.ts'
import { createCore } from '../../../handler/decisions/sqlite/core.ts'
import { openDatabase } from '../../../handler/decisions/sqlite/database.ts'
import { entry, nth, REJECT, requestKey, RETRY, START } from './entries.ts'

function bench() {
  const core = createCore(openDatabase(':memory:'))
  const at = <T>(work: (calls: (typeof core)['calls']) => T) =>
    core.transaction(START, () => work(core.calls))
  /** Each as kind, or act, or rule. */
  const told = () =>
    at((calls) => calls.feedAfter(0)).items.map(({ seq, body, hold }) => {
      const what =
        body.kind === 'operator' ? body.act : body.kind === 'decision' ? body.rule : body.kind
      return [seq, what, hold?.approvals]
    })
  return { at, told }
}

const under = (rule: string, action: 'RETRY' | 'REJECT') =>
  entry({ key: { requestId: rule }, decision: { action, rule, reason: '' } })

describe('the feed', () => {
  it('tells of holds and of what people did, with the hold as it stands now', () => {
    const { at, told } = bench()
    const key = requestKey({ requestId: 'held' })
    const terms = { approvals: 2, expiresMs: 60_000, onExpiry: 'RETRY' } as const
    const hold = { key, terms, summary: 'TRANSFER 5 ETH' }
    const { id } = at((calls) => calls.openHold(hold))
    at((calls) => calls.openHold(hold))
    at((calls) => calls.record(entry({ key: { requestId: 'held' }, decision: RETRY })))
    at((calls) => calls.approveHold(id, { by: 'alice', note: '' }))
    at((calls) => calls.freeze('RETRY', { by: 'bob', note: '' }))
    at((calls) => calls.append({ kind: 'checkpoint', jws: 'x' }))
    at((calls) =>
      calls.append({ kind: 'alarm', alarm: 'deadline', requestId: 'r', deliveryId: 'd', more: 0 }),
    )
    expect(told()).toEqual([
      [1, 'held', ['alice']],
      [3, 'hold-approve', ['alice']],
      [4, 'freeze', undefined],
      [6, 'alarm', undefined],
    ])
    const [first] = at((calls) => calls.feedAfter(0)).items
    expect(first?.hold).toEqual({
      id,
      terms,
      summary: 'TRANSFER 5 ETH',
      openedAt: new Date(START).toISOString(),
      expiresAt: new Date(START + 60_000).toISOString(),
      approvals: ['alice'],
      approved: 1,
      keys: {},
      rejectedBy: undefined,
    })
  })

  it('tells of no decision of a policy, and of those above it once', () => {
    const { at, told } = bench()
    at((calls) => calls.record(nth(1)))
    at((calls) => calls.record(entry({ key: { requestId: 'no' }, decision: REJECT })))
    at((calls) => calls.record(under('uncertain', 'RETRY')))
    at((calls) => calls.record(under('uncertain', 'RETRY')))
    at((calls) => calls.record(under('contradiction', 'REJECT')))
    expect(told()).toEqual([
      [3, 'uncertain', undefined],
      [5, 'contradiction', undefined],
    ])
  })

  it('goes on from any number, and says where the chain ends', () => {
    const { at } = bench()
    for (let count = 0; count < FEED_RECORDS + 5; count += 1) {
      at((calls) => calls.append({ kind: 'recovered', tornTail: false }))
    }
    at((calls) => calls.unfreeze({ by: 'bob', note: '' }))
    const head = FEED_RECORDS + 6
    const page = at((calls) => calls.feedAfter(0))
    expect(page).toEqual({ items: [], upTo: FEED_RECORDS, head })
    const rest = at((calls) => calls.feedAfter(page.upTo))
    expect(rest).toMatchObject({ items: [{ seq: head }], upTo: head, head })
    expect(at((calls) => calls.feedAfter(9_999))).toEqual({ items: [], upTo: 9_999, head })
  })
})
