/** A reverse proxy that terminates TLS, as docs/console.md has it: it passes `Host` on as it came, and changes nothing. */
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:https'
import { afterEach } from '@jest/globals'
import { selfSignedCertificate } from '../../certs/generate.ts'
import { pinOf } from '../../certs/inspect.ts'
import { listen } from '../../common/http.ts'
import { testKey } from '../fixtures/keys.ts'

const DAY_MS = 86_400_000
const running: (() => void)[] = []

afterEach(() => {
  for (const close of running.splice(0)) close()
})

/** Base64 SHA-256 of its key, which the browser is told to believe. */
export async function proxyPin(): Promise<string> {
  return pinOf((await testKey('proxy')).publicKeyPem)
}

/** Listens on `port` under `*.test`, in front of `opsPort`. */
export async function startProxy(port: number, opsPort: number): Promise<void> {
  const { privateKeyPem } = await testKey('proxy')
  const cert = selfSignedCertificate({
    privateKeyPem,
    names: ['console.test'],
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
  })
  const server = createServer({ key: privateKeyPem, cert }, (request, response) => {
    const { method, url: path, headers } = request
    const where = { host: '127.0.0.1', port: opsPort, method, path, headers }
    const onward = httpRequest(where, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  await listen(server, { host: '127.0.0.1', port })
  running.push(() => {
    server.closeAllConnections()
    server.close()
  })
}
