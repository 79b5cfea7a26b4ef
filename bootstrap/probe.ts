/**
 * Sees a generation as the co-signer would: the certificate on the wire, the path that answers, the
 * key that signs.
 */
import { createPublicKey, randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import { compactVerify } from 'jose'
import { type GenerationInfo, type HandlerStatus, PROBE_BODY } from '../common/admin-api.ts'
import { messageOf } from '../common/errors.ts'
import { certificateFacts, kidOf, pinOf } from '../certs/inspect.ts'
import { algorithmOf } from '../common/answer-algorithm.ts'
import { isObject, parseJson } from '../common/json.ts'
import { oneLine } from '../common/terminal.ts'
import type { HandlerAdmin } from './handler-socket.ts'

/** A probe older than this does not justify a change, in milliseconds. */
export const PROBE_VALID_MS = 600_000

/** What one connection showed. */
export interface Sight {
  /** Base64 SHA-256 of the certificate's SPKI; undefined over plain HTTP. */
  readonly pin: string | undefined
  /** Why this machine would not trust the certificate; undefined when it would. */
  readonly distrust: string | undefined
  /** Status of the answer to an unsigned request; undefined when the connection was cut. */
  readonly status: number | undefined
}

/** Connects to `url`, or to `via` in its name, and POSTs something that no co-signer has signed. */
export type Look = (url: URL, via?: Address) => Promise<Sight>

export interface Address {
  readonly host: string
  readonly port: number
}

export interface ProbeReport {
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

export interface ProbeDeps {
  readonly look: Look
  readonly handler: Pick<HandlerAdmin, 'selfTest'>
  /**
   * Connect here instead of where the public URL's name leads; the port defaults to the slot's own.
   */
  readonly via?: { readonly host: string; readonly port?: number }
}

/**
 * Probes one generation. `gap`: its certificate cannot be shown yet, because another generation has
 * the only slot.
 */
export async function probeGeneration(
  generation: GenerationInfo,
  status: Pick<HandlerStatus, 'auth' | 'slots'>,
  gap: boolean,
  deps: ProbeDeps,
): Promise<ProbeReport> {
  const problems: string[] = []
  const warnings: string[] = []
  const version = status.auth === 'certificate' ? '' : '/v2'
  const url = new URL(`${generation.url}${version}/tx_sign_request`)
  const seen = await deps.look(url, addressOf(generation, status.slots, deps.via)).catch(messageOf)
  if (typeof seen === 'string') problems.push(`\`${url.origin}\` cannot be reached: ${seen}`)
  else judge(generation, status.auth, gap, seen, problems, warnings)
  problems.push(...contradictionsIn(generation))
  const signature = await selfTest(generation, deps.handler).catch(messageOf)
  if (signature !== undefined) problems.push(`the self-test failed: ${oneLine(signature)}`)
  return { problems, warnings }
}

function judge(
  generation: GenerationInfo,
  auth: HandlerStatus['auth'],
  gap: boolean,
  seen: Sight,
  problems: string[],
  warnings: string[],
): void {
  if (auth === 'public-key') {
    const why = seen.pin === undefined ? 'it is plain HTTP' : seen.distrust
    if (why !== undefined) {
      warnings.push(
        `the co-signer requires a CA-trusted certificate in this mode; seen from here: ${why}`,
      )
    }
  } else if (seen.pin !== generation.pin && !gap) {
    problems.push(
      seen.pin === undefined
        ? 'a pinned certificate needs HTTPS'
        : `\`${generation.url}\` shows the pin \`${seen.pin}\`, generation ${generation.generation} has \`${generation.pin}\``,
    )
  }
  if (auth === 'certificate') {
    if (seen.status === 404 || seen.status === 410) {
      problems.push(`\`${generation.url}\` answers ${seen.status}`)
    }
  } else if (seen.status !== 401) {
    problems.push(
      `\`${generation.url}\` answers ${seen.status ?? 'nothing'} to an unsigned request, expected 401`,
    )
  }
}

/**
 * Undefined when the handler signed a fresh nonce with the generation's key; otherwise what is
 * wrong.
 */
async function selfTest(
  generation: GenerationInfo,
  handler: Pick<HandlerAdmin, 'selfTest'>,
): Promise<string | undefined> {
  const nonce = randomBytes(24).toString('base64url')
  const { token } = await handler.selfTest(generation.generation, { nonce })
  const key = createPublicKey(generation.publicKeyPem)
  // The key that will be paired says what it signs by, not the token.
  const algorithms = [algorithmOf(key)]
  const { payload, protectedHeader } = await compactVerify(token, key, { algorithms })
  const claims = parseJson(Buffer.from(payload).toString('utf8'))
  if (protectedHeader.typ !== 'countersign-self-test') return 'the answer has another type'
  if (!isObject(claims) || claims['nonce'] !== nonce) return 'the answer is not for this nonce'
  if (claims['generation'] !== generation.generation) return 'the answer is of another generation'
  return undefined
}

/** What is sent must be what the handler named: the fingerprints are those of its key and its certificate. */
function contradictionsIn(info: GenerationInfo): string[] {
  const isKey = kidOf(info.publicKeyPem) === info.kid
  const { pin, fingerprint } = certificateFacts(info.certificatePem)
  const isCertificate = pin === info.pin && fingerprint === info.fingerprint
  return [...(isKey ? [] : ['the answer key']), ...(isCertificate ? [] : ['the certificate'])].map(
    (what) => `the handler names a fingerprint that is not that of ${what}`,
  )
}

function addressOf(
  generation: GenerationInfo,
  slots: HandlerStatus['slots'],
  via: ProbeDeps['via'],
): Address | undefined {
  if (via === undefined) return undefined
  const listen = slots.find(({ slot }) => slot === generation.slot)?.listen ?? ''
  return { host: via.host, port: via.port ?? Number(/:(\d+)$/.exec(listen)?.[1] ?? 443) }
}

/** A `Look` over the network that trusts nothing and reports what it saw; every limit is 10 s. */
export const look: Look = (url, via) =>
  new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:'
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const outgoing = (secure ? httpsRequest : httpRequest)({
      method: 'POST',
      host: via?.host ?? host,
      port: via?.port ?? (url.port === '' ? (secure ? 443 : 80) : Number(url.port)),
      path: url.pathname,
      headers: { host: url.host, 'content-type': 'text/plain' },
      agent: false,
      timeout: 10_000,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    })
    const limit = setTimeout(() => outgoing.destroy(new Error('no answer within 10 s')), 10_000)
    let seen: Sight | undefined
    const finish = (sight: Sight) => {
      clearTimeout(limit)
      resolve(sight)
    }
    outgoing.on('socket', (socket) => {
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        seen = { ...certificateOf(socket), status: undefined }
      })
    })
    outgoing.on('response', (incoming) => {
      incoming.resume()
      outgoing.destroy()
      finish({ pin: seen?.pin, distrust: seen?.distrust, status: incoming.statusCode })
    })
    outgoing.on('error', (error) => {
      clearTimeout(limit)
      if (seen === undefined) reject(error)
      else resolve(seen)
    })
    outgoing.end(PROBE_BODY)
  })

function certificateOf(socket: unknown): Pick<Sight, 'pin' | 'distrust'> {
  if (!(socket instanceof TLSSocket)) return { pin: undefined, distrust: undefined }
  const key = socket.getPeerX509Certificate()?.publicKey
  return {
    pin: key === undefined ? undefined : pinOf(key),
    distrust: socket.authorized ? undefined : messageOf(socket.authorizationError),
  }
}
