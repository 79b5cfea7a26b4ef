/**
 * The custody API as one plain function from a request and the state to an answer: checks, carries
 * out, remembers, and lets chaos act at the three points where a real network does: before, after,
 * and on the way back.
 */
import { settle } from './approvals.ts'
import { authenticate } from './auth.ts'
import { COSIGNER_OPERATIONS } from './cosigner-operations.ts'
import { type Chaos, drawOne, drawUuid, drawWithin, happens } from './chaos.ts'
import { recallReply, rememberReply } from './idempotency.ts'
import { type ApiRequest, flatError, html, nestedError, type Reply } from './message.ts'
import { USER_OPERATIONS } from './user-operations.ts'
import type { Operation } from './operation.ts'
import type { EmulatorState, Instant } from './state.ts'
import { VAULT_OPERATIONS } from './vault-operations.ts'

const OPERATIONS: readonly Operation[] = [
  ...COSIGNER_OPERATIONS,
  ...USER_OPERATIONS,
  ...VAULT_OPERATIONS,
]

/** How many requests the audit keeps. */
const AUDIT_LENGTH = 10_000

/** A reply with what the audit says about it. */
interface Outcome {
  readonly reply: Reply
  readonly code?: number | undefined
  readonly fault?: string | undefined
}

/** The API's clock: the emulator's own, ahead by `CLOCK_SKEW_S`. */
export function apiNow(state: EmulatorState, now: Date): Instant {
  return now.getTime() + state.chaos.knobs.CLOCK_SKEW_S * 1000
}

/**
 * Answers one API request. Changes `state` as the operation does, even when the answer is then
 * lost.
 */
export function answerCustodyApi(request: ApiRequest, state: EmulatorState, at: Date): Reply {
  const now = apiNow(state, at)
  settle(state, now)
  const requestId = drawUuid(state.chaos, 'x-request-id')
  const { reply, code, fault } = onTheWayBack(route(request, state, now), request, state.chaos)
  state.audit.push({
    at: now,
    requestId,
    method: request.method,
    target: request.target,
    apiKey: request.headers['x-api-key'] ?? '',
    status: reply.status,
    code,
    fault,
  })
  if (state.audit.length > AUDIT_LENGTH) state.audit.shift()
  const date = new Date(now).toUTCString()
  return { ...reply, headers: { ...reply.headers, date, 'x-request-id': requestId } }
}

function route(request: ApiRequest, state: EmulatorState, now: Instant): Outcome {
  const [path = '', query = ''] = request.target.split('?', 2)
  const inside = path.startsWith('/v1/') ? path.slice('/v1'.length) : ''
  const operation = OPERATIONS.find((row) => row.method === request.method && row.path.test(inside))
  if (operation === undefined) return { reply: flatError(404, `Cannot ${request.method} ${path}`) }
  if (happens(state.chaos, 'HTTP_429_PCT')) {
    return { reply: tooMany(state.chaos, now), fault: 'HTTP_429_PCT' }
  }
  const caller = authenticate(request, state, now, operation.adminOnly)
  if ('code' in caller) {
    const { code, message } = caller
    const reply = operation.nestedErrors
      ? nestedError(401, code === -8 ? 'AUTHORIZATION' : 'AUTHENTICATION', message)
      : flatError(401, message, code)
    return { reply, code }
  }
  const recalled = operation.idempotent ? recallReply(request, state, caller.id, now) : undefined
  if (recalled !== undefined) return { reply: recalled }
  const outcome = happens(state.chaos, 'HTTP_5XX_PCT')
    ? { reply: internalError(state.chaos, operation), fault: 'HTTP_5XX_PCT' }
    : run(operation, {
        params: operation.path.exec(inside)?.groups ?? {},
        query: new URLSearchParams(query),
        path,
        body: request.body,
        caller,
        state,
        now,
      })
  const delayMs = drawWithin(state.chaos, 'API_DELAY_MS', state.chaos.knobs.API_DELAY_MS)
  const reply = { ...outcome.reply, delayMs }
  if (operation.idempotent) rememberReply(request, state, caller.id, reply, now)
  return { ...outcome, reply }
}

function run(operation: Operation, call: Parameters<Operation['run']>[0]): Outcome {
  const { chaos } = call.state
  const reply = operation.run(call)
  if (operation.method !== 'GET' && happens(chaos, 'HTTP_502_AFTER_COMMIT_PCT')) {
    return { reply: html(502, 'Bad Gateway'), fault: 'HTTP_502_AFTER_COMMIT_PCT' }
  }
  return { reply }
}

function onTheWayBack(outcome: Outcome, request: ApiRequest, chaos: Chaos): Outcome {
  if (happens(chaos, 'LOST_REPLY_PCT')) {
    return { ...outcome, reply: { ...outcome.reply, fate: 'drop' }, fault: 'LOST_REPLY_PCT' }
  }
  const { reply } = outcome
  const isObject = reply.status < 300 && reply.body.startsWith('{"')
  if (!isObject || !happens(chaos, 'UNKNOWN_FIELDS_PCT')) return outcome
  const extra = `{"x_undocumented":{"for":${JSON.stringify(request.method)},"list":[1,null]},`
  return { ...outcome, reply: { ...reply, body: extra + reply.body.slice(1) } }
}

function tooMany(chaos: Chaos, now: Instant): Reply {
  const setting = chaos.knobs.HTTP_429_RETRY_AFTER
  const form =
    setting === 'mixed'
      ? drawOne(chaos, 'HTTP_429_RETRY_AFTER', ['seconds', 'date', 'absent'])
      : setting
  const reply = flatError(429, 'Too many requests')
  if (form === 'absent') return reply
  const value = form === 'seconds' ? '1' : new Date(now + 2000).toUTCString()
  return { ...reply, headers: { ...reply.headers, 'retry-after': value } }
}

function internalError(chaos: Chaos, { nestedErrors }: Operation): Reply {
  const form = drawOne(chaos, 'HTTP_5XX_FORM', ['json', 'html', 'empty'])
  if (form === 'html') return html(503, 'Service Unavailable')
  if (form === 'empty') return { ...html(500, ''), body: '' }
  return nestedErrors
    ? nestedError(500, 'INTERNAL', 'Internal error')
    : flatError(500, 'Internal error')
}
