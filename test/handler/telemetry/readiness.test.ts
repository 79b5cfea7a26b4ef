/** Readiness: every reason is named, and a check that hangs is a reason like any other. */
import { describe, expect, it } from '@jest/globals'
import { createReadiness } from '../../../handler/telemetry/readiness.ts'
import { manualTime } from '../../fixtures/manual-clock.ts'

describe('readiness', () => {
  it('names all that fails, and is asked again only after a second', async () => {
    const time = manualTime()
    let asked = 0
    const ready = createReadiness(
      () => [
        { name: 'good', run: () => Promise.resolve() },
        {
          name: 'store',
          run: () => {
            asked += 1
            return Promise.reject(new Error('disk full'))
          },
        },
      ],
      time.clock,
      time.sleep,
    )
    expect(await ready()).toEqual(['store: disk full'])
    await ready()
    await time.advance(999)
    await ready()
    expect(asked).toBe(1)
    await time.advance(1)
    await ready()
    expect(asked).toBe(2)
  })

  it('does not wait for a check that hangs', async () => {
    const time = manualTime()
    const hanging = [{ name: 'store', run: () => new Promise<void>(() => undefined) }]
    const asked = createReadiness(() => hanging, time.clock, time.sleep)()
    await time.advance(1_000)
    expect(await asked).toEqual(['store: no answer within 1000 ms'])
  })
})
