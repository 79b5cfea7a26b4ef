/** Requests that were seen and decided: the same one gets the same decision, an altered one is recognised. */
import type { Decision } from '../policy/decision.ts'
import type { RequestKey } from '../protocol/digest.ts'
import type { DecisionContent } from './decision-fields.ts'
import type { RecordBody } from './record.ts'
import type { Recall } from './store.ts'

/**
 * Records that are looked at for one fingerprint. The vendor sends two or three contents under one request id; whoever
 * sends more than this is refused, at a constant cost.
 */
export const MAX_CANDIDATES = 64

/** A record that was found by a request's fingerprint. */
export interface Candidate {
  readonly seq: number
  readonly hash: string
  readonly body: RecordBody
}

/** What is known of a request id. */
export interface Known {
  readonly recall: Recall
  /** Whether a new record of this request can be found again, by whether it is final. */
  readonly indexed: { readonly final: boolean; readonly retry: boolean }
}

interface Version extends Candidate {
  readonly body: RecordBody & DecisionContent
}

/** What the records with a request's fingerprint say of it; ascending, at most `MAX_CANDIDATES`. */
export function recallFrom(candidates: readonly Candidate[], key: RequestKey): Known {
  const seen = candidates.filter((each) => isOfRequest(each, key))
  const room = candidates.length < MAX_CANDIDATES
  return {
    recall: recallOf(seen, key, room),
    indexed: { final: room, retry: room && !seen.some((each) => isVersion(each, key)) },
  }
}

/** Whether a record is of the same request id, whatever its stage and content. */
function isOfRequest(candidate: Candidate, key: RequestKey): candidate is Version {
  const { body } = candidate
  return (
    body.kind === 'decision' &&
    body.endpoint === key.endpoint &&
    body.requestId === key.requestId &&
    body.signerId === key.signerId
  )
}

/** The first record of an id says what its core content is; a refusal of that core stands for all stages. */
function recallOf(seen: readonly Version[], key: RequestKey, room: boolean): Recall {
  const [first] = seen
  if (first === undefined) return { kind: 'new' }
  const final = seen.filter(({ body }) => body.action !== 'RETRY')
  const own = final.find((each) => isVersion(each, key))
  if (own !== undefined) return { kind: 'decided', decision: decisionOf(own), seq: own.seq }
  if (!room || first.body.coreDigest !== key.coreDigest) {
    return { kind: 'conflict', seq: first.seq }
  }
  const refusal = final.find(
    ({ body }) => body.action === 'REJECT' && body.coreDigest === key.coreDigest,
  )
  if (refusal !== undefined) {
    return { kind: 'rejected-sibling', decision: decisionOf(refusal), seq: refusal.seq }
  }
  // The first RETRY of each stage and content is indexed, so its time is that of the first delivery.
  const retried = seen.find((each) => isVersion(each, key))
  return retried === undefined ? { kind: 'new' } : { kind: 'new', firstAt: retried.body.time }
}

function isVersion({ body }: Version, { stage, digest }: RequestKey): boolean {
  return body.stage === stage && body.digest === digest
}

function decisionOf({ body: { action, rule, reason } }: Version): Decision {
  return { action, rule, reason }
}
