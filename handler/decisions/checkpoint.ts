/** Signed checkpoints: a signature over the chain's head, so that whoever rewrites the chain needs the signing key. */
import type { KeyObject } from 'node:crypto'
import { verify } from 'node:crypto'
import { algorithmOf, ANSWER_ALGORITHMS } from '../../common/answer-algorithm.ts'
import type { AnswerAlgorithm } from '../../common/answer-algorithm.ts'
import { compactOf, decodePart, encodePart, splitCompact } from '../protocol/jws.ts'

/** `typ` of the JWS; no answer to a co-signer has it, so neither can pass for the other. */
export const CHECKPOINT_TYPE = 'countersign-checkpoint'

/** What a checkpoint says: the chain had this hash at this record. */
export interface Checkpoint {
  readonly storeId: string
  readonly seq: number
  readonly hash: string
  /** Generation whose key signed. */
  readonly generation: number
  /** ISO 8601. */
  readonly time: string
}

/** The key that signs checkpoints: that of a generation, as the caller chooses. */
export interface CheckpointKey {
  readonly generation: number
  readonly algorithm: AnswerAlgorithm
  /** A JWS signature by that algorithm over the bytes (RFC 7518 §3.1). */
  sign(data: Buffer): Promise<Buffer>
}

/** Signs the head; a compact JWS (RFC 7515) by the algorithm of the key. */
export async function signCheckpoint(
  key: CheckpointKey,
  head: Omit<Checkpoint, 'generation'>,
): Promise<string> {
  const { storeId, seq, hash, time } = head
  const claims: Checkpoint = { storeId, seq, hash, generation: key.generation, time }
  const input = `${encodePart({ alg: key.algorithm, typ: CHECKPOINT_TYPE })}.${encodePart(claims)}`
  return compactOf(input, await key.sign(Buffer.from(input)))
}

export type CheckpointResult =
  | { readonly kind: 'valid'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'unknown-key'; readonly generation: number }
  | { readonly kind: 'invalid' }

/** Verifies a checkpoint with the public key of the generation that it names. */
export function verifyCheckpoint(
  jws: string,
  publicKeyOf: (generation: number) => KeyObject | undefined,
): CheckpointResult {
  const parts = splitCompact(jws.trim())
  const signature = parts && decodePart(parts.signature)
  if (parts === undefined || signature === undefined) return { kind: 'invalid' }
  const checkpoint = decode(parts.payload)
  const algorithm = algorithmIn(decode(parts.header))
  if (algorithm === undefined || !isCheckpoint(checkpoint)) return { kind: 'invalid' }
  const { generation } = checkpoint
  const publicKey = publicKeyOf(generation)
  if (publicKey === undefined) return { kind: 'unknown-key', generation }
  // The key says what it signs by; the header only has to agree.
  if (algorithm !== algorithmOf(publicKey)) return { kind: 'invalid' }
  const input = Buffer.from(`${parts.header}.${parts.payload}`)
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
  const isSigned = verify('sha256', input, key, signature)
  return isSigned ? { kind: 'valid', checkpoint } : { kind: 'invalid' }
}

/** The record up to which a checkpoint says that it signs; undefined when it is none. Verifies nothing. */
export function checkpointSeq(jws: string): number | undefined {
  const checkpoint = decode(jws.split('.')[1] ?? '')
  return isCheckpoint(checkpoint) ? checkpoint.seq : undefined
}

function decode(part: string): unknown {
  try {
    return JSON.parse(String(decodePart(part)))
  } catch {
    return undefined
  }
}

/** The algorithm that a checkpoint's header names; undefined when it is no such header. */
function algorithmIn(value: unknown): AnswerAlgorithm | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const header: { alg?: unknown; typ?: unknown } = value
  if (header.typ !== CHECKPOINT_TYPE) return undefined
  return ANSWER_ALGORITHMS.find((algorithm) => algorithm === header.alg)
}

function isCheckpoint(value: unknown): value is Checkpoint {
  if (typeof value !== 'object' || value === null) return false
  const { storeId, seq, hash, generation, time }: Partial<Record<keyof Checkpoint, unknown>> = value
  return (
    typeof storeId === 'string' &&
    Number.isSafeInteger(seq) &&
    typeof hash === 'string' &&
    Number.isSafeInteger(generation) &&
    typeof time === 'string'
  )
}
