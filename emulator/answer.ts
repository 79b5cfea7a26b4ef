/**
 * What the co-signer makes of an answer: signed by the stored key, for this request, with an action
 * it knows here.
 */
import type { KeyObject } from 'node:crypto'
import { DeliveryError } from './delivery-error.ts'
import { splitToken, verifies } from './tokens.ts'
import type { Delivered } from './transport.ts'

/** What was asked. */
export interface Question {
  readonly endpoint: 'tx_sign_request' | 'config_change_sign_request'
  readonly stage: 'approval' | 'signing'
  readonly requestId: string | undefined
  /** Must have signed the answer; undefined = plain JSON is expected. */
  readonly publicKey: KeyObject | undefined
  /** Name of the co-signer's version: it decides which algorithms are understood. */
  readonly version: string
}

/** What was answered. */
export interface CallbackAnswer {
  readonly action: string
  readonly rejectionReason: string | null
}

/**
 * Reads an answer. Time claims are ignored, as documented; unknown members too.
 *
 * @throws DeliveryError
 */
export function readAnswer({ status, body }: Delivered, question: Question): CallbackAnswer {
  if (status !== 200) throw new DeliveryError('STATUS', `the handler answered ${status}`, status)
  const claims =
    question.publicKey === undefined
      ? plain(body)
      : signed(body, question.publicKey, question.version)
  if (claims['requestId'] !== question.requestId) {
    throw new DeliveryError('REQUEST_ID', 'the answer is for another request')
  }
  const { action, rejectionReason } = claims
  if (typeof action !== 'string' || !allowedActions(question).includes(action)) {
    throw new DeliveryError(
      'ACTION',
      `the action \`${String(action)}\` is not allowed in the ${question.stage} stage`,
    )
  }
  return { action, rejectionReason: typeof rejectionReason === 'string' ? rejectionReason : null }
}

/** IGNORE drops an approver's vote; in the signing stage there is none. */
function allowedActions({ endpoint, stage }: Question): readonly string[] {
  const signing = endpoint === 'tx_sign_request' && stage === 'signing'
  return signing ? ['APPROVE', 'REJECT', 'RETRY'] : ['APPROVE', 'REJECT', 'RETRY', 'IGNORE']
}

/** First version that understands ES256 (vendor: release notes of all three families). */
const ES256_SINCE = [2026, 8, 19] as const

/** Dates and older numbers (`3.7.1`) share one order; a version without a number counts as old. */
function knowsEs256(version: string): boolean {
  const numbers = (/\d+(?:\.\d+)+/.exec(version)?.[0] ?? '0').split('.').map(Number)
  const at = ES256_SINCE.findIndex((value, index) => (numbers[index] ?? 0) !== value)
  return at === -1 || (numbers[at] ?? 0) > (ES256_SINCE[at] ?? 0)
}

function signed(
  body: string,
  publicKey: KeyObject,
  version: string,
): Readonly<Record<string, unknown>> {
  const parts = splitToken(body)
  if (parts === undefined) throw new DeliveryError('ANSWER', 'the answer is not a compact JWS')
  if (publicKey.asymmetricKeyType === 'ec' && !knowsEs256(version)) {
    throw new DeliveryError('SIGNATURE', `a co-signer of version \`${version}\` knows no ES256`)
  }
  if (!verifies(parts, publicKey)) {
    throw new DeliveryError('SIGNATURE', 'the answer is not signed with the stored public key')
  }
  return parts.claims
}

function plain(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Falls through: it is no JSON at all.
  }
  throw new DeliveryError('ANSWER', 'the answer is not a JSON object')
}
