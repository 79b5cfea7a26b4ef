/**
 * `Idempotency-Key`: the first answer again for 24 hours, unless it was an internal error (vendor:
 * API idempotency).
 */
import { type ApiRequest, flatError, type Reply } from './message.ts'
import { sha256Hex } from './tokens.ts'
import type { EmulatorState, Instant } from './state.ts'

const MAX_LENGTH = 40

/**
 * The answer that the key of this request already decides; undefined when the operation must be
 * carried out.
 */
export function recallReply(
  request: ApiRequest,
  state: EmulatorState,
  apiKey: string,
  now: Instant,
): Reply | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (key.length > MAX_LENGTH) {
    return flatError(400, `Idempotency key must be at most ${MAX_LENGTH} characters`, 9003)
  }
  const known = state.idempotency.get(`${apiKey} ${key}`)
  if (known === undefined || known.expiresAt <= now) return undefined
  if (known.readyAt > now) {
    return flatError(400, 'A request with the same idempotency key is still in progress', 9005)
  }
  if (known.reply === undefined) {
    return flatError(
      400,
      "This operation doesn't support the usage of the same idempotency key after an internal error",
      9003,
    )
  }
  if (state.chaos.knobs.IDEMP_STRICT_BODY && known.bodyHash !== sha256Hex(request.body)) {
    return flatError(400, 'The idempotency key was used with another body')
  }
  return known.reply
}

/**
 * Keeps the first answer to the key of this request, if it has one. An answer of 5xx spends the
 * key.
 */
export function rememberReply(
  request: ApiRequest,
  state: EmulatorState,
  apiKey: string,
  reply: Reply,
  now: Instant,
): void {
  const key = request.headers['idempotency-key']
  if (key === undefined) return
  state.idempotency.set(`${apiKey} ${key}`, {
    bodyHash: sha256Hex(request.body),
    readyAt: now + reply.delayMs,
    expiresAt: now + state.chaos.knobs.IDEMP_TTL_H * 3_600_000,
    reply: reply.status >= 500 ? undefined : { ...reply, delayMs: 0, fate: 'deliver' },
  })
}
