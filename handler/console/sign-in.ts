/** Signing in: a passkey of the policy signs a challenge of this process, once. */
import { z } from 'zod'
import { parseJson } from '../../common/json.ts'
import type { ConsoleUrl } from '../config/config-values.ts'
import { Refused } from './answers.ts'
import type { Challenges } from './challenges.ts'
import { assertionSchema, type People } from './people.ts'
import type { Person } from './sessions.ts'

/** Options of `navigator.credentials.get` in their JSON form; without ids any passkey of this name may answer. */
export function requestOptions(
  { hostname }: ConsoleUrl,
  challenge: string,
  ids: readonly string[] = [],
) {
  return {
    challenge,
    rpId: hostname,
    timeout: 120_000,
    userVerification: 'required',
    allowCredentials: ids.map((id) => ({ type: 'public-key', id })),
  }
}

const bodySchema = z.object({ assertion: assertionSchema })
const clientDataSchema = z.object({ challenge: z.string() })

/** Who it is. @throws Refused */
export function whoSignsIn(body: unknown, challenges: Challenges, people: People): Person {
  const assertion = bodySchema.safeParse(body).data?.assertion
  const challenge = challengeIn(assertion?.clientDataJSON ?? '')
  if (assertion === undefined || challenge === undefined)
    throw new Refused(400, 'That is no assertion.')
  const person = people.whoSigned(assertion, challenge)
  // One text for all: who is named is nobody's business before the sign-in.
  if (person === undefined || !challenges.use(challenge)) {
    throw new Refused(403, 'This passkey opens nothing here, or it took too long: try again.')
  }
  return person
}

function challengeIn(clientDataJSON: string): string | undefined {
  const text = Buffer.from(clientDataJSON, 'base64url').toString('utf8')
  return clientDataSchema.safeParse(parseJson(text)).data?.challenge
}
