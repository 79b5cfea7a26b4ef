/**
 * The members of each endpoint's request, one line each: what is read, and what of it identifies
 * the request. The order is that of the canonical texts, which stores of earlier versions hold the
 * hashes of: it may only be added to.
 */
import { addedMember, described, moved, objects, tableOf } from './member-table.ts'
import {
  amountWithText,
  DECIMAL,
  DERIVATION_PATH,
  EXACT_NUMBER,
  IDENTIFIED,
  OBJECT,
  OPERATION,
  TEXT,
  TEXTS,
} from './members.ts'

/** What each request holds besides its members. */
const HEAD = ['endpoint', 'stage', 'requestId', 'signerId', 'unknownMembers']

export const DESTINATION = tableOf({
  amountNative: moved(amountWithText('amountNativeStr')),
  dstType: moved(TEXT),
  dstId: moved(TEXT),
  dstAddress: moved(TEXT),
  /** A number on the wire, kept exactly; the vendor's own estimate. */
  amountUSD: described(EXACT_NUMBER),
  dstAddressType: described(TEXT),
  dstName: described(TEXT),
  dstSubType: described(TEXT),
  dstWalletId: described(TEXT),
  displayDstAddress: described(TEXT),
  /** Tag or memo: co-signers of 2026.07.20 and later send it, also where the chain knows none. */
  dstTag: described(addedMember('T', TEXT)),
  displayDstTag: described(addedMember('D', TEXT)),
})

export const RAW_TX = tableOf({
  rawTx: described(TEXT),
  /** JSON array text such as `[ 44, 60, 0, 0, 0 ]`, or the numbers when an array was sent. */
  keyDerivationPath: described(DERIVATION_PATH),
  /** The hash that is signed. */
  payload: described(TEXT),
})

export const TRANSACTION = tableOf(
  {
    txId: described(IDENTIFIED),
    /** `TRANSFER` when absent. Unknown operations are kept as sent. */
    operation: moved(OPERATION),
    asset: moved(TEXT),
    amount: moved(amountWithText('amountStr')),
    requestedAmount: moved(amountWithText('requestedAmountStr')),
    sourceType: moved(TEXT),
    sourceId: moved(TEXT),
    destType: moved(TEXT),
    destId: moved(TEXT),
    destAddress: moved(TEXT),
    fee: described(DECIMAL),
    destAddressType: described(TEXT),
    destinations: objects(DESTINATION),
    players: described(TEXTS),
    extraParameters: described(OBJECT),
    note: described(TEXT),
    externalTxId: described(TEXT),
    rawTx: objects(RAW_TX),
  },
  HEAD,
)

export const CONFIG_CHANGE = tableOf(
  {
    /** Unknown types are kept as sent. */
    type: moved(TEXT),
    extraInfo: moved(OBJECT),
  },
  HEAD,
)
