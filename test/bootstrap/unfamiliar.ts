/**
 * Answers of the custody API that its documents allow and that its examples do not show: each variant rewrites what the
 * emulator says, and names how `pair`, `status`, `rotate` and `unpair` must end.
 */
import { createPublicKey } from 'node:crypto'
import type { HttpRequest, HttpResponse } from '../../bootstrap/api/transport.ts'
import { COSIGNER, createWorld, USER, type World } from './world.ts'

/** Rewrites one answer; `state` lives as long as the world. */
type Rewrite = (
  request: HttpRequest,
  response: HttpResponse,
  state: Map<string, number>,
) => HttpResponse

export interface Variant {
  readonly name: string
  readonly rewrite: Rewrite
  /** Exit codes where they are not all 0. */
  readonly ends?: readonly number[]
}

type Json = Record<string, unknown>

const KEY = new RegExp(`/api_keys/${USER}$`)
const STATUS = new RegExp(`/api_keys/${USER}/[^/]+/?$`)
const HTML = '<html><body>no such page</body></html>'

const parse = (response: HttpResponse) => JSON.parse(response.body || '{}') as Json
const json = (response: HttpResponse, body: unknown): HttpResponse => ({
  ...response,
  body: JSON.stringify(body),
})

const without = (value: object, member: string) =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== member))

/** Rewrites the answers to GET of the pairing. */
const readModel =
  (change: (body: Json, state: Map<string, number>) => unknown): Rewrite =>
  (request, response, state) =>
    request.method === 'GET' && KEY.test(request.url.pathname) && response.status === 200
      ? json(response, change(parse(response), state))
      : response

/** Rewrites the callback handler of the read model. */
const handler = (change: (value: Record<string, string>) => unknown): Rewrite =>
  readModel((body) => ({
    ...body,
    callbackHandler: change(body['callbackHandler'] as Record<string, string>),
  }))

const publicKey = (change: (pem: string) => string) =>
  handler(({ publicKey: pem = '', ...rest }) => ({ ...rest, publicKey: change(pem) }))
const hash = (change: (text: string) => string) =>
  handler(({ certPublicKeyHash: text = '', ...rest }) => ({
    ...rest,
    certPublicKeyHash: change(text),
  }))
const digestOf = (text: string) => Buffer.from(text.replace('sha256//', ''), 'base64')

/** Rewrites a 404 for the pairing. */
const missing =
  (body: string): Rewrite =>
  (request, response) =>
    KEY.test(request.url.pathname) && response.status === 404 ? { ...response, body } : response

/** Rewrites the Location of an accepted change. */
const location =
  (change: (path: string) => string | undefined, elsewhere?: Partial<HttpResponse>): Rewrite =>
  (request, response) => {
    const { location: path } = response.headers
    if (path !== undefined) {
      return { ...response, headers: { ...response.headers, location: change(path) } }
    }
    const isOurs = request.url.pathname.startsWith('/v1/cosigners/')
    return isOurs || request.method !== 'GET' || request.url.pathname.startsWith('/v1/management')
      ? response
      : { ...response, status: 404, body: HTML, ...elsewhere }
  }

/** Rewrites the status of a request. */
const status =
  (change: (text: string) => string): Rewrite =>
  (request, response) => {
    if (!STATUS.test(request.url.pathname) || response.status !== 200) return response
    const body = parse(response)
    return json(response, { ...body, status: change(String(body['status'])) })
  }

const noStatus =
  (body: string): Rewrite =>
  (request, response) =>
    STATUS.test(request.url.pathname) ? { ...response, status: 404, body } : response

/** Rewrites the answer to a write. */
const accepted =
  (change: (response: HttpResponse) => HttpResponse): Rewrite =>
  (request, response) =>
    request.method !== 'GET' && response.status === 202 ? change(response) : response

/** A failure in place of every n-th GET. */
const everyThirdGet =
  (failure: Partial<HttpResponse>): Rewrite =>
  (request, response, state) => {
    if (request.method !== 'GET') return response
    const count = (state.get('gets') ?? 0) + 1
    state.set('gets', count)
    return count % 3 === 0 ? { ...response, ...failure } : response
  }

