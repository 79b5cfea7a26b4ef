/** The admin socket: the API of common/admin-api.ts on a Unix socket that only this user can open. */
import { chmod, lstat, unlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { AdminErrorBody, HandlerStatus, SelfTestAnswer } from '../../common/admin-api.ts'
import { ensurePrivateDirectory } from '../../common/atomic-file.ts'
import { CountersignError, errnoOf } from '../../common/errors.ts'
import type { Registry } from '../generations/registry.ts'
import { ADMIN_STATUS, AdminError } from '../../common/admin-error.ts'
import { operatorAction } from './operator.ts'
import type { OperatorDeps } from './operator.ts'
import { adminRoute, parseNeeds, parseSelfTest, parseStage } from './requests.ts'
import type { AdminRoute } from './requests.ts'

const MAX_BODY_BYTES = 64 * 1024

export interface AdminDeps {
  readonly registry: Registry
  readonly status: () => Promise<HandlerStatus>
  /** Signs a nonce with that generation under the self-test type. */
  readonly selfTest: (generation: number, nonce: string) => Promise<SelfTestAnswer>
  readonly operator: OperatorDeps
  /** Something failed that should not. */
  readonly failed: (error: unknown) => void
}

/** The socket cannot be opened. */
export class AdminSocketError extends CountersignError {}

/** Opens the socket with mode 0600; what a dead process has left is removed, a live one is respected. */
export async function openAdminSocket(path: string, deps: AdminDeps): Promise<Server> {
  await ensurePrivateDirectory(dirname(path))
  await removeStale(path)
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    void answer(request, response, deps)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new AdminSocketError(`cannot open the admin socket \`${path}\``, { cause }))
    })
    server.listen(path, resolve)
  })
  await chmod(path, 0o600)
  return server
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new AdminSocketError(`\`${path}\` is not a socket`, { hint: 'move it out of the way' })
  }
  if (await isAlive(path)) {
    throw new AdminSocketError(`another process answers on \`${path}\``, {
      hint: 'give each handler a socket of its own',
    })
  }
  await unlink(path)
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
    const [method, target] = [request.method ?? '', request.url ?? '']
    const route = adminRoute(method, target)
    const operator = operatorAction(method, target)
    if (route === undefined && operator === undefined) {
      throw new AdminError('ERR_NOT_FOUND', 'no such request')
    }
    const body = await readJson(request)
    const result = route === undefined ? operator?.(body, deps.operator) : act(route, body, deps)
    send(response, 200, await result)
  } catch (error) {
    const known = error instanceof AdminError
    if (!known) deps.failed(error)
    const code = known ? error.code : 'ERR_INTERNAL'
    const message = known ? error.message : 'the handler failed, see its log'
    send(response, ADMIN_STATUS[code], { error: { code, message } } satisfies AdminErrorBody)
  }
}

async function act(route: AdminRoute, body: unknown, deps: AdminDeps): Promise<unknown> {
  const { registry } = deps
  switch (route.kind) {
    case 'stage':
      return registry.stage(route.generation, parseStage(body))
    case 'self-test':
      return deps.selfTest(route.generation, parseSelfTest(body).nonce)
    case 'set-needs':
      await registry.setNeeds(route.pairing, parseNeeds(body))
      break
    case 'drop-needs':
      await registry.setNeeds(route.pairing, undefined)
      break
    case 'status':
  }
  return deps.status()
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new AdminError('ERR_BAD_REQUEST', 'the body is too large')
    chunks.push(chunk)
  }
  if (bytes === 0) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    throw new AdminError('ERR_BAD_REQUEST', 'the body is not JSON')
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = `${JSON.stringify(value)}\n`
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(body)
}
