/**
 * The control API: the people who approve, the host's shell and the fault generator, for tests and
 * for the curious.
 */
import { z } from 'zod'
import { decide, schedule, settle } from './approvals.ts'
import { apiNow } from './custody-api.ts'
import { type ApiRequest, json, type Reply } from './message.ts'
import { turnKnobs } from './knobs.ts'
import { shownState } from './shown-state.ts'
import type { ChangeRequest, EmulatorState, Instant } from './state.ts'

/** One call of the control API. */
export interface ControlCall {
  readonly body: unknown
  readonly params: Readonly<Record<string, string>>
  readonly state: EmulatorState
  readonly now: Instant
}

/** One row of the control API; later parts add their own. */
export interface ControlRoute {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Matches the path after the control URL. */
  readonly path: RegExp
  readonly run: (call: ControlCall) => Reply | Promise<Reply>
}

/** An answer that says what was wrong with the call. */
export function controlError(status: number, message: string): Reply {
  return json(status, { error: { message } })
}

/** The rows that need nothing but the state. */
export const STATE_ROUTES: readonly ControlRoute[] = [
  { method: 'GET', path: /^\/approvals$/, run: listApprovals },
  { method: 'POST', path: /^\/approvals\/(?<id>[^/]+)$/, run: decideApproval },
  { method: 'POST', path: /^\/auto-approve$/, run: autoApprove },
  { method: 'GET', path: /^\/chaos$/, run: ({ state }) => shownChaos(state) },
  { method: 'POST', path: /^\/chaos$/, run: turn },
  { method: 'GET', path: /^\/state$/, run: ({ state, now }) => json(200, shownState(state, now)) },
]

/** Answers one call of the control API; `path` is the target after the control URL. */
export async function answerControl(
  request: ApiRequest,
  path: string,
  routes: readonly ControlRoute[],
  state: EmulatorState,
  at: Date,
): Promise<Reply> {
  const matching = routes.filter((row) => row.path.test(path))
  const route = matching.find((row) => row.method === request.method)
  if (route === undefined) {
    return controlError(matching.length > 0 ? 405 : 404, `no \`${request.method} ${path}\` here`)
  }
  let body: unknown
  try {
    body = request.body.length === 0 ? {} : JSON.parse(request.body.toString('utf8'))
  } catch {
    return controlError(400, 'the body is not JSON')
  }
  const now = apiNow(state, at)
  settle(state, now)
  return route.run({ body, params: route.path.exec(path)?.groups ?? {}, state, now })
}

/** The value by its schema, or the answer 400. */
export function parseControl<T>(
  schema: z.ZodType<T>,
  body: unknown,
): { ok: true; value: T } | { ok: false; reply: Reply } {
  const result = schema.safeParse(body)
  if (result.success) return { ok: true, value: result.data }
  const text = result.error.issues
    .map(({ path, message }) => `\`${path.join('.') || 'body'}\`: ${message}`)
    .join('; ')
  return { ok: false, reply: controlError(400, text) }
}

function listApprovals({ state }: ControlCall): Reply {
  return json(200, state.requests.map(shownApproval))
}

function decideApproval({ state, params, body, now }: ControlCall): Reply {
  const schema = z.strictObject({ decision: z.enum(['approve', 'reject', 'cancel', 'expire']) })
  const read = parseControl(schema, body)
  if (!read.ok) return read.reply
  const request = state.requests.find(({ id }) => id === params['id'])
  if (request === undefined) return controlError(404, `no approval \`${params['id']}\``)
  if (!decide(state, request, read.value.decision, now)) {
    return controlError(409, `approval \`${request.id}\` is ${request.status} already`)
  }
  settle(state, now)
  return json(200, shownApproval(request))
}

/**
 * `after_ms: null` goes back to waiting for people. Requests that wait already are scheduled too.
 */
function autoApprove({ state, body, now }: ControlCall): Reply {
  const schema = z.strictObject({ after_ms: z.number().min(0).nullable() })
  const read = parseControl(schema, body)
  if (!read.ok) return read.reply
  state.autoApproveMs = read.value.after_ms ?? undefined
  for (const request of state.requests) schedule(state, request, now)
  settle(state, now)
  return json(200, { after_ms: read.value.after_ms })
}

function turn({ state, body, now }: ControlCall): Reply {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return controlError(400, 'give an object of knobs')
  }
  const knobs = turnKnobs(state.chaos.knobs, body)
  if (!('LOST_REPLY_PCT' in knobs)) return controlError(400, knobs.join('; '))
  state.chaos.knobs = knobs
  if ('APPROVAL_DELAY_S' in body || 'APPROVAL_OUTCOME' in body) {
    for (const request of state.requests) schedule(state, request, now)
  }
  return shownChaos(state)
}

function shownChaos({ chaos }: EmulatorState): Reply {
  return json(200, { seed: chaos.seed, knobs: chaos.knobs })
}

/**
 * What `GET /approvals` lists: the id, type and status that are promised, and what helps to choose.
 */
export function shownApproval(request: ChangeRequest) {
  const { id, type, status, target, user, requestedAt } = request
  return {
    id,
    type,
    status,
    requestedAt: new Date(requestedAt).toISOString(),
    ...(target === undefined ? {} : { cosignerId: target.cosignerId, apiKeyId: target.apiKeyId }),
    ...(target === undefined ? {} : { callbackUrl: target.handler?.url ?? null }),
    ...(user === undefined ? {} : { name: user.name, role: user.role }),
  }
}
