/** A short number that a request's records are looked for by. */
import { hash } from 'node:crypto'
import type { RequestKey } from '../protocol/digest.ts'

type RequestId = Pick<RequestKey, 'endpoint' | 'requestId' | 'signerId'>

/**
 * 48 bits of the SHA-256 of endpoint, request id and signer id: what all stages and versions of one request share. Others
 * may share it by chance, so what is found by it is compared in full.
 */
export function fingerprintOf({ endpoint, requestId, signerId }: RequestId): number {
  const text = JSON.stringify([endpoint, requestId, signerId])
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16)
}
