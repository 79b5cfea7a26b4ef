/** A client of the custody API that can be wrong in every way a client can be; tokens by jose, so the check is independent. */
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { importPKCS8, SignJWT } from 'jose'
import type { EmulatorFixture } from '../fixtures/emulator.ts'

export interface Sent {
  readonly status: number
  readonly headers: Headers
  /** Parsed when it is JSON, else the text. */
  readonly body: unknown
  readonly text: string
}

export interface Deviation {
  /** Claims that replace the right ones; undefined removes one. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  /** Header names that are not sent. */
  readonly without?: readonly string[]
  readonly privateKeyPem?: string
  readonly apiKey?: string
  readonly alg?: string
  /** Milliseconds since the epoch; default: now. */
  readonly nowMs?: number
  /** The body that is sent instead of the one that is hashed. */
  readonly otherBody?: string
}

/** Sends one request to the API of an emulator, right unless told otherwise. */
export async function send(
  emulator: Pick<EmulatorFixture, 'apiBasePath' | 'apiKey' | 'secretKeyPath'>,
  method: string,
  path: string,
  body?: unknown,
  deviation: Deviation = {},
): Promise<Sent> {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const url = new URL(emulator.apiBasePath + path)
  const apiKey = deviation.apiKey ?? emulator.apiKey
  const pem = deviation.privateKeyPem ?? readFileSync(emulator.secretKeyPath, 'utf8')
  const alg = deviation.alg ?? 'RS256'
  const iat = Math.floor((deviation.nowMs ?? Date.now()) / 1000)
  const claims = {
    uri: url.pathname + url.search,
    nonce: randomUUID(),
    iat,
    exp: iat + 25,
    sub: apiKey,
    bodyHash: createHash('sha256').update(text).digest('hex'),
    ...deviation.claims,
  }
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg, typ: 'JWT' })
    .sign(await importPKCS8(pem, alg))
  const headers: Record<string, string> = {
    'x-api-key': apiKey,
    authorization: `Bearer ${token}`,
    ...deviation.headers,
  }
  for (const name of deviation.without ?? []) delete headers[name]
  const wire = deviation.otherBody ?? text
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'error',
    ...(wire === '' ? {} : { body: wire }),
  })
  const answer = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(answer) : answer,
    text: answer,
  }
}
