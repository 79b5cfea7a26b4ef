/**
 * Sends the writes of a plan so that a crash or a lost answer at any point leaves a record of what
 * may have happened, and says which of them may be repeated, and when.
 */
import { bodyHash } from './api/auth.ts'
import { echoedUrl, handlerBody, paths, requestIdOf } from './api/resources.ts'
import { type ApiAnswer, type ApiWrite, sameOriginPath } from './api/client.ts'
import { parseJson } from '../common/json.ts'
import { oneLine } from '../common/terminal.ts'
import type { Pairing } from './compare.ts'
import { BootstrapError } from './errors.ts'
import type { Journal } from './journal.ts'
import { NOUNS, type Submission } from './memory.ts'
import { nowMs, operationOf, type PairingContext, safePoint, type Session } from './session.ts'
import { backoffMs } from './api/retry.ts'
import { observeGeneration, observePaired } from './observe.ts'
import { PROBE_VALID_MS } from './probe.ts'

/**
 * `accepted`: pending or done. `server-error`: an answer that proves nothing. `no-answer`: none
 * came.
 */
export type Sent =
  | { readonly outcome: 'accepted'; readonly answer: ApiAnswer | undefined }
  | { readonly outcome: 'server-error' | 'no-answer'; readonly error: BootstrapError }

export interface SubmitDeps extends Pick<Session, 'api' | 'reporter'> {
  readonly journal: Journal
  /** Origin against which `Location` is resolved. */
  readonly basePath: string
}

/**
 * Journals the intent, sends, journals the result. `before` is the latest submission of the same
 * operation: while its fate is open only the identical body may follow, and "a request is pending"
 * is good news.
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
    compareEcho(call, answer, deps)
    await journal.append('submit', { outcome: 'accepted', ...locationFacts(answer, deps) })
    return { outcome: 'accepted', answer }
  } catch (error) {
    if (!(error instanceof BootstrapError) || error.api === undefined) throw error
    return await settleFailure(error, inDoubt, idempotencyKey !== null, journal)
  }
}

/** The answer repeats the callback handler: a warning when that is not what was sent. */
function compareEcho(call: ApiWrite, { body }: ApiAnswer, { reporter }: SubmitDeps): void {
  const sent = echoedUrl(parseJson(call.body ?? ''))
  const echoed = echoedUrl(body)
  if (sent === undefined || echoed === undefined || sent === echoed) return
  reporter.warning(`the API repeats another URL than was sent: \`${oneLine(echoed)}\``)
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
      // The API repeats its answer to a key: had an earlier try been carried out, this one would
      // not be "not found".
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
export const KEY_SPENT = 9003

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

/** New idempotency keys after 5xx answers within one run. */
const MAX_RESENDS = 3

/** The complete replacement of the callback handler by one generation. */
async function bodyOf(generation: number, context: PairingContext) {
  const { info } = await observeGeneration(context, generation)
  const { url, publicKeyPem, certificatePem } = info
  return handlerBody(context.auth, { url, publicKeyPem, certificatePem })
}

/**
 * PUT: a lost answer is asked for again with the same key; after a 5xx answer the API is read
 * first.
 */
export async function sendPair(
  generation: number,
  reuse: string | null,
  context: PairingContext,
): Promise<void> {
  const body = await bodyOf(generation, context)
  let idempotencyKey = reuse ?? context.uuid()
  for (let resend = 0; ; resend += 1) {
    const notAfterMs = requireProbe(context)
    const path = pathOf(context)
    const call = { method: 'PUT', path, body: body.text, idempotencyKey, notAfterMs } as const
    const sent = await submitOnce(call, operationOf(context).submission, context).catch(
      (error: unknown) => {
        if (idempotencyKey === reuse && isNotFound(error)) return undefined
        throw error
      },
    )
    if (sent === undefined) {
      // The API repeats what it answered to this key before, when the user was not approved yet.
      idempotencyKey = context.uuid()
      continue
    }
    if (sent.outcome === 'accepted') return announce(context)
    if (sent.outcome === 'no-answer' || resend === MAX_RESENDS) throw sent.error
    context.reporter.warning(`${sent.error.message}; reading back before anything else`)
    if (!isUnpaired(await observePaired(context, context.ids))) return
    idempotencyKey = context.uuid()
    await context.sleep(backoffMs(resend + 2, context.random()), context.signal)
    safePoint(context)
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof BootstrapError && error.api?.status === 404
}

/** True for what a read model may show of a user that is not paired. */
function isUnpaired({ is }: Pairing): boolean {
  return is === 'absent' || is === 'no-handler'
}

/** PATCH; a 404 is answered with PUT when the read model, too, says that nothing is paired. */
export async function sendUpdate(generation: number, context: PairingContext): Promise<void> {
  const body = await bodyOf(generation, context)
  try {
    await sendUnkeyed('PATCH', body, context)
  } catch (error) {
    if (!isNotFound(error) || !isUnpaired(await observePaired(context, context.ids))) throw error
    context.reporter.story('nothing is paired that could be updated: pairing instead')
    await sendPair(generation, null, context)
  }
}

/** DELETE. */
export async function sendUnpair(context: PairingContext): Promise<void> {
  await sendUnkeyed('DELETE', undefined, context)
}

/** No idempotency key: a lost answer or a 5xx leaves a doubt that only reading back can clear. */
async function sendUnkeyed(
  method: 'PATCH' | 'DELETE',
  body: { readonly text: string } | undefined,
  context: PairingContext,
): Promise<void> {
  const call = {
    method,
    path: pathOf(context),
    ...(body === undefined ? {} : { body: body.text, notAfterMs: requireProbe(context) }),
  }
  const sent = await submitOnce(call, operationOf(context).submission, context)
  if (sent.outcome === 'accepted') return announce(context)
  context.reporter.warning(sent.error.message)
  context.reporter.story(
    'the change may be pending all the same: look in the approval app; if nothing waits there, stop and run again with `--resubmit`',
  )
}

/**
 * INVARIANT: nothing is sent unless a probe of this operation passed less than 10 minutes ago, however
 * often it is tried. Returns the last instant at which it may be sent, in milliseconds.
 */
function requireProbe(context: PairingContext): number {
  const { probedAtMs } = operationOf(context)
  if (probedAtMs !== null && nowMs(context) - probedAtMs < PROBE_VALID_MS) {
    return probedAtMs + PROBE_VALID_MS - 1
  }
  throw new BootstrapError('ERR_DRIFT', 'the last probe is too old to justify a change', {
    hint: 'run the same command again',
  })
}

function announce(context: PairingContext): void {
  const { kind, submission } = operationOf(context)
  const id = submission?.requestId ?? null
  context.reporter.story(
    id === null
      ? `the ${NOUNS[kind]} is accepted, without a request id`
      : `the ${NOUNS[kind]} is accepted as request ${id}`,
  )
}

function pathOf({ family, ids }: PairingContext): string {
  return paths.apiKey(ids.cosignerId, family, ids.apiKeyId)
}
