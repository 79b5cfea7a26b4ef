/**
 * The callback request as the rest of the handler sees it: one frozen value made of verified
 * content.
 */
import type { Endpoint, Stage } from './endpoints.ts'
import type { ValuesOf } from './member-table.ts'
import type { ReasonCode, Text } from './members.ts'
import type { CONFIG_CHANGE, DESTINATION, RAW_TX, TRANSACTION } from './request-members.ts'

export type { Amount, ReasonCode, Text } from './members.ts'
export { Unreadable } from './members.ts'

interface Common {
  readonly stage: Stage
  /** Echoed byte-exact in the answer. */
  readonly requestId: string
  /** The API user that handles the request; absent before SGX 3.5.0. */
  readonly signerId: Text
  /** Names of members that this version does not know, for the log. */
  readonly unknownMembers: readonly string[]
}

/**
 * `tx_sign_request` (vendor: approve transactions). Names are the wire's; amounts come from the
 * `*Str` fields.
 */
export interface TxSignRequest extends Common, ValuesOf<typeof TRANSACTION> {
  readonly endpoint: 'tx_sign_request'
}

export type Destination = ValuesOf<typeof DESTINATION>

/** One transaction or sighash preimage that will be signed; hex without `0x`. */
export type RawTxEntry = ValuesOf<typeof RAW_TX>

/** `config_change_sign_request` (vendor: approve configuration changes). */
export interface ConfigChangeRequest extends Common, ValuesOf<typeof CONFIG_CHANGE> {
  readonly endpoint: 'config_change_sign_request'
}

export type CallbackRequest = TxSignRequest | ConfigChangeRequest

export type { Endpoint, Stage }

/**
 * Content with an id that can be answered, but without one to decide on (`txId`, `type`): it is refused for good, because
 * a retry would bring the same.
 */
export interface Malformed {
  readonly endpoint: Endpoint
  readonly stage: Stage
  readonly requestId: string
  /** Undefined unless usable. */
  readonly signerId: string | undefined
  readonly txId: string | undefined
  readonly reasonCode: ReasonCode
  /** The member that is not usable. */
  readonly member: string
}

export type Parsed =
  | { readonly kind: 'request'; readonly request: CallbackRequest }
  | { readonly kind: 'malformed'; readonly malformed: Malformed }
  | {
      /** Of a form that can be answered only: with RETRY, so that people can look. */
      readonly kind: 'unreadable'
      readonly requestId: string
      /** Why, in words for the log. */
      readonly reason: string
    }
