/** What a rule may look at beside the request: known to the handler, not claimed by the caller. */
import type { AnsweredCheck } from './decision.ts'
import type { RawTxVerdict } from './rawtx/verdict.ts'
import type { StatementCheck } from './statement.ts'

export interface Facts {
  /** The wall clock. */
  readonly now: Date
  /** Name of the co-signer key that verified the request; `''` in `certificate` mode, which matches no name. */
  readonly cosigner: string
  /** What the bytes to be signed say. */
  readonly rawTx: RawTxVerdict
  /** What the initiator's own statement says. */
  readonly statement: StatementCheck
  /** What was answered to failed consistency checks when the request was first seen; undefined at its first delivery. */
  readonly before?: readonly AnsweredCheck[] | undefined
}
