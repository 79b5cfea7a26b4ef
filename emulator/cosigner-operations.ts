/**
 * The co-signer operations of the API: list, pair, update, unpair, request status (vendor:
 * Cosigners, beta).
 */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { openRequest } from './approvals.ts'
import { happens } from './chaos.ts'
import { flatError, json, type Reply } from './message.ts'
import { type Call, type Operation, page, readBody } from './operation.ts'
import { shownApiKey } from './read-model.ts'
import {
  type CallbackHandler,
  type ChangeRequest,
  type ChangeType,
  type Cosigner,
  pairingAt,
} from './state.ts'

const ROOT = String.raw`^/cosigners/(?<cosignerId>[^/]+)`
/** Both names of the segment are served: the published one and the newer one. */
const KEYS = String.raw`${ROOT}/(?<segment>api_keys|api_users)`
const KEY = String.raw`${KEYS}/(?<apiKeyId>[^/]+)`

const NOT_FOUND = 'The requested resource was not found'

/** A text that `read` can decode. */
function decodable(read: (text: string) => unknown, message: string) {
  return z.string().refine((text) => {
    try {
      read(text)
      return true
    } catch {
      return false
    }
  }, message)
}

const handlerSchema = z.strictObject({
  url: decodable((text) => {
    if (!/^https?:$/.test(new URL(text).protocol)) throw new TypeError('not http')
  }, 'must be an http or https URL'),
  publicKey: decodable((text) => {
    if (!text.trimStart().startsWith('-----BEGIN PUBLIC KEY-----')) throw new TypeError('not SPKI')
    createPublicKey(text)
  }, 'must be a PEM public key').optional(),
  cert: decodable((text) => new X509Certificate(text), 'must be a PEM certificate').optional(),
})

/** `{}` is valid by the published schema: no handler, and then the co-signer signs everything. */
const pairSchema = z.strictObject({ callbackHandler: handlerSchema.optional() })

/** Every co-signer operation. */
export const COSIGNER_OPERATIONS: readonly Operation[] = [
  operation('GET', '^/cosigners', listCosigners),
  operation(
    'GET',
    ROOT,
    withCosigner((call, cosigner) => json(200, shownCosigner(call, cosigner))),
  ),
  operation('PATCH', ROOT, withCosigner(rename)),
  operation('GET', KEYS, withCosigner(listApiKeys)),
  operation('GET', KEY, withCosigner(getApiKey)),
  { ...operation('PUT', KEY, withCosigner(pair)), idempotent: true },
  operation('PATCH', KEY, withCosigner(update)),
  operation('DELETE', KEY, withCosigner(unpair)),
  operation('GET', String.raw`${KEY}/(?<requestId>[^/]+)`, withCosigner(getStatus)),
]

function operation(
  method: Operation['method'],
  pattern: string,
  run: (call: Call) => Reply,
): Operation {
  const path = new RegExp(`${pattern}$`)
  return { method, path, adminOnly: true, idempotent: false, nestedErrors: false, run }
}

function withCosigner(run: (call: Call, cosigner: Cosigner) => Reply): (call: Call) => Reply {
  return (call) => {
    const cosigner = call.state.cosigners.find(({ id }) => id === call.params['cosignerId'])
    return cosigner === undefined ? flatError(404, NOT_FOUND) : run(call, cosigner)
  }
}

function listCosigners(call: Call): Reply {
  const { state, query } = call
  return paged(
    state.cosigners.map((cosigner) => shownCosigner(call, cosigner)),
    query,
  )
}

function rename(call: Call, cosigner: Cosigner): Reply {
  const body = readBody(call.body, z.strictObject({ name: z.string().min(1) }))
  if (!body.ok) return body.reply
  cosigner.name = body.value.name
  return json(200, shownCosigner(call, cosigner))
}

function listApiKeys({ state, now, query }: Call, cosigner: Cosigner): Reply {
  const keys = Array.from(state.pairings.values())
    .filter(({ cosignerId }) => cosignerId === cosigner.id)
    .flatMap(({ apiKeyId }) => shownApiKey(state, cosigner.id, apiKeyId, now) ?? [])
  return paged(keys, query)
}

function getApiKey({ state, params, now }: Call, cosigner: Cosigner): Reply {
  const shown = shownApiKey(state, cosigner.id, params['apiKeyId'] ?? '', now)
  return shown === undefined ? flatError(404, NOT_FOUND) : json(200, shown)
}

