/** One request with the facts, as conditions see it: values that cost something are computed once, when asked for. */
import type { CallbackRequest, ConfigChangeRequest, TxSignRequest } from '../../protocol/request.ts'
import type { AddressRules } from '../chains/address.ts'
import type { Facts } from '../facts.ts'
import { typedMessagesOf } from '../rawtx/messages.ts'
import type { TypedMessage } from '../rawtx/messages.ts'
import { amountsOf, dollarsOf } from './amounts.ts'
import type { StatedAmounts } from './amounts.ts'
import { destinationsOf } from './destinations.ts'
import type { DestinationReading } from './destinations.ts'

export interface Subject {
  readonly request: CallbackRequest
  readonly facts: Facts
  /** How addresses are read. */
  readonly addresses: AddressRules
  /** The request when it is about a transaction. */
  readonly tx: TxSignRequest | undefined
  /** The request when it is about a configuration change. */
  readonly config: ConfigChangeRequest | undefined
  /** Empty for configuration changes only. */
  destinations(): readonly DestinationReading[]
  amounts(): StatedAmounts
  dollars(): StatedAmounts
  /** The messages of a TYPED_MESSAGE; empty for all else. */
  typedMessages(): readonly TypedMessage[]
}

const NO_AMOUNTS: StatedAmounts = { amounts: [], unknown: false }

export function subjectOf(
  request: CallbackRequest,
  facts: Facts,
  addresses: AddressRules,
): Subject {
  const tx = request.endpoint === 'tx_sign_request' ? request : undefined
  const config = request.endpoint === 'config_change_sign_request' ? request : undefined
  let destinations: readonly DestinationReading[] | undefined
  let amounts: StatedAmounts | undefined
  let dollars: StatedAmounts | undefined
  let messages: readonly TypedMessage[] | undefined
  const recipient = facts.rawTx.status === 'absent' ? undefined : facts.rawTx.facts.recipient
  return {
    request,
    facts,
    addresses,
    tx,
    config,
    destinations: () =>
      (destinations ??= tx === undefined ? [] : destinationsOf(tx, addresses, recipient)),
    amounts: () => (amounts ??= tx === undefined ? NO_AMOUNTS : amountsOf(tx)),
    dollars: () => (dollars ??= tx === undefined ? NO_AMOUNTS : dollarsOf(tx)),
    typedMessages: () => (messages ??= tx === undefined ? [] : typedMessagesOf(tx)),
  }
}
