/** How the API shows what is paired: the certificate only as a hash of its public key. */
import { X509Certificate } from 'node:crypto'
import { kidOf } from '../certs/inspect.ts'
import { type CallbackHandler, type EmulatorState, type Instant, pairingAt } from './state.ts'
import type { Knobs } from './knobs.ts'

/** `ApiKey` as GET shows it, or undefined when the key is not paired with the co-signer. */
export function shownApiKey(
  state: EmulatorState,
  cosignerId: string,
  apiKeyId: string,
  now: Instant,
): Readonly<Record<string, unknown>> | undefined {
  const paired = pairingAt(state, cosignerId, apiKeyId, now)
  if (paired === undefined) return undefined
  const { pairing, handler } = paired
  const seen = pairing.lastSeen
  return {
    id: apiKeyId,
    ...(seen === undefined ? {} : { lastSeen: new Date(seen).toISOString() }),
    ...(handler === null ? {} : { callbackHandler: shownHandler(handler, state.chaos.knobs) }),
  }
}

/**
 * What the co-signer makes of a handler that has both key and certificate: not documented for the
 * API.
 */
export function storedHandler(handler: CallbackHandler, knobs: Knobs): CallbackHandler {
  const { url, publicKey, cert } = handler
  if (publicKey === undefined || cert === undefined) return handler
  if (knobs.BOTH_STORED === 'key-only') return { url, publicKey }
  if (knobs.BOTH_STORED === 'cert-only') return { url, cert }
  return handler
}

function shownHandler(handler: CallbackHandler, knobs: Knobs): unknown {
  const { url, publicKey, cert } = storedHandler(handler, knobs)
  const hash = cert === undefined ? undefined : certPublicKeyHash(cert, knobs.CERT_HASH)
  return {
    url,
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(hash === undefined ? {} : { certPublicKeyHash: hash }),
  }
}

function certPublicKeyHash(cert: string, encoding: Knobs['CERT_HASH']): string | undefined {
  const hex = kidOf(new X509Certificate(cert).publicKey)
  const base64 = Buffer.from(hex, 'hex').toString('base64')
  const forms: Readonly<Record<Knobs['CERT_HASH'], string | undefined>> = {
    curl: `sha256//${base64}`,
    base64,
    hex,
    'hex-colons': hex.toUpperCase().replaceAll(/..(?=.)/g, '$&:'),
    absent: undefined,
  }
  return forms[encoding]
}
