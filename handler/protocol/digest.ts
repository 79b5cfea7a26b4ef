/**
 * The identity of a request: hashes over a canonical form of what was read from it, never over the token. Member order,
 * escapes and trailing zeros do not count; every value, absence and null does.
 */
import { hash } from 'node:crypto'
import { decimalOfNumber } from './amounts.ts'
import type { Endpoint, Stage } from './endpoints.ts'
import { formatDecimal } from './decimal.ts'
import { isList, JsonNumber } from './json-value.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import type {
  Amount,
  CallbackRequest,
  ConfigChangeRequest,
  Destination,
  Malformed,
  RawTxEntry,
  Text,
  TxSignRequest,
} from './request.ts'

/** Identity of a request. Two deliveries with equal keys get the same decision. */
export interface RequestKey {
  readonly endpoint: Endpoint
  readonly requestId: string
  /** `''` when the co-signer sent none. */
  readonly signerId: string
  readonly stage: Stage
  /** Hex SHA-256 of everything the policy can see of the request. */
  readonly digest: string
  /** Hex SHA-256 of what is moved: operation, asset, amounts, source, destinations; or type and extraInfo. */
  readonly coreDigest: string
}

/**
 * The key under which a request is decided once. The co-signer's name counts, because the policy can see it: what one
 * co-signer may sign is not thereby decided for another.
 */
export function requestKey(request: CallbackRequest, cosigner: string): RequestKey {
  const { endpoint, stage, requestId } = request
  const signerId = request.signerId ?? ''
  const core = request.endpoint === 'tx_sign_request' ? moved(request) : changed(request)
  const rest = request.endpoint === 'tx_sign_request' ? described(request) : ''
  const identity = [cosigner, endpoint, stage, requestId, request.signerId].map(text).join('')
  return Object.freeze({
    endpoint,
    requestId,
    signerId,
    stage,
    digest: sha256(identity + core + rest),
    coreDigest: sha256(core),
  })
}

/** The key of a request that could not be read: everything that was sent counts. */
export function malformedKey(malformed: Malformed, claims: JsonObject): RequestKey {
  const { endpoint, stage, requestId } = malformed
  const content = sha256(`malformed ${text(endpoint)}${text(stage)}${json(claims)}`)
  const signerId = malformed.signerId ?? ''
  return Object.freeze({
    endpoint,
    requestId,
    signerId,
    stage,
    digest: content,
    coreDigest: content,
  })
}

/** What is moved: the same in the approval and in the signing stage of one transaction. */
function moved(request: TxSignRequest): string {
  return (
    text(request.operation) +
    text(request.asset) +
    amount(request.amount) +
    amount(request.requestedAmount) +
    text(request.sourceType) +
    text(request.sourceId) +
    text(request.destType) +
    text(request.destId) +
    text(request.destAddress) +
    list(request.destinations, movedTo)
  )
}

function movedTo(destination: Destination): string {
  return (
    amount(destination.amountNative) +
    text(destination.dstType) +
    text(destination.dstId) +
    text(destination.dstAddress)
  )
}

/** Everything else that a rule can look at. */
function described(request: TxSignRequest): string {
  return (
    text(request.txId) +
    amount(request.fee) +
    text(request.destAddressType) +
    list(request.destinations, describedDestination) +
    list(request.players, text) +
    json(request.extraParameters) +
    text(request.note) +
    text(request.externalTxId) +
    list(request.rawTx, signedBytes)
  )
}

function describedDestination(destination: Destination): string {
  return (
    amount(destination.amountUSD) +
    text(destination.dstAddressType) +
    text(destination.dstName) +
    text(destination.dstSubType) +
    text(destination.dstWalletId) +
    text(destination.displayDstAddress)
  )
}

function signedBytes(entry: RawTxEntry): string {
  return text(entry.rawTx) + text(entry.keyDerivationPath) + text(entry.payload)
}

function changed(request: ConfigChangeRequest): string {
  return text(request.type) + json(request.extraInfo)
}

// INVARIANT: each value says its kind and, where it can vary, its length, so that no two sequences of values have the
// same canonical form.

function text(value: Text): string {
  return typeof value === 'string' ? `s${value.length}:${value}` : missing(value)
}

function amount(value: Amount): string {
  return value === undefined || value === null ? missing(value) : `d${formatDecimal(value)};`
}

function missing(value: null | undefined): string {
  return value === null ? 'n' : 'u'
}

function list<T>(values: readonly T[] | null | undefined, canonical: (value: T) => string): string {
  if (values === undefined || values === null) return missing(values)
  let form = `a${values.length}:`
  for (const value of values) form += canonical(value)
  return form
}

/** Depth is bounded by the parser. Numbers count by value where they have a decimal one. */
function json(value: JsonValue | undefined): string {
  if (value === undefined || value === null || typeof value === 'string') return text(value)
  if (typeof value === 'boolean') return value ? 't' : 'f'
  if (value instanceof JsonNumber) return number(value)
  if (isList(value)) return list(value, json)
  const names = Object.keys(value).toSorted()
  let form = `o${names.length}:`
  for (const name of names) form += text(name) + json(value[name])
  return form
}

function number(value: JsonNumber): string {
  const decimal = decimalOfNumber(value)
  return decimal === undefined ? `x${value.text};` : amount(decimal)
}

function sha256(canonical: string): string {
  return hash('sha256', canonical, 'hex')
}
