/**
 * `/livez`, `/readyz` and `/metrics`: whether to restart the handler, whether to send it callbacks, and what it did; and
 * the operator's page, where there is one.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ListenAddress } from '../config/config-values.ts'
import { openAt } from '../edge/listeners.ts'
import type { Metrics } from './metrics.ts'

export interface HealthDeps {
  /** Every reason why callbacks should not be sent here; looked up afresh, within its own time limit. */
  readonly problems: () => Promise<readonly string[]>
  /** What somebody should know although callbacks are welcome. */
  readonly notices: () => readonly string[]
  readonly metrics: Metrics
  /** Answers what is for the page, and says of anything else that it is not. */
  readonly page?:
    ((request: IncomingMessage, response: ServerResponse) => Promise<boolean>) | undefined
}

/** Opens the plain HTTP listener for the operator's tools. @throws ListenError */
export async function openHealth({ host, port }: ListenAddress, deps: HealthDeps): Promise<Server> {
  const server = createServer({ requestTimeout: 5_000 }, (request, response) => {
    respond(request, response, deps).catch(() => {
      send(response, 500, 'text/plain', 'internal error\n')
    })
  })
  server.maxConnections = 64
  await openAt(server, { host, port })
  return server
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { problems, notices, metrics, page }: HealthDeps,
): Promise<void> {
  if ((await page?.(request, response)) === true) return
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 404, 'text/plain', 'not found\n')
    return
  }
  if (request.url === '/livez') {
    send(response, 200, 'text/plain', 'ok\n')
  } else if (request.url === '/readyz') {
    const found = await problems()
    const body = { ready: found.length === 0, problems: found, notices: notices() }
    send(response, body.ready ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`)
  } else if (request.url === '/metrics') {
    send(response, 200, metrics.contentType, await metrics.render())
  } else {
    send(response, 404, 'text/plain', 'not found\n')
  }
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Cache-Control': 'no-store' })
  response.end(body)
}
