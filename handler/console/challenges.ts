/** Challenges of sign-ins: nothing is kept until one is answered, so that asking for many costs the handler nothing. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../common/clock.ts'

const LIFETIME_MS = 2 * 60_000

export interface Challenges {
  /** A new one, base64url. */
  readonly make: () => string
  /** Whether it was made here, lasts, and is answered for the first time. */
  readonly use: (challenge: string) => boolean
}

/** Challenges of this process. */
export function createChallenges(clock: Clock): Challenges {
  const secret = randomBytes(32)
  const used = new Map<string, number>()
  const macOf = (text: string) => createHmac('sha256', secret).update(text).digest()
  return {
    make: () => {
      const head = Buffer.alloc(24, randomBytes(24))
      head.writeDoubleBE(clock.monotonicMs() + LIFETIME_MS)
      return Buffer.concat([head, macOf(head.toString('hex'))]).toString('base64url')
    },
    use: (challenge) => {
      const bytes = Buffer.from(challenge, 'base64url')
      if (bytes.length !== 56) return false
      const head = bytes.subarray(0, 24)
      const nowMs = clock.monotonicMs()
      const endsMs = head.readDoubleBE()
      if (!timingSafeEqual(bytes.subarray(24), macOf(head.toString('hex')))) return false
      for (const [each, ends] of used) if (ends <= nowMs) used.delete(each)
      const name = bytes.toString('hex')
      if (endsMs <= nowMs || used.has(name)) return false
      used.set(name, endsMs)
      return true
    },
  }
}
