/** What is believed of a request before anything is done for it. */
import type { IncomingMessage } from 'node:http'
import { BodyTooLargeError, readBounded } from '../../common/http.ts'
import { parseJson } from '../../common/json.ts'
import type { ConsoleUrl } from '../config/config-values.ts'
import { Refused } from './answers.ts'

const MAX_BODY_BYTES = 64 * 1_024

/** A page under another name is another site, which somebody else may have named so (DNS rebinding). @throws Refused */
export function assertOurName({ headers }: IncomingMessage, { host, origin }: ConsoleUrl): void {
  if (headers.host?.toLowerCase() === host) return
  throw new Refused(421, `This page is opened as ${origin} and as nothing else.`)
}

/** What changes something comes from a page of ours: every browser says where a POST comes from. @throws Refused */
export function assertOurPage({ headers }: IncomingMessage, { origin }: ConsoleUrl): void {
  const site = headers['sec-fetch-site'] ?? 'same-origin'
  if (headers.origin === origin && site === 'same-origin') return
  throw new Refused(403, 'This did not come from the page itself.')
}

/** The JSON in the body; forms of other sites cannot send any. @throws Refused */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  if (request.headers['content-type'] !== 'application/json') {
    throw new Refused(415, 'Only JSON is read here.')
  }
  const bytes = await readBounded(request, MAX_BODY_BYTES).catch((cause: unknown) => {
    if (!(cause instanceof BodyTooLargeError)) throw cause
    throw new Refused(413, 'That is too long.')
  })
  const value = parseJson(bytes.toString('utf8'))
  if (value === undefined) throw new Refused(400, 'That is no JSON.')
  return value
}