export const VARIANTS: readonly Variant[] = [
  { name: '404 with an object without members', rewrite: missing('{}') },
  { name: '404 without a body', rewrite: missing('') },
  { name: '404 with a page of a gateway', rewrite: missing(HTML) },
  {
    name: '404 in the nested shape',
    rewrite: missing('{"error":{"type":"NOT_FOUND","message":"no"}}'),
  },
  { name: '404 with a list', rewrite: missing('[]') },
  {
    name: 'Location with scheme and host',
    rewrite: location((path) => `http://127.0.0.1:9070${path}`),
  },
  { name: 'Location with a slash at its end', rewrite: location((path) => `${path}/`) },
  { name: 'Location with a query', rewrite: location((path) => `${path}?expand=all`) },
  { name: 'Location without /v1, gateway 404 in HTML', rewrite: location((path) => path.slice(3)) },
  {
    name: 'Location without /v1, 404 in JSON',
    rewrite: location((path) => path.slice(3), { body: '{"message":"no route","code":404}' }),
  },
  {
    name: 'Location that is a page',
    rewrite: location((path) => `/console${path}`, { status: 200, body: HTML }),
  },
  {
    name: 'Location that is forbidden',
    rewrite: location((path) => `/internal${path}`, { status: 403, body: '{}' }),
  },
  { name: 'Location that is the bare id', rewrite: location((path) => path.split('/').at(-1)) },
  { name: 'Location that is a word', rewrite: location(() => 'string') },
  {
    name: 'Location of another origin',
    rewrite: location((path) => `https://elsewhere.test${path}`),
  },
  { name: 'no Location', rewrite: location(() => undefined) },
  { name: 'status in lower case', rewrite: status((text) => text.toLowerCase()) },
  {
    name: 'status in words',
    rewrite: status(
      (text) => ` ${text.charAt(0)}${text.slice(1).toLowerCase().replaceAll('_', ' ')} `,
    ),
  },
  {
    name: 'status that is unknown while people decide',
    rewrite: status((text) => (text === 'WAITING_FOR_APPROVAL' ? 'IN_REVIEW' : text)),
  },
  {
    name: 'status that stays behind the read model',
    rewrite: status((text) => (text === 'COMPLETED' ? 'APPROVED' : text)),
  },
  { name: 'status that is never found', rewrite: noStatus('{"message":"Not found","code":404}') },
  { name: 'status that is never found, tersely', rewrite: noStatus('{}') },
  { name: 'publicKey on one line', rewrite: publicKey((pem) => pem.replaceAll('\n', '')) },
  { name: 'publicKey with CRLF', rewrite: publicKey((pem) => pem.replaceAll('\n', '\r\n')) },
  {
    name: String.raw`publicKey with literal \n`,
    rewrite: publicKey((pem) => pem.replaceAll('\n', String.raw`\n`)),
  },
  {
    name: 'publicKey as bare base64',
    rewrite: publicKey((pem) =>
      createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('base64'),
    ),
  },
  { name: 'publicKey that cannot be read', rewrite: publicKey(() => '[redacted]') },
  { name: 'no publicKey', rewrite: handler((value) => without(value, 'publicKey')) },
  { name: 'certPublicKeyHash in hex', rewrite: hash((text) => digestOf(text).toString('hex')) },
  {
    name: 'certPublicKeyHash in base64url',
    rewrite: hash((text) => digestOf(text).toString('base64url')),
  },
  { name: 'certPublicKeyHash of an unknown form', rewrite: hash(() => 'xxh3:0011') },
  {
    name: 'no certPublicKeyHash',
    rewrite: handler((value) => without(value, 'certPublicKeyHash')),
  },
  {
    name: 'url with a slash at its end',
    rewrite: handler(({ url = '', ...rest }) => ({ ...rest, url: `${url}/` })),
  },
  {
    name: '200 without a handler for a user that is not paired',
    rewrite: (request, response) =>
      request.method === 'GET' && KEY.test(request.url.pathname) && response.status === 404
        ? { ...response, status: 200, body: JSON.stringify({ id: USER, callbackHandler: null }) }
        : response,
    // What is not paired cannot be told from what signs everything: never "unpaired" without a doubt.
    ends: [0, 0, 0, 7],
  },
  {
    name: 'read model of the 1.8.0 document: no callbackHandler at all',
    rewrite: readModel((body) => without(body, 'callbackHandler')),
    // Cannot be told from a co-signer that signs everything: an alarm that is right to be one.
    ends: [7, 7, 2, 0],
  },
  { name: '202 without a body', rewrite: accepted((response) => ({ ...response, body: '' })) },
  { name: '202 as 200', rewrite: accepted((response) => ({ ...response, status: 200 })) },
  {
    name: '202 that repeats nothing',
    rewrite: accepted((response) => json(response, { id: USER })),
  },
  {
    name: 'a co-signer without name, type and version',
    rewrite: (request, response) =>
      request.url.pathname.endsWith(`/cosigners/${COSIGNER}`) && response.status === 200
        ? json(response, { id: COSIGNER })
        : response,
  },
  {
    name: 'pages of a gateway between the answers',
    rewrite: everyThirdGet({ status: 502, body: HTML }),
  },
  {
    name: 'too many requests without Retry-After',
    rewrite: everyThirdGet({ status: 429, body: '' }),
  },
]

/** The four commands of a variant, in order. */
export const COMMANDS: readonly (readonly string[])[] = [
  ['pair', '--cosigner-id', COSIGNER, '--api-key-id', USER, '--wait', '10m'],
  ['status', '--cosigner-id', COSIGNER, '--api-key-id', USER],
  ['rotate', '--cosigner-id', COSIGNER, '--api-key-id', USER, '--yes', '--wait', '10m'],
  ['unpair', '--cosigner-id', COSIGNER, '--api-key-id', USER, '--yes', '--wait', '10m'],
]

/** A world in which the API answers in the way of the variant. */
export async function worldOf({ rewrite }: Variant): Promise<World> {
  const world = (await createWorld()).withUser()
  const state = new Map<string, number>()
  world.rewrite = (request, response) => rewrite(request, response, state)
  return world
}
