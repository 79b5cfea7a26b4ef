/** Asks the handler over its admin socket; see common/admin-api.ts for the messages. */
import { request as httpRequest } from 'node:http'
import type {
  GenerationInfo,
  HandlerStatus,
  PairingNeeds,
  SelfTestAnswer,
  SelfTestRequest,
  StageRequest,
} from '../common/admin-api.ts'
import { messageOf } from '../common/errors.ts'
import { isObject, oneLine, parseJson } from './api/failures.ts'
import { BootstrapError } from './errors.ts'

/** Milliseconds for one answer; making a generation takes the handler about a second. */
const ANSWER_MS = 30_000

/** A refusal of the handler, with the code of its answer. */
export class HandlerRefusal extends BootstrapError {
  /** `AdminErrorCode`, or the HTTP status of an answer without one. */
  readonly adminCode: string

  constructor(adminCode: string, message: string) {
    super('ERR_HANDLER_UNAVAILABLE', `the handler refused: ${oneLine(message)} (${adminCode})`, {
      hint: 'see the log of the handler',
    })
    this.adminCode = adminCode
  }
}

/** The handler as the bootstrapper knows it. Every method rejects with `ERR_HANDLER_UNAVAILABLE` when it is silent. */
export interface HandlerAdmin {
  status(): Promise<HandlerStatus>
  /** Makes generation n, or returns it when it exists. */
  stage(generation: number, request: StageRequest): Promise<GenerationInfo>
  selfTest(generation: number, request: SelfTestRequest): Promise<SelfTestAnswer>
  /** Says which generations a pairing needs served. */
  declare(cosignerId: string, apiKeyId: string, needs: PairingNeeds): Promise<HandlerStatus>
  forget(cosignerId: string, apiKeyId: string): Promise<HandlerStatus>
}

/** Connects per request to the Unix socket at `path`. */
export function connectHandler(path: string): HandlerAdmin {
  const ask = async <T>(method: string, at: string, body?: unknown): Promise<T> => {
    const answer: unknown = await exchange(path, method, at, body)
    // The other end is the handler of the same release, behind file permissions; `status` checks the version.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return answer as T
  }
  return {
    status: async () => {
      const status = await ask<HandlerStatus>('GET', '/v1/status')
      if (status.version === 1 && Array.isArray(status.generations)) return status
      throw new BootstrapError(
        'ERR_HANDLER_UNAVAILABLE',
        'the handler speaks another version of the admin protocol',
        { hint: 'run handler and bootstrapper of the same release' },
      )
    },
    stage: (generation, request) => ask('PUT', `/v1/generations/${generation}`, request),
    selfTest: (generation, request) =>
      ask('POST', `/v1/generations/${generation}/self-test`, request),
    declare: (cosignerId, apiKeyId, needs) => ask('PUT', pairing(cosignerId, apiKeyId), needs),
    forget: (cosignerId, apiKeyId) => ask('DELETE', pairing(cosignerId, apiKeyId)),
  }
}

function pairing(cosignerId: string, apiKeyId: string): string {
  return `/v1/pairings/${encodeURIComponent(cosignerId)}/${encodeURIComponent(apiKeyId)}`
}

async function exchange(socketPath: string, method: string, path: string, body: unknown) {
  const { status, text } = await send(socketPath, method, path, body).catch((error: unknown) => {
    throw new BootstrapError(
      'ERR_HANDLER_UNAVAILABLE',
      `the handler does not answer at \`${socketPath}\`: ${messageOf(error)}`,
      { cause: error, hint: 'start the handler, or name its socket with `--handler-socket`' },
    )
  })
  const value = parseJson(text)
  if (status >= 200 && status < 300 && isObject(value)) return value
  const error = isObject(value) && isObject(value['error']) ? value['error'] : {}
  throw new HandlerRefusal(
    typeof error['code'] === 'string' ? error['code'] : `HTTP ${status}`,
    typeof error['message'] === 'string' ? error['message'] : 'no message',
  )
}

function send(socketPath: string, method: string, path: string, body: unknown) {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = httpRequest({
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
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 30 s')))
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    outgoing.end(text)
  })
}
