/** Requests that were sent while the process stood still are as old as the pause. */
import { expect, it } from '@jest/globals'
import { watchPauses } from '../../../handler/edge/pauses.ts'
import { manualTime } from '../../fixtures/manual-clock.ts'

it('a request in normal life has no age', async () => {
  const time = manualTime()
  const pauses = watchPauses(time.clock, time.after)
  for (let beat = 0; beat < 8; beat += 1) {
    await time.advance(250)
    expect(pauses.ageMs()).toBe(0)
  }
  await time.advance(900)
  expect(pauses.ageMs()).toBe(0)
})

it('after a pause what is seen is taken to have been sent at its beginning, for two seconds', async () => {
  const time = manualTime()
  const pauses = watchPauses(time.clock, time.after)
  await time.advance(250)
  await time.advance(12_000)
  expect(pauses.ageMs()).toBe(12_000)
  for (let beat = 0; beat < 8; beat += 1) await time.advance(250)
  expect(pauses.ageMs()).toBe(14_000)
  await time.advance(250)
  expect(pauses.ageMs()).toBe(0)
})

it('a pause is noticed even when a socket is read before the timer runs', async () => {
  const time = manualTime()
  const late = { ...time, after: () => () => undefined }
  const pauses = watchPauses(time.clock, late.after)
  await time.advance(5_000)
  expect(pauses.ageMs()).toBe(5_000)
})

it('the watch ends with the handler', async () => {
  const time = manualTime()
  const pauses = watchPauses(time.clock, time.after)
  pauses.stop()
  await time.advance(10_000)
  expect(pauses.ageMs()).toBe(10_000)
  await time.advance(3_000)
  expect(pauses.ageMs()).toBe(3_000)
})

// After a suspended machine woke up, every new request was turned away for two seconds.
it('a pause that outlasts the co-signer makes nothing old: who waited has given up', async () => {
  const time = manualTime()
  const pauses = watchPauses(time.clock, time.after)
  await time.advance(29_000)
  expect(pauses.ageMs()).toBe(29_000)
  await time.advance(1_000)
  expect(pauses.ageMs()).toBe(0)
  await time.advance(3_600_000)
  expect(pauses.ageMs()).toBe(0)
})
