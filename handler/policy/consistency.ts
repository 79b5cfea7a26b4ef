/**
 * Consistency checks: members of a transaction that disagree. That does not prove that something else is signed, so each
 * check has a name and, in the policy, an answer of its own. docs/decisions/consistency.md has the table.
 */
import { addDecimals, compareDecimals, formatDecimal } from '../protocol/decimal.ts'
import type { Decimal } from '../protocol/decimal.ts'
import type { CallbackRequest, Destination, TxSignRequest } from '../protocol/request.ts'
import { Unreadable } from '../protocol/request.ts'
import { bothOf, seatsOf } from './approvals/people.ts'
import { isSameAddress } from './chains/same-address.ts'
import { CHECKS } from './decision.ts'
import type {
  AnsweredCheck,
  CheckName,
  ConsistencyAnswer,
  ConsistencyAnswers,
  HoldTerms,
} from './decision.ts'
import type { RawTxVerdict } from './rawtx/verdict.ts'
import { isAbsent } from './readings/answer.ts'
import { ADDRESS_TYPES, canonicalType, NO_TYPE } from './readings/vocabulary.ts'

/** A check that failed, and what disagrees, in words for people here. */
export interface Disagreement {
  readonly check: CheckName
  readonly found: string
}

const DEFAULT: ConsistencyAnswer = { answer: 'RETRY' }

/** The checks that fail; none for a configuration change. */
export function disagreementsIn(
  request: CallbackRequest,
  rawTx: RawTxVerdict,
): readonly Disagreement[] {
  if (request.endpoint !== 'tx_sign_request') return []
  const found: Disagreement[] = []
  for (const check of CHECKS) {
    const words = DISAGREEMENTS[check](request, rawTx)
    if (words !== undefined) found.push({ check, found: words })
  }
  return found
}

/**
 * What is answered to the checks that fail: by the policy, or as `before`, when the request was first seen, if that was
 * stricter.
 */
export function answersTo(
  disagreements: readonly Disagreement[],
  answers: ConsistencyAnswers,
  before: readonly AnsweredCheck[] | undefined,
): readonly AnsweredCheck[] {
  return disagreements.map(({ check }) => {
    const now = answers.get(check) ?? DEFAULT
    const first = before?.find((each) => each.check === check)
    return { ...(first === undefined ? now : stricter(first, now)), check }
  })
}

/** The strictest of the answers, and the checks that have it; undefined when none failed. */
export function strictestOf(
  answered: readonly AnsweredCheck[],
): { readonly answer: ConsistencyAnswer; readonly checks: readonly CheckName[] } | undefined {
  const [first, ...others] = answered
  if (first === undefined) return undefined
  const answer = others.reduce<ConsistencyAnswer>(stricter, first)
  const those = answered.filter((each) => each.answer === answer.answer)
  return { answer, checks: those.map(({ check }) => check) }
}

/** The terms that ask for more; of equal ones the first. People whom one of them names are asked in any case. */
export function stricterTerms(one: HoldTerms, other: HoldTerms): HoldTerms {
  const terms = moreOf(one, other)
  const people = bothOf(one.people, other.people, terms.approvals)
  return people === undefined ? terms : { ...terms, approvals: seatsOf(people), people }
}

function moreOf(one: HoldTerms, other: HoldTerms): HoldTerms {
  if (one.approvals !== other.approvals) return one.approvals > other.approvals ? one : other
  if (one.onExpiry !== other.onExpiry) return one.onExpiry === 'REJECT' ? one : other
  return one.expiresMs <= other.expiresMs ? one : other
}

const STRICTNESS = { note: 0, hold: 1, RETRY: 2, REJECT: 3 } as const

function stricter(one: ConsistencyAnswer, other: ConsistencyAnswer): ConsistencyAnswer {
  if (one.answer === 'hold' && other.answer === 'hold') {
    return { answer: 'hold', hold: stricterTerms(one.hold, other.hold) }
  }
  return STRICTNESS[one.answer] >= STRICTNESS[other.answer] ? one : other
}

/** What disagrees, in words; undefined when nothing does. */
type Disagrees = (tx: TxSignRequest, rawTx: RawTxVerdict) => string | undefined

const DISAGREEMENTS: Readonly<Record<CheckName, Disagrees>> = {
  'number-text': otherNumber,
  requested: moreThanRequested,
  sum: moreThanStated,
  'no-destination': noDestination,
  'address-pair': otherAddress,
  'address-type': otherAddressType,
  'gas-bound': moreGas,
  'typed-data-chain': otherChain,
}

function otherNumber({ amount, requestedAmount, destinations }: TxSignRequest): string | undefined {
  if (isContradicted(amount)) return 'the number `amount` is another than `amountStr`'
  if (isContradicted(requestedAmount)) {
    return 'the number `requestedAmount` is another than `requestedAmountStr`'
  }
  const index = entriesOf(destinations).findIndex((each) => isContradicted(each.amountNative))
  return index < 0
    ? undefined
    : `the number \`destinations[${index}].amountNative\` is another than its text`
}

