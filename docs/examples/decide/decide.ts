/** A worked example of `decide`: payments up to a ceiling go where an internal ledger has booked them, and nowhere else. */
import { compareDecimals, formatDecimal, parseDecimal, Unreadable } from 'countersign'
import type { CallbackRequest, Decide, DeciderFacts, Verdict } from 'countersign'

/** What the ledger has booked for a transaction. */
export interface Booking {
  readonly asset: string
  /** Plain decimal in the asset's units. */
  readonly amount: string
  readonly destinationId: string
}

/** Looks a booking up by the `externalTxId` that the initiator gave; undefined when there is none. */
export type FindBooking = (id: string, signal: AbortSignal) => Promise<Booking | undefined>

/** Nothing above it is approved by code alone. */
const CEILING = parseDecimal('10')

/** The function for `createHandler`; a ledger that fails throws, which is answered RETRY. */
export function decideByLedger(findBooking: FindBooking): Decide {
  return async (request: CallbackRequest, facts: DeciderFacts): Promise<Verdict | undefined> => {
    // Configuration changes stay with the policy file.
    if (request.endpoint !== 'tx_sign_request') return undefined
    const { externalTxId, asset, amount, destId } = request
    if (typeof externalTxId !== 'string') return refuse('no-reference', 'no reference given')
    if (amount instanceof Unreadable) {
      // Of another form than documented: people have an hour to look.
      return { action: 'RETRY', rule: 'unreadable', reason: 'the amount cannot be read' }
    }
    if (amount === undefined || amount === null || CEILING === undefined) {
      return refuse('no-amount', 'no amount given')
    }
    if (compareDecimals(amount, CEILING) > 0) return refuse('ceiling', 'above the ceiling')
    const booking = await findBooking(externalTxId, facts.signal)
    if (booking === undefined) {
      // Bookings arrive late sometimes: the co-signer will ask again.
      return { action: 'RETRY', rule: 'not-booked', reason: 'not booked yet' }
    }
    const matches =
      booking.asset === asset &&
      booking.amount === formatDecimal(amount) &&
      booking.destinationId === destId
    return matches ? { action: 'APPROVE', rule: 'booked' } : refuse('booked-otherwise', 'differs')
  }
}

function refuse(rule: string, reason: string): Verdict {
  return { action: 'REJECT', rule, reason }
}
