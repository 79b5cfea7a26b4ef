/** A tiny callback handler over real TLS, answered by jose, that can be wrong in every way a handler can be. */
import { createHash } from 'node:crypto'
import { createServer as createPlainServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { compactVerify, importSPKI, SignJWT } from 'jose'
import { selfSignedCertificate } from '../../certs/generate.ts'
import { testKey } from '../fixtures/keys.ts'
import type { TestKey } from '../fixtures/keys.ts'

export interface Received {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface TinyHandler {
  readonly url: string
  readonly key: TestKey
  readonly certificatePem: string
  /** Everything that arrived, in order. */
  readonly received: Received[]
  close(): Promise<void>
}

export interface TinyOptions {
  /** Name of the key (fixtures/keys.ts); the same key serves TLS and signs answers. */
  readonly keyName?: string
  readonly certificatePem?: string
  readonly path?: string
  readonly plainHttp?: boolean
  /** Writes the answer; default: approves, signed. */
  readonly answer?: (request: Received, response: ServerResponse) => void | Promise<void>
}

/** The claims of a callback: the payload part of the token, or the plain body. */
export function claimsOf(body: string): Record<string, unknown> {
  const payload = body.startsWith('{') ? body : Buffer.from(body.split('.')[1] ?? '', 'base64url')
  return JSON.parse(payload.toString()) as Record<string, unknown>
}

/** A certificate for loopback names by the key of that name. */
export async function certificateFor(keyName: string, names = ['localhost', '127.0.0.1']) {
  const { privateKeyPem } = await testKey(keyName)
  const notBefore = new Date(Date.now() - 60_000)
  const notAfter = new Date(Date.now() + 3_600_000)
  return selfSignedCertificate({ privateKeyPem, names, notBefore, notAfter })
}

/** A signed answer. */
export async function signAnswer(
  claims: Record<string, unknown>,
  keyName = 'handler',
  alg = 'RS256',
): Promise<string> {
  const { privateKey } = await testKey(keyName)
  return new SignJWT(claims).setProtectedHeader({ alg, typ: 'JWT' }).sign(privateKey)
}

/** An answer with these claims beside the right requestId, signed. */
export function answering(claims: Record<string, unknown>, keyName?: string) {
  return async ({ body }: Received, response: ServerResponse): Promise<void> => {
    const { requestId } = claimsOf(body)
    response.end(await signAnswer({ requestId, ...claims }, keyName))
  }
}

/** Whether the token verifies with the co-signer key in that file, by jose. */
export async function isSignedBy(token: string, publicKeyPem: string): Promise<boolean> {
  const key = await importSPKI(publicKeyPem, 'RS256')
  return compactVerify(token, key, { algorithms: ['RS256'] }).then(
    () => true,
    () => false,
  )
}

export async function startHandler(options: TinyOptions = {}): Promise<TinyHandler> {
  const keyName = options.keyName ?? 'handler'
  const key = await testKey(keyName)
  const certificatePem = options.certificatePem ?? (await certificateFor(keyName))
  const received: Received[] = []
  const answer = options.answer ?? answering({ action: 'APPROVE' }, keyName)

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const { url = '', headers } = incoming
    const request = { path: url, headers, body: Buffer.concat(chunks).toString() }
    received.push(request)
    await answer(request, response)
  }
  const listener = (incoming: IncomingMessage, response: ServerResponse) => {
    serve(incoming, response).catch(() => response.destroy())
  }
  const server = options.plainHttp
    ? createPlainServer(listener)
    : createServer({ key: key.privateKeyPem, cert: certificatePem }, listener)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const scheme = options.plainHttp ? 'http' : 'https'
  return {
    url: `${scheme}://localhost:${port}${options.path ?? '/g1'}`,
    key,
    certificatePem,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Hex SHA-256 of a text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
