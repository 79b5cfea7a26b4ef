/** Reads the members of each endpoint's request, one by one, into a frozen value. */
import type { Stage } from './endpoints.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import {
  amountOf,
  decimalOf,
  derivationPathOf,
  exactNumberOf,
  isIdentifier,
  listOf,
  Malformation,
  objectOf,
  sourceOf,
  stringOf,
  textOf,
} from './members.ts'
import type { Source } from './members.ts'
import type { ConfigChangeRequest, Destination, RawTxEntry, TxSignRequest } from './request.ts'

/** Members that only the other endpoint has: a token replayed there must not be read as something else. */
const TX_ONLY = ['txId', 'operation', 'asset', 'destinations', 'rawTx'] as const

/** Known and, where no field is made of them, without meaning here. */
const TX_MEMBERS = namesOf(`
  txId operation sourceType sourceId destType destId asset amount amountStr requestedAmount requestedAmountStr
  fee destAddressType destAddress destinations players requestId signerId extraParameters note rawTx
  externalTxId action exp nbf`)

const CONFIG_MEMBERS = namesOf('requestId signerId type extraInfo exp nbf')

/** No more unknown names than this are kept, and no longer ones. */
const UNKNOWN_NAMES = { count: 32, length: 64 }

/** Throws `Malformation`. */
export function readTransaction(source: Source, requestId: string, stage: Stage): TxSignRequest {
  const { txId } = source.object
  if (txId === undefined || txId === null) throw new Malformation('MISSING', 'txId')
  if (!isIdentifier(txId)) throw new Malformation('BAD_IDENTIFIER', 'txId')
  return Object.freeze({
    endpoint: 'tx_sign_request',
    stage,
    requestId,
    signerId: textOf(source, 'signerId'),
    unknownMembers: unknownMembers(source.object, TX_MEMBERS),
    txId,
    operation: operationOf(source),
    sourceType: textOf(source, 'sourceType'),
    sourceId: textOf(source, 'sourceId'),
    destType: textOf(source, 'destType'),
    destId: textOf(source, 'destId'),
    asset: textOf(source, 'asset'),
    amount: amountOf(source, 'amount', 'amountStr'),
    requestedAmount: amountOf(source, 'requestedAmount', 'requestedAmountStr'),
    fee: decimalOf(source, 'fee'),
    destAddressType: textOf(source, 'destAddressType'),
    destAddress: textOf(source, 'destAddress'),
    destinations: listOf(source, 'destinations', readDestination),
    players: listOf(source, 'players', stringOf),
    extraParameters: objectOf(source, 'extraParameters'),
    note: textOf(source, 'note'),
    externalTxId: textOf(source, 'externalTxId'),
    rawTx: listOf(source, 'rawTx', readRawTx),
  })
}

function readDestination(element: JsonValue, path: string): Destination {
  const source = sourceOf(element, path)
  return Object.freeze({
    amountNative: amountOf(source, 'amountNative', 'amountNativeStr'),
    amountUSD: exactNumberOf(source, 'amountUSD'),
    dstAddressType: textOf(source, 'dstAddressType'),
    dstId: textOf(source, 'dstId'),
    dstName: textOf(source, 'dstName'),
    dstSubType: textOf(source, 'dstSubType'),
    dstType: textOf(source, 'dstType'),
    dstWalletId: textOf(source, 'dstWalletId'),
    dstAddress: textOf(source, 'dstAddress'),
    displayDstAddress: textOf(source, 'displayDstAddress'),
  })
}

function readRawTx(element: JsonValue, path: string): RawTxEntry {
  const source = sourceOf(element, path)
  return Object.freeze({
    rawTx: textOf(source, 'rawTx'),
    keyDerivationPath: derivationPathOf(source, 'keyDerivationPath'),
    payload: textOf(source, 'payload'),
  })
}

/** `TRANSFER` is the documented default of an absent operation, and of nothing else. */
function operationOf(source: Source): string {
  const operation = textOf(source, 'operation')
  if (operation === null) throw new Malformation('WRONG_TYPE', 'operation')
  return operation ?? 'TRANSFER'
}

/** Throws `Malformation`. */
export function readConfigChange(source: Source, requestId: string): ConfigChangeRequest {
  const foreign = TX_ONLY.find((name) => source.object[name] !== undefined)
  if (foreign !== undefined) throw new Malformation('WRONG_ENDPOINT', foreign)
  return Object.freeze({
    endpoint: 'config_change_sign_request',
    stage: 'approval',
    requestId,
    signerId: textOf(source, 'signerId'),
    unknownMembers: unknownMembers(source.object, CONFIG_MEMBERS),
    type: textOf(source, 'type'),
    extraInfo: objectOf(source, 'extraInfo'),
  })
}

function unknownMembers(claims: JsonObject, known: ReadonlySet<string>): readonly string[] {
  const names: string[] = []
  for (const name in claims) {
    if (known.has(name)) continue
    if (names.push(name.slice(0, UNKNOWN_NAMES.length)) === UNKNOWN_NAMES.count) break
  }
  return Object.freeze(names)
}

function namesOf(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
