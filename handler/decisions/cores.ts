/**
 * Cores: what moves in a transaction, read from a request, and how two requests under one id differ in it. Spelling does
 * not count, and what one of them does not know is no difference. See docs/decisions/stages.md.
 */
import { canonicalJson } from '../protocol/canonical.ts'
import { addDecimals, compareDecimals } from '../protocol/decimal.ts'
import type { Decimal } from '../protocol/decimal.ts'
import { isList, isObject } from '../protocol/json-value.ts'
import type { JsonValue } from '../protocol/json-value.ts'
import type { CallbackRequest, ConfigChangeRequest, TxSignRequest } from '../protocol/request.ts'
import { Unreadable } from '../protocol/request.ts'
import { canonicalType } from '../policy/readings/vocabulary.ts'
import { decimalOf, differ, memberOf, pairsOf, payeesOf } from './payees.ts'
import type { Pairs, Payee } from './payees.ts'

/** In what two cores differ. */
export type Difference =
  'asset' | 'source' | 'destination' | 'amount' | 'operation' | 'content' | 'type' | 'extraInfo'

/** How a later request differs from an earlier one. */
export interface Comparison {
  /** What no second stage of the same transaction can change. */
  readonly conflicts: readonly Difference[]
  /** What is worth somebody's attention. */
  readonly noted: readonly Difference[]
}

/** How `later` differs from `earlier`, of the same stage or of the other one. */
export function compareCores(
  earlier: CallbackRequest,
  later: CallbackRequest,
  isSameStage: boolean,
): Comparison {
  const found = differencesOf(earlier, later)
  const conflicts = found.filter(({ proves }) => proves || isSameStage)
  const noted = found.filter(({ proves }) => !proves && !isSameStage)
  return { conflicts: namesOf(conflicts), noted: namesOf(noted) }
}

/**
 * Whether what moves is the same: nothing that both know differs, but amounts by the fee. Addresses that cannot be read are
 * the same when they are the same texts.
 */
export function isSameCore(one: TxSignRequest, other: TxSignRequest): boolean {
  if (transactionsDiffer(one, other).length > 0) return false
  if (!hidesAddress(one) && !hidesAddress(other)) return true
  const [a, b] = [addressesOf(one), addressesOf(other)]
  return a.every((text) => b.includes(text)) || b.every((text) => a.includes(text))
}

/**
 * Whether whoever saw the one knows what moves by the other: the same core, of which only addresses of named accounts and the
 * fee are new.
 */
export function isWhatWasSeen(seen: TxSignRequest, now: TxSignRequest): boolean {
  return isSameCore(seen, now) && !saysMore(seen, now)
}

const WORDS = ['operation', 'asset', 'sourceType', 'sourceId'] as const

function saysMore(seen: TxSignRequest, now: TxSignRequest): boolean {
  if (WORDS.some((name) => isStated(now[name]) && !isStated(seen[name]))) return true
  if (isNew(decimalOf(seen.amount), decimalOf(now.amount))) return true
  if (CONTENT.some((name) => addsTo(contentOf(seen, name), contentOf(now, name)))) return true
  const payees = payeesOf(now).filter(({ reading }) => !reading.isEmpty)
  const { same } = pairsOf(payeesOf(seen), payees)
  if (same.length < payees.length) return true
  // What goes to the only destination is the amount.
  return payees.length > 1 && same.some(([one, other]) => isNew(one.amount, other.amount))
}

function isNew(seen: Decimal | undefined, now: Decimal | undefined): boolean {
  return seen === undefined && now !== undefined
}

/** Whether a value states something that another one, of which nothing differs, leaves out. */
function addsTo(seen: unknown, now: unknown): boolean {
  if (!isStated(now)) return false
  if (!isStated(seen)) return true
  if (isList(now) && isList(seen)) return now.some((each, at) => addsTo(seen[at], each))
  if (isObject(now) && isObject(seen)) {
    return Object.keys(now).some((name) => addsTo(seen[name], now[name]))
  }
  return false
}

function hidesAddress(tx: TxSignRequest): boolean {
  return payeesOf(tx).some(({ reading }) => reading.address().unreadable)
}

/** As they are written. */
function addressesOf({ destAddress, destinations }: TxSignRequest): readonly unknown[] {
  const entries: readonly unknown[] = Array.isArray(destinations) ? destinations : []
  return [
    destAddress,
    ...entries.flatMap((one) => [memberOf(one, 'dstAddress'), memberOf(one, 'displayDstAddress')]),
  ].filter(isStated)
}

interface Found {
  readonly name: Difference
  /** Not even the next stage of the same transaction can differ so. */
  readonly proves: boolean
}

function namesOf(found: readonly Found[]): Difference[] {
  return [...new Set(found.map(({ name }) => name))]
}

function differencesOf(earlier: CallbackRequest, later: CallbackRequest): readonly Found[] {
  if (earlier.endpoint === 'tx_sign_request') {
    return later.endpoint === 'tx_sign_request' ? transactionsDiffer(earlier, later) : []
  }
  return later.endpoint === 'tx_sign_request' ? [] : changesDiffer(earlier, later)
}

