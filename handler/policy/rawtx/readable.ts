/** Requests of which everything can be read that bytes are compared with. */
import type { Destination, RawTxEntry, TxSignRequest } from '../../protocol/request.ts'
import { Unreadable } from '../../protocol/request.ts'

type Known<T> = Exclude<T, Unreadable>

const MEMBERS = [
  'operation',
  'asset',
  'amount',
  'requestedAmount',
  'fee',
  'sourceType',
  'sourceId',
  'destAddress',
  'extraParameters',
] as const
const OF_DESTINATIONS = ['amountNative', 'dstAddress', 'displayDstAddress'] as const
const OF_ENTRIES = ['rawTx', 'payload', 'keyDerivationPath'] as const

type Readable<T, N extends keyof T> = T & { readonly [K in N]: Known<T[K]> }

export type ReadableDestination = Readable<Destination, (typeof OF_DESTINATIONS)[number]>
export type ReadableEntry = Readable<RawTxEntry, (typeof OF_ENTRIES)[number]>

/** Nothing that bytes are compared with is unreadable. */
export interface ReadableTx extends Readable<TxSignRequest, (typeof MEMBERS)[number]> {
  readonly destinations: readonly ReadableDestination[] | null | undefined
  readonly rawTx: readonly ReadableEntry[] | null | undefined
}

export function isReadable(tx: TxSignRequest): tx is ReadableTx {
  return unreadableIn(tx) === undefined
}

/** The first member that bytes cannot be compared with, as a path; undefined when there is none. */
export function unreadableIn(tx: TxSignRequest): string | undefined {
  return (
    MEMBERS.find((name) => tx[name] instanceof Unreadable) ??
    inList('destinations', tx.destinations, OF_DESTINATIONS) ??
    inList('rawTx', tx.rawTx, OF_ENTRIES)
  )
}

function inList<T>(
  name: string,
  list: readonly T[] | Unreadable | null | undefined,
  members: readonly (keyof T & string)[],
): string | undefined {
  if (list instanceof Unreadable) return name
  for (const [index, entry] of (list ?? []).entries()) {
    const member = members.find((each) => entry[each] instanceof Unreadable)
    if (member !== undefined) return `${name}[${index}].${member}`
  }
  return undefined
}
