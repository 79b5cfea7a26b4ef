/** What a rule may look at beside the request: known to the handler, not claimed by the caller. */
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
}
