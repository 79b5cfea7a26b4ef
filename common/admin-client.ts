/** Client of the handler's admin socket, for the bootstrapper and the operator's commands. */
import { request as httpRequest } from 'node:http'
import type { AdminCalls } from './admin-api.ts'
import { ADMIN_ROUTES, type AdminParams, adminPath, type AdminRoute } from './admin-routes.ts'
import { AdminError, isAdminErrorCode } from './admin-error.ts'
import { CountersignError, errnoOf, messageOf } from './errors.ts'
import { readBounded } from './http.ts'
import { isObject, parseJson } from './json.ts'

/** Milliseconds for one answer: making a key takes about a second, a very large policy several. */
const ANSWER_MS = 30_000

/** Far above any answer of the handler. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** No answer came; the message has the system's error code where there is one. */
export class AdminUnreachableError extends CountersignError {}

/** The body of a request, for those that have one. */
export type BodyOf<R extends AdminRoute> = AdminCalls[R] extends { body: infer Body } ? [Body] : []

export interface AdminClient {
  /**
   * One request; `params` are the variable parts of its path.
   *
   * @throws AdminUnreachableError, or AdminError with the code and message of the handler
   */
  ask<R extends AdminRoute>(
    route: R,
    params: AdminParams<R>,
    ...body: BodyOf<R>
  ): Promise<AdminCalls[R]['answer']>
}

/** A client that opens one connection per request to the Unix socket at `socketPath`. */
export function createAdminClient(socketPath: string): AdminClient {
  return {
    async ask<R extends AdminRoute>(route: R, params: AdminParams<R>, ...body: BodyOf<R>) {
      const [method] = ADMIN_ROUTES[route]
      const path = adminPath(route, params)
      const { status, text } = await exchange(socketPath, method, path, body[0])
      const answer: unknown = parseJson(text)
      if (status < 200 || status > 299 || !isObject(answer)) throw refusal(status, answer)
      // The other end is the handler of the same release, behind file permissions.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return answer as unknown as AdminCalls[R]['answer']
    },
  }
}

function refusal(status: number, answer: unknown): AdminError {
  const error = isObject(answer) && isObject(answer['error']) ? answer['error'] : {}
  const { code, message } = error
  return new AdminError(
    isAdminErrorCode(code) ? code : 'ERR_INTERNAL',
    typeof message === 'string' ? message : `HTTP ${status} without a message`,
  )
}

async function exchange(socketPath: string, method: string, path: string, body: unknown) {
  try {
    return await send(socketPath, method, path, body)
  } catch (cause) {
    throw new AdminUnreachableError(errnoOf(cause) ?? messageOf(cause), { cause })
  }
}

function send(socketPath: string, method: string, path: string, body: unknown) {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      method,
      path,
      agent: false,
      timeout: ANSWER_MS,
      headers:
        text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    })
    request.on('timeout', () =>
      request.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)),
    )
    request.on('error', reject)
    request.on('response', (response) => {
      readBounded(response, MAX_ANSWER_BYTES).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, text: bytes.toString('utf8') }),
        reject,
      )
    })
    request.end(text)
  })
}
