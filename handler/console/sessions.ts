/** Sessions: short, in memory, and only as long as the policy in force still names the person's key. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../common/clock.ts'
import type { ConsoleUrl } from '../config/config-values.ts'

/** From the sign-in on; nothing prolongs a session. */
export const SESSION_MS = 15 * 60_000

/** Sessions at the same time; a further one ends the oldest. */
const MAX_SESSIONS = 100

/** Whose session it is. */
export interface Person {
  readonly name: string
  /** Names the key that signed in, and no other key that the person has or will have. */
  readonly key: string
}

export interface Session extends Person {
  /** ISO 8601. */
  readonly untilAt: string
}

export interface Sessions {
  /** Begins one; the value of `Set-Cookie`. */
  readonly begin: (person: Person) => string
  /** The session that a `Cookie` header names, if it lasts. */
  readonly of: (cookies: string | undefined) => Session | undefined
  /** Ends it; the value of `Set-Cookie`. */
  readonly end: (cookies: string | undefined) => string
}

interface Kept extends Session {
  readonly endsMs: number
}

/** No session yet. `isKnown`: the policy in force names this person with this key, now. */
export function createSessions(
  clock: Clock,
  { isSecure, host }: ConsoleUrl,
  isKnown: (person: Person) => boolean,
): Sessions {
  const kept = new Map<string, Kept>()
  // Cookies do not know ports: two handlers on one machine would end each other's sessions.
  const name = isSecure ? '__Host-countersign' : `countersign-${host.replaceAll(/\W/g, '-')}`
  const attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
  const idIn = (cookies = '') =>
    cookies
      .split(/; */)
      .find((cookie) => cookie.startsWith(`${name}=`))
      ?.slice(name.length + 1) ?? ''
  return {
    begin: ({ name: person, key }) => {
      for (const [id, { endsMs }] of kept) {
        if (endsMs <= clock.monotonicMs() || kept.size >= MAX_SESSIONS) kept.delete(id)
      }
      const id = randomBytes(32).toString('base64url')
      const untilAt = new Date(clock.now().getTime() + SESSION_MS).toISOString()
      kept.set(id, { name: person, key, untilAt, endsMs: clock.monotonicMs() + SESSION_MS })
      return `${name}=${id}; ${attributes}; Max-Age=${SESSION_MS / 1_000}`
    },
    of: (cookies) => {
      const id = idIn(cookies)
      const session = kept.get(id)
      if (session === undefined) return undefined
      if (session.endsMs > clock.monotonicMs() && isKnown(session)) return session
      kept.delete(id)
      return undefined
    },
    end: (cookies) => {
      kept.delete(idIn(cookies))
      return `${name}=; ${attributes}; Max-Age=0`
    },
  }
}
