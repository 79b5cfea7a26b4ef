/** The three writes of a pairing, PUT, PATCH and DELETE: which of them may be repeated, and when. */
import { handlerBody, paths } from './api/resources.ts'
import { backoffMs } from './api/retry.ts'
import { BootstrapError } from './errors.ts'
import { NOUNS } from './memory.ts'
import { observeGeneration, observePaired } from './observe.ts'
import { operationOf } from './pairing-context.ts'
import type { PairingContext } from './pairing-context.ts'
import { PROBE_VALID_MS } from './probe.ts'
import { nowMs, safePoint } from './session.ts'
import { submitOnce } from './submit.ts'

/** New idempotency keys after 5xx answers within one run. */
const MAX_RESENDS = 3

/** The complete replacement of the callback handler by one generation. */
export async function bodyOf(generation: number, context: PairingContext) {
  const { info } = await observeGeneration(context, generation)
  const { url, publicKeyPem, certificatePem } = info
  return handlerBody(context.auth, { url, publicKeyPem, certificatePem })
}

/** PUT: a lost answer is asked for again with the same key; after a 5xx answer the API is read first. */
export async function sendPair(
  generation: number,
  reuse: string | null,
  context: PairingContext,
): Promise<void> {
  const body = await bodyOf(generation, context)
  let idempotencyKey = reuse ?? context.uuid()
  for (let resend = 0; ; resend += 1) {
    requireProbe(context)
    const call = { method: 'PUT', path: pathOf(context), body: body.text, idempotencyKey } as const
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
    if ((await observePaired(context, context.ids)).is !== 'absent') return
    idempotencyKey = context.uuid()
    await context.sleep(backoffMs(resend + 2, context.random()), context.signal)
    safePoint(context)
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof BootstrapError && error.api?.status === 404
}

/** PATCH and DELETE: no idempotency key, so a lost answer or a 5xx leaves a doubt that only reading back can clear. */
export async function sendUnkeyed(
  method: 'PATCH' | 'DELETE',
  body: { readonly text: string } | undefined,
  context: PairingContext,
): Promise<void> {
  if (method === 'PATCH') requireProbe(context)
  const call = {
    method,
    path: pathOf(context),
    ...(body === undefined ? {} : { body: body.text }),
  }
  const sent = await submitOnce(call, operationOf(context).submission, context)
  if (sent.outcome === 'accepted') return announce(context)
  context.reporter.warning(sent.error.message)
  context.reporter.story(
    'the change may be pending all the same: look in the approval app; if nothing waits there, stop and run again with `--resubmit`',
  )
}

/** INVARIANT: nothing is sent unless a probe of this operation passed less than 10 minutes ago. */
function requireProbe(context: PairingContext): void {
  const { probedAtMs } = operationOf(context)
  if (probedAtMs !== null && nowMs(context) - probedAtMs < PROBE_VALID_MS) return
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
