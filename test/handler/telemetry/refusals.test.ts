import { describe, expect, it } from '@jest/globals'
import { CallbackError } from '../../../handler/protocol/errors.ts'
import { refusals } from '../../../handler/telemetry/refusals.ts'
import type { RefusedEvent } from '../../../handler/callback/ports.ts'
import { manualTime } from '../../fixtures/manual-clock.ts'

function event(deliveryId: string, error: Error): RefusedEvent {
  return { deliveryId, endpoint: 'tx_sign_request', generation: 1, error }
}

function start() {
  const told: (string | number)[] = []
  const time = manualTime()
  const refused = refusals(
    ({ deliveryId }) => told.push(deliveryId),
    (count) => told.push(count),
    time.after,
  )
  const overloaded = (id: string) => refused(event(id, new CallbackError('ERR_OVERLOADED', '')))
  return { told, time, refused, overloaded }
}

describe('the log of refusals', () => {
  it('tells the first of those turned away in a second, and how many more there were', async () => {
    const { told, time, overloaded } = start()
    for (const id of ['a', 'b', 'c']) overloaded(id)
    expect(told).toEqual(['a'])
    await time.advance(1_000)
    expect(told).toEqual(['a', 2])
    overloaded('d')
    await time.advance(1_000)
    expect(told).toEqual(['a', 2, 'd'])
    await time.advance(10_000)
    overloaded('e')
    expect(told).toEqual(['a', 2, 'd', 'e'])
  })

  it('tells every other refusal by itself, in between too', () => {
    const { told, refused, overloaded } = start()
    overloaded('a')
    overloaded('b')
    refused(event('forged', new CallbackError('ERR_TOKEN_SIGNATURE', '')))
    refused(event('bug', new Error('a bug')))
    expect(told).toEqual(['a', 'forged', 'bug'])
  })
})
