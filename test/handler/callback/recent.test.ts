/** A bounded memory that forgets the older half at once. */
import { describe, expect, it } from '@jest/globals'
import { createRecent } from '../../../handler/callback/recent.ts'

describe('createRecent', () => {
  it('keeps at least half of its size and never more than all of it', () => {
    const recent = createRecent<number>(10)
    for (let n = 0; n < 1_000; n += 1) {
      recent.put(String(n), n)
      const kept = Array.from({ length: n + 1 }, (_, k) => k).filter(
        (k) => recent.get(String(k)) !== undefined,
      )
      expect(kept.length).toBeGreaterThanOrEqual(Math.min(5, n + 1))
      expect(kept.length).toBeLessThanOrEqual(10)
      expect(kept).toEqual(Array.from({ length: kept.length }, (_, k) => n + 1 - kept.length + k))
    }
  })
})
