/** What the log and the metrics learn of an answered delivery. */
import type { DecidedEvent, Delivery } from './ports.ts'
import type { Verified } from '../protocol/token.ts'
import type { Asked } from './read.ts'
import type { Settled } from './sign.ts'
import { FAULT_REASON, Undecided } from './undecided.ts'

/** A verified delivery with an id to answer to. */
export interface Caller {
  readonly delivery: Delivery
  readonly verified: Verified
  readonly requestId: string
}

/** One flat value; made once per delivery, so it copies nothing that it only passes on. */
export function eventOf(
  { delivery, verified, requestId }: Caller,
  outcome: Settled | Undecided,
  durationMs: number,
): DecidedEvent {
  const settled = outcome instanceof Undecided ? undefined : outcome
  const { action, rule, reason } =
    outcome instanceof Undecided ? retryFor(outcome) : outcome.decision
  const asked = settled?.asked
  return {
    deliveryId: delivery.deliveryId,
    endpoint: delivery.endpoint,
    generation: delivery.generation,
    cosigner: verified.cosigner,
    requestId,
    stage: asked?.key.stage,
    txId: asked?.txId,
    signerId: asked?.key.signerId,
    action,
    rule,
    reason,
    seq: settled?.seq,
    repeated: settled?.repeated ?? false,
    unknownMembers: unknownMembersOf(asked),
    durationMs,
  }
}

function retryFor({ rule }: Undecided) {
  return { action: 'RETRY', rule, reason: FAULT_REASON[rule] } as const
}

/** A fault may strike before the request is read. */
function unknownMembersOf(asked: Asked | undefined): readonly string[] {
  return asked?.kind === 'request' ? asked.request.unknownMembers : []
}
