/** Summary of a held request: one line of printable text that a person can decide on. */
import { formatDecimal } from '../protocol/decimal.ts'
import type { CallbackRequest, Destination, TxSignRequest } from '../protocol/request.ts'
import { Unreadable } from '../protocol/request.ts'

/** Longest line, in characters. */
const MAX_LENGTH = 300

/** `rawTx` is the verdict on the bytes. Printable ASCII; what is not sent is left out, what is not printable shows as `?`. */
export function summaryOf(request: CallbackRequest, rule: string, rawTx?: string): string {
  const what =
    request.endpoint === 'tx_sign_request'
      ? transaction(request)
      : ['configuration', request.type].filter(isText).join(' ')
  const bytes = rawTx === undefined || rawTx === 'absent' ? '' : `bytes ${rawTx}, `
  const where = `${bytes}request ${request.requestId}, ${request.stage} stage, rule ${rule}`
  const line = `${what} (${where})`.replaceAll(/[^\x20-\x7e]/g, '?')
  return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH - 3)}...`
}

function transaction(tx: TxSignRequest): string {
  const { operation, amount, asset, sourceType, sourceId, destinations } = tx
  const sum = amount instanceof Unreadable || !amount ? undefined : formatDecimal(amount)
  const how = [operation, sum, asset].filter(isText).join(' ')
  const entries = destinations instanceof Unreadable ? [] : (destinations ?? [])
  const shown = [tx, ...entries].flatMap((each) => Object.values(each))
  const hidden = shown.some((each) => each instanceof Unreadable) ? ', partly unreadable' : ''
  return `${how} from ${place(sourceType, sourceId)} to ${destinationOf(tx, entries)}${hidden}`
}

function destinationOf(
  { destType, destId, destAddress }: TxSignRequest,
  [first, ...more]: readonly Destination[],
): string {
  const address = [first?.displayDstAddress, first?.dstAddress, destAddress].find(isText)
  const id = [first?.dstId, destId].find(isText)
  const text = place([first?.dstType, destType].find(isText), id ?? address)
  return more.length === 0 ? text : `${text} and ${more.length} more`
}

function place(type: unknown, id: unknown): string {
  return [type, id].filter(isText).join(' ') || 'nowhere named'
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
