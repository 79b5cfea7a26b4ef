/** A way to the custody API that hands everything on and remembers the tokens that passed. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Recorder {
  /** The base path to give to the bootstrapper. */
  readonly basePath: string
  /** Bearer tokens, as they were sent. */
  readonly tokens: ReadonlySet<string>
  close(): void
}

export async function recordTokens(apiBasePath: string): Promise<Recorder> {
  const target = new URL(apiBasePath)
  const tokens = new Set<string>()
  const server = createServer((incoming, answer) => {
    const { method, url: path, headers } = incoming
    const [, token] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
    if (token !== undefined) tokens.add(token)
    const outgoing = request(
      { host: target.hostname, port: target.port, method, path, headers },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
        response.pipe(answer)
      },
    )
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    basePath: `http://127.0.0.1:${port}${target.pathname}`,
    tokens,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
