import { describe, expect, it } from '@jest/globals'
import { systemClock, systemSleep } from '../../common/clock.ts'

describe('the system clock', () => {
  it('tells the wall time, and a monotonic time that passes while sleeping', async () => {
    const before = systemClock.monotonicMs()
    await systemSleep(5)
    expect(systemClock.monotonicMs()).toBeGreaterThan(before)
    expect(Math.abs(systemClock.now().getTime() - Date.now())).toBeLessThan(1000)
  })

  it('wakes a sleeper when its signal aborts, and at once when it already has', async () => {
    const controller = new AbortController()
    const sleeping = systemSleep(60_000, controller.signal)
    controller.abort()
    await expect(sleeping).resolves.toBeUndefined()
    await expect(systemSleep(60_000, controller.signal)).resolves.toBeUndefined()
  })
})
