/** The callback request as the rest of the handler sees it: one frozen value made of verified content. */
import type { Decimal } from './decimal.ts'
import type { Endpoint, Stage } from './endpoints.ts'
import type { JsonObject } from './json-value.ts'

/**
 * A text field as sent. `undefined` = absent, `null` = sent as null; both match no rule, and neither is `''`.
 */
export type Text = string | null | undefined

/** An amount field: absent, null, or an exact decimal in the asset's units. */
export type Amount = Decimal | null | undefined

interface Common {
  readonly stage: Stage
  /** Echoed byte-exact in the answer. */
  readonly requestId: string
  /** The API user that handles the request; absent before SGX 3.5.0. */
  readonly signerId: Text
  /** Names of members that this version does not know, for the log. */
  readonly unknownMembers: readonly string[]
}

/** `tx_sign_request` (vendor: approve transactions). Names are the wire's; amounts come from the `*Str` fields. */
export interface TxSignRequest extends Common {
  readonly endpoint: 'tx_sign_request'
  readonly txId: string
  /** `TRANSFER` when absent. Unknown operations are kept as sent. */
  readonly operation: string
  readonly sourceType: Text
  readonly sourceId: Text
  readonly destType: Text
  readonly destId: Text
  readonly asset: Text
  readonly amount: Amount
  readonly requestedAmount: Amount
  readonly fee: Amount
  readonly destAddressType: Text
  readonly destAddress: Text
  readonly destinations: readonly Destination[] | null | undefined
  readonly players: readonly string[] | null | undefined
  readonly extraParameters: JsonObject | null | undefined
  readonly note: Text
  readonly externalTxId: Text
  readonly rawTx: readonly RawTxEntry[] | null | undefined
}

export interface Destination {
  readonly amountNative: Amount
  /** A number on the wire, kept exactly; the vendor's own estimate. */
  readonly amountUSD: Amount
  readonly dstAddressType: Text
  readonly dstId: Text
  readonly dstName: Text
  readonly dstSubType: Text
  readonly dstType: Text
  readonly dstWalletId: Text
  readonly dstAddress: Text
  readonly displayDstAddress: Text
}

/** One transaction or sighash preimage that will be signed; hex without `0x`. */
export interface RawTxEntry {
  readonly rawTx: Text
  /** JSON array text such as `[ 44, 60, 0, 0, 0 ]`, or the numbers when an array was sent. */
  readonly keyDerivationPath: Text
  /** The hash that is signed. */
  readonly payload: Text
}

/** `config_change_sign_request` (vendor: approve configuration changes). */
export interface ConfigChangeRequest extends Common {
  readonly endpoint: 'config_change_sign_request'
  /** Unknown types are kept as sent. */
  readonly type: Text
  readonly extraInfo: JsonObject | null | undefined
}

export type CallbackRequest = TxSignRequest | ConfigChangeRequest

export type { Endpoint, Stage }

/** What can be wrong with a member; goes into `rejectionReason` together with the member's name. */
export type ReasonCode =
  | 'MISSING'
  | 'WRONG_TYPE'
  | 'BAD_IDENTIFIER'
  | 'BAD_AMOUNT'
  | 'AMOUNT_CONTRADICTION'
  | 'WRONG_ENDPOINT'

/** Content with an id that can be answered, but that cannot be decided on: it is refused for good. */
export interface Malformed {
  readonly endpoint: Endpoint
  readonly stage: Stage
  readonly requestId: string
  /** Undefined unless usable. */
  readonly signerId: string | undefined
  readonly txId: string | undefined
  readonly reasonCode: ReasonCode
  /** Path of the member, in names that this version knows. */
  readonly member: string
}

export type Parsed =
  | { readonly kind: 'request'; readonly request: CallbackRequest }
  | { readonly kind: 'malformed'; readonly malformed: Malformed }
