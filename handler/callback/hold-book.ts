/** Holds and the freeze as the straight line asks for them, answered from the decision store. */
import { holdIdOf } from '../decisions/holds.ts'
import type { HoldState as StoredHoldState, OperatorActs } from '../decisions/operations.ts'
import { summaryOf } from './hold-summary.ts'
import type { Decision } from '../policy/decision.ts'
import { reserved } from '../policy/reserved.ts'
import type { HoldBook, HoldState } from './ports.ts'

/** A used release releases nothing more. */
const STATES: Readonly<Record<StoredHoldState, HoldState>> = {
  waiting: 'held',
  released: 'released',
  rejected: 'rejected',
  expired: 'expired',
  used: 'held',
}

/** Opens a hold at the first delivery of a request and then follows it. */
export function createHoldBook(store: Pick<OperatorActs, 'openHold' | 'fullLimits'>): HoldBook {
  return {
    async state(key, terms, request, { rule, rawTx, proven }) {
      const summary = summaryOf(request, rule, rawTx)
      const asked = { key, terms, summary, rule, ...(proven === undefined ? {} : { proven }) }
      const { id, state } = await store.openHold(asked)
      return id === holdIdOf(key) ? STATES[state] : { carried: id }
    },
    fullLimits: (entry) => store.fullLimits(entry),
  }
}

/** What is answered to everything while the operator has frozen the handler. */
export function frozenDecision({ frozen }: Pick<OperatorActs, 'frozen'>): Decision | undefined {
  const freeze = frozen()
  return freeze && reserved(freeze.action, 'freeze')
}
