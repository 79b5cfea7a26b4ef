/** Sends one change so that a crash or a lost answer at any point leaves a record that says what may have happened. */
import { bodyHash } from './api/auth.ts'
import { requestIdOf } from './api/resources.ts'
import { sameOriginPath } from './api/client.ts'
import type { ApiAnswer, ApiWrite } from './api/client.ts'
import { BootstrapError } from './errors.ts'
import type { Journal } from './journal.ts'
import type { Submission } from './memory.ts'
import type { Session } from './session.ts'

/** `accepted`: pending or done. `server-error`: an answer that proves nothing. `no-answer`: none came. */
export type Sent =
  | { readonly outcome: 'accepted'; readonly answer: ApiAnswer | undefined }
  | { readonly outcome: 'server-error' | 'no-answer'; readonly error: BootstrapError }

export interface SubmitDeps extends Pick<Session, 'api' | 'reporter'> {
  readonly journal: Journal
  /** Origin against which `Location` is resolved. */
  readonly basePath: string
}

/**
 * Journals the intent, sends, journals the result. `before` is the latest submission of the same operation: while its
 * fate is open only the identical body may follow, and "a request is pending" is good news.
 *
 * @throws BootstrapError when the API refused, or was never reached
 */
export async function submitOnce(
  call: ApiWrite,
  before: Submission | null,
  deps: SubmitDeps,
): Promise<Sent> {
  const { journal } = deps
  const bodySha = bodyHash(call.body ?? '')
  const inDoubt = before !== null && before.outcome !== 'clear'
  if (inDoubt && before.bodySha !== bodySha) {
    throw new BootstrapError(
      'ERR_USAGE',
      'this is not the change whose fate is unknown: its body differs',
      { hint: 'use the options of the first run, or give that change up with `--abandon`' },
    )
  }
  const idempotencyKey = call.idempotencyKey ?? null
  await journal.append('submit-intent', { method: call.method, bodySha, idempotencyKey })
  try {
    const answer = await deps.api.write(call)
    await journal.append('submit', { outcome: 'accepted', ...locationFacts(answer, deps) })
    return { outcome: 'accepted', answer }
  } catch (error) {
    if (!(error instanceof BootstrapError) || error.api === undefined) throw error
    return await settleFailure(error, inDoubt, idempotencyKey !== null, journal)
  }
}

async function settleFailure(
  error: BootstrapError,
  inDoubt: boolean,
  keyed: boolean,
  journal: Journal,
): Promise<Sent> {
  const { kind, status, vendorCode, requestId } = error.api ?? { kind: 'no-answer' }
  const facts = {
    status: status ?? null,
    vendorCode: vendorCode ?? null,
    xRequestId: requestId ?? null,
  }
  switch (kind) {
    case 'refused': {
      if (vendorCode === KEY_SPENT) {
        await journal.append('submit', { outcome: 'server-error', ...facts })
        return { outcome: 'server-error', error }
      }
      // The API repeats its answer to a key: had an earlier try been carried out, this one would not be "not found".
      const notFound = keyed && status === 404
      const doubt = !notFound && (inDoubt || error.api?.inDoubt === true)
      if (doubt && (status === 409 || vendorCode === IN_PROGRESS)) {
        const nowhere = { requestId: null, location: null }
        await journal.append('submit', { outcome: 'accepted', ...facts, ...nowhere })
        return { outcome: 'accepted', answer: undefined }
      }
      await journal.append('submit', { outcome: doubt ? 'refused-in-doubt' : 'clear', ...facts })
      throw error
    }
    case 'not-sent':
      await journal.append('submit', { outcome: inDoubt ? 'refused-in-doubt' : 'clear', ...facts })
      throw error
    case 'server-error':
    case 'bad-answer':
      await journal.append('submit', { outcome: 'server-error', ...facts })
      return { outcome: 'server-error', error }
    case 'no-answer':
    default:
      await journal.append('submit', { outcome: 'no-answer', ...facts })
      return { outcome: 'no-answer', error }
  }
}

/** Vendor code: the idempotency key was used before an internal error. */
const KEY_SPENT = 9003

/** Vendor code: a request with this idempotency key is being worked on. */
const IN_PROGRESS = 9005

/** Where to ask for the fate of the request; a location of another origin is not followed. */
function locationFacts(answer: ApiAnswer, { basePath, reporter }: SubmitDeps) {
  const xRequestId = answer.requestId ?? null
  const { location } = answer
  if (location === undefined) return { requestId: null, location: null, xRequestId }
  const path = sameOriginPath(location, basePath)
  if (path === undefined) {
    reporter.warning('the API named a status address of another origin, which is not followed')
    return { requestId: null, location: null, xRequestId }
  }
  return { requestId: requestIdOf(path) ?? null, location: path, xRequestId }
}
