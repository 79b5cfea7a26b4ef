/** The admin socket: answers the requests of common/admin-api.ts on a Unix socket of this user. */
import { chmod, lstat, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { AdminErrorBody, HandlerStatus, SelfTestAnswer } from '../../common/admin-api.ts'
import { type AdminMatch, type AdminRoute, matchAdminRoute } from '../../common/admin-routes.ts'
import { BodyTooLargeError, listen, readBounded } from '../../common/http.ts'
import { parseJson } from '../../common/json.ts'
import { ensurePrivateDirectory } from '../../common/atomic-file.ts'
import { CountersignError, errnoOf } from '../../common/errors.ts'
import { ADMIN_ERRORS } from '../../common/refusal-codes.ts'
import type { ApprovedAct } from '../decisions/operations.ts'
import type { Registry } from '../generations/registry.ts'
import { AdminError } from '../../common/admin-error.ts'
import type { DriftBook } from './drift.ts'
import { releaseFor } from './acts.ts'
import { type AdminAction, OPERATOR_ACTIONS, type OperatorDeps, refusalOf } from './operator.ts'
import { parseDrift, parseNeeds, parseRetire, parseSelfTest, parseStage } from './requests.ts'

const MAX_BODY_BYTES = 64 * 1024

export interface AdminDeps {
  readonly registry: Registry
  readonly status: () => Promise<HandlerStatus>
  /** Signs a nonce with that generation under the self-test type. */
  readonly selfTest: (generation: number, nonce: string) => Promise<SelfTestAnswer>
  readonly operator: OperatorDeps
  readonly drift: Pick<DriftBook, 'tell'>
  /** Something failed that should not. */
  readonly failed: (error: unknown) => void
}

/** The socket cannot be opened. */
export class AdminSocketError extends CountersignError {
  readonly code = 'ERR_LOCKED'
}

/** Opens the socket with mode 0600; what a dead process has left is removed, a live one is respected. */
export async function openAdminSocket(path: string, deps: AdminDeps): Promise<Server> {
  await ensurePrivateDirectory(dirname(path))
  if ((await assertSocketFree(path)) === 'stale') await unlink(path)
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    void answer(request, response, deps)
  })
  await listen(server, { path }).catch((cause: unknown) => {
    throw new AdminSocketError(`cannot open the admin socket \`${path}\``, { cause })
  })
  await chmod(path, 0o600)
  return server
}

/**
 * Tells whether a socket of a dead process is there.
 *
 * @throws AdminSocketError when something else is there, or a process that answers
 */
export async function assertSocketFree(path: string): Promise<'free' | 'stale'> {
  const found = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return 'free'
  if (!found.isSocket()) {
    throw new AdminSocketError(`\`${path}\` is not a socket`, { hint: 'move it out of the way' })
  }
  if (await isAlive(path)) {
    throw new AdminSocketError(`another process answers on \`${path}\``, {
      hint: 'give each handler a socket of its own',
    })
  }
  return 'stale'
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', (error) => resolve(errnoOf(error) !== 'ECONNREFUSED'))
  })
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  deps: AdminDeps,
): Promise<void> {
  try {
    const match = matchAdminRoute(request.method ?? '', request.url ?? '')
    if (match === undefined) throw new AdminError('ERR_NOT_FOUND', 'no such request')
    const { route, params } = match
    send(response, 200, await ACTIONS[route](params, await readJson(request), deps))
  } catch (cause) {
    const error = refusalOf(cause)
    const known = error instanceof AdminError
    if (!known) deps.failed(error)
    const code = known ? error.code : 'ERR_INTERNAL'
    const message = known ? error.message : 'the handler failed, see its log'
    send(response, ADMIN_ERRORS[code].status, { error: { code, message } } satisfies AdminErrorBody)
  }
}

const ACTIONS: { readonly [R in AdminRoute]: AdminAction<R, AdminDeps> } = {
  ...OPERATOR_ACTIONS,
  status: async (_params, _body, deps) => deps.status(),
  stage: async ({ generation }, body, { registry, operator }) => {
    const [number, request] = [Number(generation), parseStage(body)]
    const isThere = registry.infos().some((info) => info.generation === number)
    const subject = `generation ${number} ${JSON.stringify(request)}`
    const make = () => registry.stage(number, request)
    return isThere ? make() : approved({ act: 'rotation', subject }, operator, make)
  },
  retire: async ({ generation }, body, { registry }) =>
    registry.retire(Number(generation), parseRetire(body)),
  selfTest: async ({ generation }, body, { selfTest }) =>
    selfTest(Number(generation), parseSelfTest(body).nonce),
  declare: async (params, body, { registry, status, operator }) => {
    const [pairing, needs] = [pairingOf(params), parseNeeds(body)]
    const declare = () => registry.setNeeds(pairing, needs)
    const isThere = registry.state().pairings[pairing] !== undefined
    if (isThere) await declare()
    else await approved({ act: 'pairing', subject: `pair ${pairing}` }, operator, declare)
    return status()
  },
  forget: async (params, _body, { registry, drift, status, operator }) => {
    const pairing = pairingOf(params)
    const forget = () => registry.setNeeds(pairing, undefined)
    const isThere = registry.state().pairings[pairing] !== undefined
    if (isThere) await approved({ act: 'pairing', subject: `unpair ${pairing}` }, operator, forget)
    drift.tell(pairing, null)
    return status()
  },
  tellDrift: async (params, body, { drift, status }) => {
    drift.tell(pairingOf(params), parseDrift(body).drift)
    return status()
  },
}

/** Does what the policy may ask people for. @throws AdminError ERR_ACT_WAITING */
async function approved<T>(
  { act, subject }: { readonly act: ApprovedAct; readonly subject: string },
  operator: OperatorDeps,
  work: () => Promise<T>,
): Promise<T> {
  const release = await releaseFor({ act, subject, what: subject }, operator)
  const done = await work()
  if (release !== undefined) await operator.acts.actDone(act, subject, release)
  return done
}

function pairingOf({ cosignerId = '', apiKeyId = '' }: AdminMatch['params']): string {
  return `${cosignerId}/${apiKeyId}`
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const bytes = await readBounded(request, MAX_BODY_BYTES).catch((cause: unknown) => {
    if (!(cause instanceof BodyTooLargeError)) throw cause
    throw new AdminError('ERR_BAD_REQUEST', 'the body is too large')
  })
  if (bytes.length === 0) return undefined
  const value = parseJson(bytes.toString('utf8'))
  if (value !== undefined) return value
  throw new AdminError('ERR_BAD_REQUEST', 'the body is not JSON')
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = `${JSON.stringify(value)}\n`
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(body)
}
