/** Deciding on a hold: what the person's passkey is asked to sign, and what becomes of the signature. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { HoldInfo } from '../../common/admin-api.ts'
import type { ConsoleUrl } from '../config/config-values.ts'
import { assertSeen, OPERATOR_ACTIONS, type OperatorDeps } from '../control/operator.ts'
import { Refused } from './answers.ts'
import { assertionSchema, type People } from './people.ts'
import type { Session } from './sessions.ts'
import { requestOptions } from './sign-in.ts'

export interface DecideDeps {
  readonly url: ConsoleUrl
  readonly operator: OperatorDeps
  readonly people: People
}

const verdict = z.enum(['approve', 'reject'])
/** The hold's digest as the page has shown it. */
const digest = z.string().max(40)
const askSchema = z.strictObject({ verdict, digest })
const answerSchema = z.strictObject({
  verdict,
  digest,
  note: z.string().max(500),
  assertion: assertionSchema,
})

/**
 * The options with which the page asks for a signature over the act, by the key that has signed in.
 *
 * @throws Refused, AdminError
 */
export async function askFor(
  holdId: string,
  body: unknown,
  session: Session,
  { url, operator, people }: DecideDeps,
) {
  const asked = parsed(askSchema, body)
  await assertSeen(operator.acts, holdId, asked.digest)
  const acts = await OPERATOR_ACTIONS.requestHold({ holdId }, undefined, { operator })
  const challenge = createHash('sha256').update(acts[asked.verdict]).digest('base64url')
  const id = people.passkeyOf(session)?.passkey?.id
  return { options: requestOptions(url, challenge, id === undefined ? [] : [id]) }
}

/** Approves or refuses as somebody whose signature over the act is verified by the store. @throws Refused, AdminError */
export async function decide(
  holdId: string,
  body: unknown,
  session: Session,
  { operator, people }: DecideDeps,
): Promise<HoldInfo> {
  const { verdict: said, assertion, ...seen } = parsed(answerSchema, body)
  if (assertion.id !== people.passkeyOf(session)?.passkey?.id) {
    throw new Refused(403, 'This is not the passkey that has signed in.')
  }
  const { digest: shown, note } = seen
  await assertSeen(operator.acts, holdId, shown)
  const act = { by: session.name, note, assertion }
  return said === 'approve'
    ? OPERATOR_ACTIONS.approveHold({ holdId }, { ...act, digest: shown }, { operator })
    : OPERATOR_ACTIONS.rejectHold({ holdId }, act, { operator })
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data } = schema.safeParse(value)
  if (success) return data
  throw new Refused(400, 'That is not what the page sends.')
}
