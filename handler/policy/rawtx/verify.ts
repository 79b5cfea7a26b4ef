/** Rebuilds what is about to be signed from `rawTx`, and says whether it is what the request says. */
import type { TxSignRequest } from '../../protocol/request.ts'
import type { Assets } from '../assets.ts'
import type { RawTxVerdict } from './verdict.ts'
import { unverifiable } from './verdict.ts'

/** What the policy adds to the check; nothing here makes a mismatch pass. */
export interface RawTxOptions {
  /** Signature hash types that may be `verified`. `ALL|ANYONECANPAY` lets others add inputs; default `ALL` only. */
  readonly allowedSighashTypes?: readonly ('ALL' | 'ALL|ANYONECANPAY')[]
  /** Addresses of our own that may receive change although no input proves them, e.g. a vault's permanent address. */
  readonly changeAddresses?: readonly string[]
  /** `contentDigest` of a valid extra signature: makes RAW contents verifiable. */
  readonly approvedContent?: string
}

/**
 * The verdict on the bytes of a request. Pure and total: never throws, whatever the bytes; linear in their length.
 */
export function verifyRawTx(
  request: TxSignRequest,
  assets: Assets,
  options: RawTxOptions = {},
): RawTxVerdict {
  if (request.rawTx === undefined || request.rawTx === null || request.rawTx.length === 0) {
    return { status: 'absent' }
  }
  void assets
  void options
  return unverifiable('raw transactions are not decoded yet')
}