function pair(call: Call, cosigner: Cosigner): Reply {
  const { state, now, body } = call
  const read = readBody(body, pairSchema)
  if (!read.ok) return read.reply
  const apiKeyId = call.params['apiKeyId'] ?? ''
  if (!state.users.has(apiKeyId)) return flatError(404, NOT_FOUND)
  const paired = pairingAt(state, cosigner.id, apiKeyId, now) !== undefined
  if (paired && state.chaos.knobs.REPAIR === 'conflict') {
    return flatError(409, 'The API key is already paired')
  }
  const handler = read.value.callbackHandler
  return submit(call, cosigner, 'PAIR_API_KEY', handler === undefined ? null : present(handler))
}

function update(call: Call, cosigner: Cosigner): Reply {
  const { state, now, body } = call
  const read = readBody(body, pairSchema)
  if (!read.ok) return read.reply
  const paired = pairingAt(state, cosigner.id, call.params['apiKeyId'] ?? '', now)
  if (paired === undefined) return flatError(404, 'The API key is not paired with this cosigner')
  const sent = read.value.callbackHandler
  const kept = state.chaos.knobs.PATCH_SEMANTICS === 'merge' ? paired.handler : null
  const handler = sent === undefined ? kept : present({ ...kept, ...sent })
  return submit(call, cosigner, 'UPDATE_CALLBACK_HANDLER', handler)
}

function unpair(call: Call, cosigner: Cosigner): Reply {
  const { state, now } = call
  const apiKeyId = call.params['apiKeyId'] ?? ''
  const shown = shownApiKey(state, cosigner.id, apiKeyId, now)
  if (shown === undefined) return flatError(404, NOT_FOUND)
  const reply = submit(call, cosigner, 'UNPAIR_API_KEY', undefined)
  return reply.status === 202 ? { ...reply, body: JSON.stringify(shown) } : reply
}

/** 202 with `Location`: people have to approve. */
function submit(
  call: Call,
  cosigner: Cosigner,
  type: ChangeType,
  handler: CallbackHandler | null | undefined,
): Reply {
  const { state, now, params } = call
  const apiKeyId = params['apiKeyId'] ?? ''
  if (state.chaos.knobs.SECOND_CHANGE === 'conflict' && isPending(state.requests, apiKeyId)) {
    return flatError(409, 'Another request for this API key is pending')
  }
  const target = { cosignerId: cosigner.id, apiKeyId, handler }
  const request = openRequest(state, { type, target, user: undefined }, now)
  const location = `/v1/cosigners/${cosigner.id}/${params['segment'] ?? 'api_keys'}/${apiKeyId}/${request.id}`
  const echo = handler === null || handler === undefined ? {} : { callbackHandler: handler }
  const headers: Record<string, string> = happens(state.chaos, 'LOCATION_MISSING_PCT')
    ? {}
    : { location }
  return json(202, { id: apiKeyId, ...echo }, headers)
}

function getStatus({ state, params }: Call, cosigner: Cosigner): Reply {
  const request = state.requests.find(({ id }) => id === params['requestId'])
  const { target } = request ?? {}
  if (
    request === undefined ||
    request.forgotten ||
    target?.cosignerId !== cosigner.id ||
    target.apiKeyId !== params['apiKeyId']
  ) {
    return flatError(404, NOT_FOUND)
  }
  const open = request.status === 'WAITING_FOR_APPROVAL' || request.status === 'APPROVED'
  const strange = open && happens(state.chaos, 'UNKNOWN_STATUS_PCT')
  return json(200, { status: strange ? 'PENDING_EXECUTION' : request.status, type: request.type })
}

function isPending(requests: readonly ChangeRequest[], apiKeyId: string): boolean {
  return requests.some(
    ({ target, status }) =>
      target?.apiKeyId === apiKeyId && (status === 'WAITING_FOR_APPROVAL' || status === 'APPROVED'),
  )
}

function paged(items: readonly unknown[], query: URLSearchParams): Reply {
  const result = page(items, query)
  return result === undefined
    ? flatError(400, 'Bad request: order, pageCursor or pageSize')
    : json(200, result)
}

function shownCosigner({ state }: Call, { id, name, type }: Cosigner): unknown {
  const version = { hash: id.replaceAll('-', ''), name: state.chaos.knobs.COSIGNER_VERSION }
  return { id, archived: false, name, type, version }
}

/** Without members that were not sent. */
function present(handler: {
  url: string
  publicKey?: string | undefined
  cert?: string | undefined
}): CallbackHandler {
  const { url, publicKey, cert } = handler
  return {
    url,
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(cert === undefined ? {} : { cert }),
  }
}
