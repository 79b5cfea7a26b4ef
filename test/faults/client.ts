/** The co-signer's side of a callback, done by hand: signs, sends, and believes no answer whose signature does not verify. */
import { randomUUID, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { transfer } from '../../emulator/demo/requests.ts'
import type { Home, Running } from './rig.ts'

/** An answer as it came. */
export interface Seen {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
}

/** An answer of the handler that is believed. */
export interface Verdict {
  readonly action: string
  readonly reason: string
}

/** A request and what the policy must say to it. */
export interface Ask {
  readonly requestId: string
  readonly token: string
  readonly expected: 'APPROVE' | 'REJECT' | 'RETRY'
}

const PATH = '/g1/v2/tx_sign_request'

/** A compact JWS, RS256 over exactly these bytes, whatever the header says. */
export function tokenOf(
  key: KeyObject,
  payload: string | Uint8Array | object,
  header: string | object = '{"typ":"JWT","alg":"RS256"}',
): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

/** Base64url of a text, of bytes, or of an object's JSON. */
export function encode(value: string | Uint8Array | object): string {
  const plain = typeof value === 'string' || value instanceof Uint8Array
  return Buffer.from(plain ? value : JSON.stringify(value)).toString('base64url')
}

/** The claims of a request that the policy approves. */
export function approvable(): Record<string, unknown> {
  return transfer('0.25')
}

const STRANGER = `0x${'11'.repeat(20)}`

/** A new request with its token. */
export function newAsk(key: KeyObject, expected: Ask['expected']): Ask {
  const claims = {
    APPROVE: () => transfer('0.25'),
    REJECT: () => transfer('0.25', STRANGER),
    RETRY: () => transfer('4'),
  }[expected]()
  return { requestId: String(claims['requestId']), token: tokenOf(key, claims), expected }
}

/** No answer came; `connected` tells whether a TLS connection stood, so that the request may have been read. */
export class NoAnswer extends Error {
  readonly connected: boolean

  constructor(cause: Error, connected: boolean) {
    super(`no answer (${connected ? 'connected' : 'not connected'}): ${cause.message}`, { cause })
    this.connected = connected
  }
}

/** Sends bodies over kept connections; `close` drops them. */
export interface Client {
  post(body: string | Buffer, path?: string): Promise<Seen>
  close(): void
}

export function createClient(home: Home, timeoutMs = 30_000): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 64, rejectUnauthorized: false })
  return {
    close: () => agent.destroy(),
    post: (body, path = PATH) =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port: home.port, path, method: 'POST', agent }
        const outgoing = request({ ...options, timeout: timeoutMs }, (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const { statusCode: status = 0, rawHeaders: headers, complete } = response
            const text = Buffer.concat(chunks).toString('utf8')
            if (complete) resolve({ status, headers, body: text })
            else reject(new Error('the answer was cut off'))
          })
        })
        let connected = false
        outgoing.on('socket', (socket) => {
          if (outgoing.reusedSocket) connected = true
          else socket.once('secureConnect', () => (connected = true))
        })
        outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
        outgoing.on('error', (cause) => reject(new NoAnswer(cause, connected)))
        outgoing.end(body)
      }),
  }
}

/** What a signed answer says to this request; undefined when it is not one by the handler's key. */
export function verdictOf(seen: Seen, requestId: string, key: KeyObject): Verdict | undefined {
  const [header = '', payload = '', signature = '', ...more] = seen.body.split('.')
  if (seen.status !== 200 || more.length > 0) return undefined
  const input = Buffer.from(`${header}.${payload}`)
  if (!verify('sha256', input, key, Buffer.from(signature, 'base64url'))) return undefined
  const claims: Record<string, unknown> = JSON.parse(Buffer.from(payload, 'base64url').toString())
  if (claims['requestId'] !== requestId) return undefined
  return { action: String(claims['action']), reason: String(claims['rejectionReason'] ?? '') }
}

/** Sends one request and reads its answer; undefined when there is none. */
export async function ask(
  client: Client,
  { requestId, token }: Ask,
  { answerKey }: Running,
): Promise<Verdict | undefined> {
  const seen = await client.post(token).catch(() => undefined)
  return seen && verdictOf(seen, requestId, answerKey)
}

/** An id that no request had. */
export function newId(): string {
  return randomUUID()
}

/** Status and parsed body of `/readyz`. */
export async function readiness(home: Home): Promise<{ status: number; problems: unknown }> {
  const response = await fetch(`http://127.0.0.1:${home.opsPort}/readyz`)
  const { problems } = (await response.json()) as { problems: unknown }
  return { status: response.status, problems }
}

/** Whether it comes to hold within five seconds. */
export async function eventually(holds: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 50; tries += 1) {
    if (await holds()) return true
    await sleep(100)
  }
  return false
}
