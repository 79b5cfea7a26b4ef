/** The people whom the policy in force names, as they stand at the page: whose passkey it is, and whether it still counts. */
import { z } from 'zod'
import type { PasskeyAssertion } from '../../common/assertion.ts'
import type { Clock } from '../../common/clock.ts'
import type { ConsoleUrl } from '../config/config-values.ts'
import { passkeyFlaw } from '../policy/approvals/assertion.ts'
import { isGoodAt, type Approver, type ApproverKey } from '../policy/approvals/people.ts'
import type { Person } from './sessions.ts'

export interface People {
  /** Whether anybody could sign in. */
  readonly anyPasskey: () => boolean
  /** The passkey of this person at this page, as the policy in force has it; undefined when it counts no more. */
  readonly passkeyOf: (person: Person) => ApproverKey | undefined
  /** Whose passkey has signed this challenge here; undefined when it is nobody's. */
  readonly whoSigned: (assertion: PasskeyAssertion, challenge: string) => Person | undefined
}

/** Looks each time at the policy in force. */
export function createPeople(
  approvers: () => readonly Approver[],
  clock: Clock,
  { origin }: ConsoleUrl,
): People {
  const here = () =>
    approvers().flatMap(({ name, keys }) =>
      keys
        .filter((key) => key.passkey?.origin === origin && isGoodAt(key, clock.now().getTime()))
        .map((key) => ({ name, key })),
    )
  return {
    anyPasskey: () => here().length > 0,
    passkeyOf: (person) =>
      here().find(({ name, key }) => name === person.name && key.fingerprint === person.key)?.key,
    whoSigned: (assertion, challenge) => {
      const found = here().find(({ key }) => key.passkey?.id === assertion.id)
      if (found === undefined) return undefined
      const flaw = passkeyFlaw(found.key, challenge, assertion)
      return flaw === undefined ? { name: found.name, key: found.key.fingerprint } : undefined
    },
  }
}

const base64url = z.string().regex(/^[A-Za-z0-9_-]{1,8192}$/)

/** The part of a credential in its JSON form that proves something. */
export const assertionSchema = z
  .object({
    id: base64url,
    response: z.object({
      authenticatorData: base64url,
      clientDataJSON: base64url,
      signature: base64url,
    }),
  })
  .transform(({ id, response }): PasskeyAssertion => ({ id, ...response }))
