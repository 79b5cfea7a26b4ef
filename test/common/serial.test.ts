/** Tasks in a queue never overlap, and one that fails stops no other. */
import { expect, it } from '@jest/globals'
import { createSerial } from '../../common/serial.ts'

it('runs one task at a time, in order, past those that fail', async () => {
  const serial = createSerial()
  const seen: string[] = []
  const task = (name: string, fails = false) =>
    serial(async () => {
      seen.push(`${name} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
  const results = await Promise.allSettled([task('a'), task('b', true), task('c')])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(seen).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]))
})