function isContradicted(amount: TxSignRequest['amount']): boolean {
  return !(amount instanceof Unreadable) && amount?.isContradicted === true
}

/** The amount of an exchange is the actual one, which may be more or less than what was requested. */
function isOfExchange({ sourceType }: TxSignRequest): boolean {
  return typeof sourceType === 'string' && canonicalType(sourceType) === 'EXCHANGE'
}

function moreThanRequested(tx: TxSignRequest): string | undefined {
  const [amount, requested] = [known(tx.amount), known(tx.requestedAmount)]
  if (tx.operation !== 'TRANSFER' || isOfExchange(tx)) return undefined
  if (amount === undefined || requested === undefined) return undefined
  return compareDecimals(amount, requested) > 0
    ? `the amount is ${formatDecimal(amount)}, ${formatDecimal(requested)} was requested`
    : undefined
}

/** Less is no contradiction: a fee, rounding, or a net amount. What is unknown of a sum only adds to it. */
function moreThanStated(tx: TxSignRequest): string | undefined {
  if (tx.operation !== 'TRANSFER' || isOfExchange(tx)) return undefined
  const stated = [known(tx.amount), known(tx.requestedAmount)].filter((each) => each !== undefined)
  let sum: Decimal = { units: 0n, scale: 0 }
  for (const { amountNative } of entriesOf(tx.destinations)) {
    sum = addDecimals(sum, known(amountNative) ?? { units: 0n, scale: 0 })
  }
  const isMore = stated.length > 0 && stated.every((each) => compareDecimals(sum, each) > 0)
  return isMore
    ? `the destinations get ${formatDecimal(sum)}, more than ${stated.map(formatDecimal).join(' and ')}`
    : undefined
}

/** A transfer goes somewhere. An absent list contradicts nothing: the top-level members then stand alone. */
function noDestination(tx: TxSignRequest): string | undefined {
  const { operation, destinations } = tx
  if (operation !== 'TRANSFER' || destinations === undefined) return undefined
  if (destinations instanceof Unreadable || (destinations ?? []).length > 0) return undefined
  const { destType, destId, destAddress } = tx
  const isNamed = !isAbsent(destId) || !isAbsent(destAddress)
  const hasType = !isAbsent(destType) && !(typeof destType === 'string' && NO_TYPE.has(destType))
  return isNamed || hasType ? undefined : 'the transfer names no destination'
}

/** The addresses of one destination agree, and with the top level when it is the only destination. */
function otherAddress({ asset, destAddress, destinations }: TxSignRequest): string | undefined {
  const entries = entriesOf(destinations)
  for (const { dstAddress, displayDstAddress } of entries) {
    if (areDifferent(dstAddress, displayDstAddress, asset)) {
      return '`dstAddress` and `displayDstAddress` are two addresses'
    }
  }
  const [only, ...more] = entries
  if (only === undefined || more.length > 0) return undefined
  return areDifferent(destAddress, only.dstAddress, asset) ||
    areDifferent(destAddress, only.displayDstAddress, asset)
    ? '`destAddress` is not the address of the only destination'
    : undefined
}

/** Both are given and are not the same address. */
function areDifferent(left: unknown, right: unknown, asset: unknown): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') return false
  return !isAbsent(left) && !isAbsent(right) && !isSameAddress(left, right, asset)
}

/** Only the two documented words are compared: the vendor also puts a contract address into the top-level member. */
function otherAddressType({ destAddressType, destinations }: TxSignRequest): string | undefined {
  const [only, ...more] = entriesOf(destinations)
  if (only === undefined || more.length > 0) return undefined
  const words = [destAddressType, only.dstAddressType]
  if (!words.every((word) => typeof word === 'string' && ADDRESS_TYPES.has(word))) return undefined
  return destAddressType === only.dstAddressType
    ? undefined
    : '`destAddressType` is not that of the only destination'
}

function entriesOf(destinations: TxSignRequest['destinations']): readonly Destination[] {
  return destinations instanceof Unreadable ? [] : (destinations ?? [])
}

function known(amount: TxSignRequest['amount']): Decimal | undefined {
  return amount instanceof Unreadable ? undefined : (amount ?? undefined)
}

function moreGas({ fee }: TxSignRequest, rawTx: RawTxVerdict): string | undefined {
  const bound = rawTx.status === 'absent' ? undefined : rawTx.facts.feeBound
  const stated = known(fee)
  if (bound === undefined || stated === undefined) return undefined
  return `the bytes allow ${formatDecimal(bound)} for gas, the fee is ${formatDecimal(stated)}`
}

function otherChain(_tx: TxSignRequest, rawTx: RawTxVerdict): string | undefined {
  const chain = rawTx.status === 'absent' ? undefined : rawTx.facts.otherChain
  return chain === undefined ? undefined : `the typed message is for chain ${chain}`
}