function changesDiffer(a: ConfigChangeRequest, b: ConfigChangeRequest): readonly Found[] {
  return [
    ...(differ(a.type, b.type) ? [{ name: 'type', proves: true } as const] : []),
    ...(jsonDiffers(a.extraInfo, b.extraInfo)
      ? [{ name: 'extraInfo', proves: true } as const]
      : []),
  ]
}

function transactionsDiffer(earlier: TxSignRequest, later: TxSignRequest): readonly Found[] {
  const found: Found[] = []
  if (differ(earlier.asset, later.asset)) found.push({ name: 'asset', proves: true })
  if (sourcesDiffer(earlier, later)) found.push({ name: 'source', proves: true })
  if (differ(earlier.operation, later.operation)) found.push({ name: 'operation', proves: false })
  if (contentsDiffer(earlier, later)) found.push({ name: 'content', proves: false })
  const pairs = pairsOf(payeesOf(earlier), payeesOf(later))
  if (pairs.added) found.push({ name: 'destination', proves: true })
  if (pairs.missing) found.push({ name: 'destination', proves: false })
  const amounts = amountsDiffer(earlier, later, pairs.same)
  if (amounts !== undefined) found.push(amounts)
  return found
}

function sourcesDiffer(a: TxSignRequest, b: TxSignRequest): boolean {
  return differ(wordOf(a.sourceType), wordOf(b.sourceType)) || differ(a.sourceId, b.sourceId)
}

function wordOf(type: unknown): unknown {
  return typeof type === 'string' ? canonicalType(type) : undefined
}

/** Undefined when all amounts are the same, or differ by the fee. */
function amountsDiffer(
  earlier: TxSignRequest,
  later: TxSignRequest,
  same: Pairs['same'],
): Found | undefined {
  const fees = [decimalOf(earlier.fee), decimalOf(later.fee)] as const
  const differs =
    isOther(earlier.requestedAmount, later.requestedAmount, fees) ||
    isOther(earlier.amount, later.amount, fees) ||
    same.some(([one, other]) => isOther(one.amount, other.amount, fees))
  const [most, now] = [
    mostOf(
      earlier,
      same.map(([one]) => one),
    ),
    mostOf(
      later,
      same.map(([, other]) => other),
    ),
  ]
  const isMore = most !== undefined && now !== undefined && compareDecimals(now, most) > 0
  if (isMore) return { name: 'amount', proves: true }
  return differs ? { name: 'amount', proves: false } : undefined
}

/** The largest amount that is stated; of an exchange, what was requested: its `amount` is the actual one. */
function mostOf(tx: TxSignRequest, payees: readonly Payee[]): Decimal | undefined {
  const requested = decimalOf(tx.requestedAmount)
  if (wordOf(tx.sourceType) === 'EXCHANGE' && requested !== undefined) return requested
  const amounts = payees.map(({ amount }) => amount)
  const sum = amounts.every((amount) => amount !== undefined)
    ? amounts.reduce(addDecimals, ZERO)
    : undefined
  return [requested, decimalOf(tx.amount), sum]
    .filter((amount) => amount !== undefined)
    .reduce<Decimal | undefined>(
      (most, each) => (most === undefined || compareDecimals(each, most) > 0 ? each : most),
      undefined,
    )
}

const ZERO: Decimal = { units: 0n, scale: 0 }

/** Two known amounts that differ, and not just by the fee, in or out of them. */
function isOther(
  one: unknown,
  other: unknown,
  [fee = ZERO, feeNow = ZERO]: readonly [Decimal | undefined, Decimal | undefined],
): boolean {
  const [a, b] = [decimalOf(one), decimalOf(other)]
  if (a === undefined || b === undefined || compareDecimals(a, b) === 0) return false
  const isNet = compareDecimals(addDecimals(a, fee), addDecimals(b, feeNow)) === 0
  const isGross = compareDecimals(addDecimals(a, feeNow), addDecimals(b, fee)) === 0
  return !isNet && !isGross
}

/** Members of `extraParameters` that say what is signed. */
const CONTENT = ['contractCallData', 'rawMessageData', 'programCall'] as const

function contentsDiffer(a: TxSignRequest, b: TxSignRequest): boolean {
  return CONTENT.some((name) => jsonDiffers(contentOf(a, name), contentOf(b, name)))
}

function contentOf({ extraParameters }: TxSignRequest, name: (typeof CONTENT)[number]): unknown {
  return memberOf(extraParameters, name)
}

/** Whether two values differ in something that both state. */
function jsonDiffers(one: unknown, other: unknown): boolean {
  if (!isStated(one) || !isStated(other)) return false
  if (isList(one) && isList(other)) {
    return one.length !== other.length || one.some((each, at) => jsonDiffers(each, other[at]))
  }
  if (isObject(one) && isObject(other)) {
    return Object.keys(one).some((name) => jsonDiffers(one[name], other[name]))
  }
  return canonicalJson(plainHex(one)) !== canonicalJson(plainHex(other))
}

/** Neither absent nor empty. */
function isStated(value: unknown): value is JsonValue {
  return !(value instanceof Unreadable) && value !== undefined && value !== null && value !== ''
}

/** Bytes have several spellings in hex. */
function plainHex(value: JsonValue): JsonValue {
  return typeof value === 'string' && /^(?:0x)?[0-9a-f]+$/i.test(value)
    ? value.toLowerCase().replace(/^0x/, '')
    : value
}
