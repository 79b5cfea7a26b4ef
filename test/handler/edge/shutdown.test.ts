/** The end of a handler on a clock that the test moves: accept, close, hurry, cut. */
import { describe, expect, it } from '@jest/globals'
import { createShutdown } from '../../../handler/edge/shutdown.ts'
import { manualTime } from '../../fixtures/manual-clock.ts'

function shutdownWith(close: () => Promise<void>) {
  const time = manualTime()
  const events: string[] = []
  const shutdown = createShutdown(time.clock, time.sleep, time.after)
  const listeners = {
    close: () => {
      events.push('close')
      return close()
    },
    cut: () => events.push('cut'),
  }
  return { time, events, shutdown, end: () => shutdown.end(listeners) }
}

describe('a handler that ends', () => {
  it('accepts for a while, closes, and is done when the last connection is', async () => {
    const { time, events, shutdown, end } = shutdownWith(() => Promise.resolve())
    const ended = end()
    expect([shutdown.ending(), events]).toEqual([true, []])
    await time.advance(1_500)
    await ended
    expect(events).toEqual(['close', 'cut'])
  })

  it('cuts what does not go by itself after four seconds', async () => {
    const { time, events, end } = shutdownWith(() => new Promise(() => undefined))
    const ended = end()
    await time.advance(1_500)
    await time.advance(2_499)
    expect(events).toEqual(['close'])
    await time.advance(1)
    await ended
    expect(events).toEqual(['close', 'cut'])
  })

  it('gives answers only the time that is left', async () => {
    const { time, shutdown, end } = shutdownWith(() => Promise.resolve())
    expect(shutdown.timeLeftMs(25_000)).toBe(25_000)
    const ended = end()
    expect([shutdown.timeLeftMs(25_000), shutdown.timeLeftMs(100)]).toEqual([4_000, 100])
    await time.advance(1_500)
    expect(shutdown.timeLeftMs(25_000)).toBe(2_500)
    await ended
    await time.advance(9_000)
    expect(shutdown.timeLeftMs(25_000)).toBe(0)
  })

  it('ends long waits early, so that whoever waits gets a RETRY before the end', async () => {
    const { time, shutdown, end } = shutdownWith(() => new Promise(() => undefined))
    const woken: string[] = []
    shutdown.after(25_000, () => woken.push('deadline'))
    shutdown.after(400, () => woken.push('margin'))
    shutdown.after(25_000, () => woken.push('called off'))()
    const ended = end()
    await time.advance(400)
    await time.advance(1_100)
    expect(woken).toEqual(['margin'])
    await time.advance(1_000)
    expect(woken).toEqual(['margin', 'deadline'])
    await time.advance(1_500)
    await ended
  })

  it('leaves no wait behind, not even one that began after the hurry', async () => {
    const { time, shutdown, end } = shutdownWith(() => new Promise(() => undefined))
    const ended = end()
    await time.advance(1_500)
    await time.advance(2_400)
    const told: string[] = []
    shutdown.after(1_000, () => {
      told.push('counted')
      shutdown.after(1_000, () => told.push('counted besides'))
    })
    await time.advance(100)
    await ended
    expect(told).toEqual(['counted', 'counted besides'])
  })
})
