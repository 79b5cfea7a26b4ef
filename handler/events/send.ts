/** One attempt to deliver an event: signed as Standard Webhooks, in time, and nothing of the answer but its status is read. */
import { createHmac } from 'node:crypto'
import type { After, Clock } from '../../common/clock.ts'
import { errnoOf } from '../../common/errors.ts'
import type { OutgoingEvent } from './catalogue.ts'
import { renderBody } from './render.ts'
import type { Target } from './targets.ts'

export interface SendDeps {
  readonly fetch: typeof fetch
  readonly clock: Clock
  readonly after: After
  readonly storeId: string
}

/** Why an attempt failed, in few words: never the target's address. */
export class NotDelivered extends Error {}

/**
 * Standard Webhooks: HMAC-SHA256 over id, time in seconds and body; one signature for each secret, while they change.
 */
export function signatureOf(
  secrets: readonly Buffer[],
  id: string,
  seconds: number,
  body: string,
): string {
  return secrets
    .map((secret) =>
      createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64'),
    )
    .map((signature) => `v1,${signature}`)
    .join(' ')
}

/** Delivers an event, or rejects with `NotDelivered`. */
export async function send(
  target: Target,
  event: OutgoingEvent,
  stopped: AbortSignal,
  { fetch, clock, after, storeId }: SendDeps,
): Promise<void> {
  const { template, full, secrets, timeoutMs, url } = target
  const body = renderBody(event, { template, full, storeId })
  const seconds = Math.floor(clock.now().getTime() / 1_000)
  const over = new AbortController()
  const giveUp = () => over.abort()
  stopped.addEventListener('abort', giveUp)
  const cancelLimit = after(timeoutMs, giveUp)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'countersign',
        'webhook-id': event.id,
        'webhook-timestamp': String(seconds),
        ...(secrets.length === 0
          ? {}
          : { 'webhook-signature': signatureOf(secrets, event.id, seconds, body) }),
      },
      body,
      redirect: 'manual',
      signal: over.signal,
    })
    await response.body?.cancel()
    if (!response.ok) throw new NotDelivered(`answered ${response.status}`)
  } catch (error) {
    if (error instanceof NotDelivered) throw error
    if (over.signal.aborted) throw new NotDelivered(`no answer within ${timeoutMs} ms`)
    throw new NotDelivered(codeOf(error) ?? 'the connection failed')
  } finally {
    cancelLimit()
    stopped.removeEventListener('abort', giveUp)
  }
}

/** `fetch` hides the reason one level down; its message could name the address. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (errnoOf(error.cause) ?? errnoOf(error)) : undefined
}
