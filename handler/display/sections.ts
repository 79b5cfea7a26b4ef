/**
 * A verified request as people read it before they decide: every member that was sent, the known ones in words, the
 * contents to be signed decoded. Pure; what it returns is foreign text.
 */
import type { ViewRow, ViewSection } from '../../common/admin-api.ts'
import type { Endpoint } from '../protocol/endpoints.ts'
import {
  isList,
  isObject,
  JsonNumber,
  type JsonObject,
  type JsonValue,
} from '../protocol/json-value.ts'
import { addDecimals, formatDecimal, parseDecimal } from '../protocol/decimal.ts'
import type { OwnFunction } from './call-data.ts'
import { contentSections } from './content.ts'
import { row, rowsOf } from './rows.ts'

/** What is known of a request beside its content. */
export interface Known {
  /** Name of the co-signer key that verified it; `''` in `certificate` mode. */
  readonly cosigner: string
  /** What the bytes to be signed prove: one word and why, and what is unproven. */
  readonly verdict?: string | undefined
  /** Functions of the team's contracts, which explain call data. */
  readonly functions?: readonly OwnFunction[] | undefined
}

/** Members of a transaction that other sections show. */
const ELSEWHERE = new Set(['destinations', 'extraParameters', 'rawTx'])
const FROM = new Set(['sourceType', 'sourceId'])
const TO = new Set(['destType', 'destId', 'destAddress', 'destAddressType'])
const WORDS = new Set(['note', 'externalTxId', 'players'])
const ENVELOPE = new Set(['txId', 'requestId', 'signerId', 'exp', 'nbf'])
const WHAT = new Set([
  'operation',
  'asset',
  'amount',
  'amountStr',
  'requestedAmount',
  'requestedAmountStr',
  'fee',
])

/** The sections of a request, in the order in which they matter. */
export async function sectionsOf(
  endpoint: Endpoint,
  claims: JsonObject,
  known: Known,
): Promise<readonly ViewSection[]> {
  const sections =
    endpoint === 'tx_sign_request'
      ? await transactionSections(claims, known)
      : [section('Configuration change', rowsOf('', without(claims, ENVELOPE)))]
  return [...sections, section('Request', envelopeRows(claims, known))].filter(
    ({ rows }) => rows.length > 0,
  )
}

async function transactionSections(
  claims: JsonObject,
  { verdict, functions }: Known,
): Promise<readonly ViewSection[]> {
  const named = new Set([...ELSEWHERE, ...FROM, ...TO, ...WORDS, ...ENVELOPE, ...WHAT])
  return [
    section('Transaction', whatRows(claims)),
    section('From', rowsOf('', only(claims, FROM))),
    ...destinationSections(claims),
    ...(await contentSections(claims, functions)),
    section('Bytes to be signed', bytesRows(claims, verdict)),
    section('Words of the initiator', rowsOf('', only(claims, WORDS))),
    section('Members without a place above', rowsOf('', without(claims, named))),
  ]
}

function whatRows(claims: JsonObject): readonly ViewRow[] {
  const operation = claims['operation']
  const rows = [...WHAT].flatMap((name) =>
    name === 'operation' && operation === undefined
      ? [row('operation', 'TRANSFER (not sent: the documented default)')]
      : rowsOf(name, claims[name]),
  )
  return [...rows, ...totalRows(claims['destinations'])]
}

/** The sum of several destinations, and the vendor's estimate of it. */
function totalRows(destinations: JsonValue | undefined): readonly ViewRow[] {
  if (!isList(destinations) || destinations.length < 2) return []
  const count = row('destinations', String(destinations.length))
  const sums = ['amountNativeStr', 'amountUSD'].flatMap((name) => {
    const parts = destinations.map((each) => decimalText(isObject(each) ? each[name] : undefined))
    const amounts = parts.map((part) => (part === undefined ? undefined : parseDecimal(part)))
    let sum = parseDecimal('0')
    for (const amount of amounts) sum = sum && amount && addDecimals(sum, amount)
    return sum === undefined ? [] : [row(`sum of ${name}`, formatDecimal(sum))]
  })
  return [count, ...sums]
}

function decimalText(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof JsonNumber ? value.text : undefined
}

/** One section per destination; what the top level says stands beside a list as a section of its own. */
function destinationSections(claims: JsonObject): readonly ViewSection[] {
  const list = claims['destinations']
  const top = rowsOf('', only(claims, TO))
  if (!isList(list) || list.length === 0) {
    const rows = [...top, ...rowsOf('destinations', list)]
    return [section('To', rows.length === 0 ? [row('to', 'nobody is named')] : rows)]
  }
  return [
    ...list.map((entry, index) =>
      section(
        `Destination ${index + 1} of ${list.length}`,
        isObject(entry) ? destinationRows(entry) : rowsOf(`entry`, entry),
      ),
    ),
    section('Destination as the top level names it', top),
  ]
}

/** Members that tell where value goes come first, and say so when they are not sent. */
const WHERE = ['dstType', 'dstId', 'dstName', 'dstAddress', 'displayDstAddress', 'dstTag']
const ALWAYS = new Set(['dstType', 'dstAddress'])

function destinationRows(entry: JsonObject): readonly ViewRow[] {
  const rest = Object.keys(entry).filter((name) => !WHERE.includes(name))
  return [...WHERE, ...rest].flatMap((name) => {
    const rows = rowsOf(name, entry[name])
    return rows.length === 0 && ALWAYS.has(name) ? [row(name, '(not sent)')] : rows
  })
}

function bytesRows(claims: JsonObject, verdict: string | undefined): readonly ViewRow[] {
  const list = claims['rawTx']
  const rows = rowsOf('rawTx', list)
  const said = verdict === undefined ? [] : [row('verdict', verdict)]
  return rows.length === 0 && verdict === undefined
    ? [row('bytes', 'none in this request: nothing proves what will be signed')]
    : [...said, ...rows]
}

function envelopeRows(claims: JsonObject, { cosigner }: Known): readonly ViewRow[] {
  const rows = rowsOf('', only(claims, ENVELOPE))
  return cosigner === '' ? rows : [...rows, row('co-signer', cosigner)]
}

function section(title: string, rows: readonly ViewRow[]): ViewSection {
  return { title, rows }
}

function only(claims: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries([...names].map((name) => [name, claims[name]]))
}

function without(claims: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !names.has(name)))
}
