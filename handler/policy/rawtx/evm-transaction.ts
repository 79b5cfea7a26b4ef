/** Unsigned EVM transactions, as their hash is signed: legacy (EIP-155 and older), EIP-2930 and EIP-1559. */
import { bigEndian, prefixed } from './bytes.ts'
import type { RlpItem } from './rlp.ts'
import { decodeRlp } from './rlp.ts'

/** What a transaction does, whatever its type. */
export interface EvmTransaction {
  /** Absent in the legacy form of before EIP-155: valid on every chain. */
  readonly chainId: bigint | undefined
  readonly nonce: bigint
  /** Most that a unit of gas can cost, in wei. */
  readonly gasPrice: bigint
  readonly gasLimit: bigint
  /** Lower-case `0x…`; absent when the transaction creates a contract. */
  readonly to: string | undefined
  /** Wei. */
  readonly value: bigint
  readonly data: Uint8Array
}

/** Field name to width in bytes, in the order of each type. */
type Layout = readonly (keyof typeof WIDTH)[]

/** Widest integer of a field, in bytes; `to`, `data` and `accessList` are not integers. */
const WIDTH = {
  chainId: 8,
  nonce: 8,
  priorityFee: 32,
  gasPrice: 32,
  gasLimit: 8,
  to: 20,
  value: 32,
  data: 0,
  accessList: 0,
} as const

const LEGACY: Layout = ['nonce', 'gasPrice', 'gasLimit', 'to', 'value', 'data']
const EIP2930: Layout = ['chainId', ...LEGACY, 'accessList']
const EIP1559: Layout = [
  'chainId',
  'nonce',
  'priorityFee',
  'gasPrice',
  'gasLimit',
  'to',
  'value',
  'data',
  'accessList',
]

/** The transaction in the bytes, or why they hold none that this version knows. */
export function decodeEvmTransaction(bytes: Uint8Array): EvmTransaction | string {
  const first = bytes[0] ?? 0
  if (first >= 0xc0) return decodeLegacy(decodeRlp(bytes))
  const layout = first === 1 ? EIP2930 : first === 2 ? EIP1559 : undefined
  if (layout === undefined) return `transaction type ${first} is not known`
  const items = decodeRlp(bytes.subarray(1))
  if (!isList(items) || items.length !== layout.length) return MALFORMED
  return transactionOf(layout, items)
}

const MALFORMED = 'not one canonical unsigned transaction'

function decodeLegacy(items: RlpItem | undefined): EvmTransaction | string {
  if (!isList(items)) return MALFORMED
  if (items.length === 6) return transactionOf(LEGACY, items)
  const [r, s] = items.slice(7)
  // EIP-155: the chain id takes the place of v; r and s are empty while unsigned.
  if (items.length !== 9 || !isEmpty(r) || !isEmpty(s)) return MALFORMED
  return transactionOf([...LEGACY, 'chainId'], items.slice(0, 7))
}

function transactionOf(layout: Layout, items: readonly RlpItem[]): EvmTransaction | string {
  const fields = new Map(items.map((item, index) => [layout[index], item]))
  const integer = (name: keyof typeof WIDTH) => integerOf(fields.get(name), WIDTH[name])
  const [nonce, gasPrice, gasLimit, value] = [
    integer('nonce'),
    integer('gasPrice'),
    integer('gasLimit'),
    integer('value'),
  ]
  const chainId = fields.has('chainId') ? integer('chainId') : 'none'
  const priorityFee = fields.has('priorityFee') ? integer('priorityFee') : 'none'
  const to = fields.get('to')
  const data = fields.get('data')
  if (nonce === undefined || gasPrice === undefined || gasLimit === undefined) return MALFORMED
  if (value === undefined || chainId === undefined || priorityFee === undefined) return MALFORMED
  if (!isBytes(to) || (to.length !== 0 && to.length !== 20) || !isBytes(data)) return MALFORMED
  if (fields.has('accessList') && !isAccessList(fields.get('accessList'))) return MALFORMED
  return {
    chainId: chainId === 'none' ? undefined : chainId,
    nonce,
    gasPrice,
    gasLimit,
    to: to.length === 0 ? undefined : prefixed(to),
    value,
    data,
  }
}

/** An integer without leading zeros, at most `width` bytes. */
function integerOf(item: RlpItem | undefined, width: number): bigint | undefined {
  if (!isBytes(item) || item.length > width || item[0] === 0) return undefined
  return bigEndian(item)
}

/** EIP-2930: a list of (address, list of storage keys). It changes cost, which the gas limit bounds, not effect. */
function isAccessList(item: RlpItem | undefined): boolean {
  return isList(item) && item.every(isAccess)
}

function isAccess(item: RlpItem): boolean {
  if (!isList(item) || item.length !== 2) return false
  const [address, keys] = item
  return (
    isBytes(address) &&
    address.length === 20 &&
    isList(keys) &&
    keys.every((key) => isBytes(key) && key.length === 32)
  )
}

function isBytes(item: RlpItem | undefined): item is Uint8Array {
  return item instanceof Uint8Array
}

function isList(item: RlpItem | undefined): item is readonly RlpItem[] {
  return Array.isArray(item)
}

function isEmpty(item: RlpItem | undefined): boolean {
  return isBytes(item) && item.length === 0
}
