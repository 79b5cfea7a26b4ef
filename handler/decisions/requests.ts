/** Which requests were seen and decided: the same one gets the same decision, an altered one is recognised. */
import type { Chain } from './chain.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { DecisionContent } from './record.ts'
import { MAX_CANDIDATES } from './request-index.ts'
import type { RequestIndex } from './request-index.ts'
import type { Decision } from '../policy/decision.ts'
import type { Recall } from './store.ts'
import type { RequestKey } from '../protocol/digest.ts'

/** What is known of a request id. */
export interface Known {
  readonly recall: Recall
  readonly fingerprint: number
  /** Whether the record of this request is to be indexed, were it final or not. */
  readonly indexed: { readonly final: boolean; readonly retry: boolean }
}

export interface Requests {
  /** @throws StoreError `ERR_STORE_DAMAGED` when a record that it rests on is altered */
  look(key: RequestKey): Known
}

/** The requests of a chain. Looking one up costs the same however long the history is. */
export function createRequests(chain: Chain, index: RequestIndex): Requests {
  return {
    look: (key) => {
      const fingerprint = fingerprintOf(key)
      const candidates = index.candidates(fingerprint)
      const seen = candidates.flatMap((seq) => versionOf(seq, chain, key))
      const room = candidates.length < MAX_CANDIDATES
      return {
        recall: recallFrom(seen, key, room),
        fingerprint,
        indexed: { final: room, retry: room && !seen.some((each) => isVersion(each, key)) },
      }
    },
  }
}

interface Version {
  readonly seq: number
  /** ISO 8601. */
  readonly time: string
  readonly content: DecisionContent
}

/** The record if it is of the same request id, whatever its stage and content. */
function versionOf(seq: number, chain: Chain, key: RequestKey): Version[] {
  const content = chain.read(seq).body
  const same =
    content.kind === 'decision' &&
    content.endpoint === key.endpoint &&
    content.requestId === key.requestId &&
    content.signerId === key.signerId
  return same ? [{ seq, time: content.time, content }] : []
}

/** The first record of an id says what its core content is; a refusal of that core stands for all stages. */
function recallFrom(seen: readonly Version[], key: RequestKey, room: boolean): Recall {
  const [first] = seen
  if (first === undefined) return { kind: 'new' }
  const final = seen.filter(({ content }) => content.action !== 'RETRY')
  const own = final.find((each) => isVersion(each, key))
  if (own !== undefined) return { kind: 'decided', decision: decisionOf(own), seq: own.seq }
  if (!room || first.content.coreDigest !== key.coreDigest)
    return { kind: 'conflict', seq: first.seq }
  const refusal = final.find(
    ({ content }) => content.action === 'REJECT' && content.coreDigest === key.coreDigest,
  )
  if (refusal === undefined) return newOne(seen.find((each) => isVersion(each, key)))
  return { kind: 'rejected-sibling', decision: decisionOf(refusal), seq: refusal.seq }
}

/** The first RETRY of each stage and content is indexed, so its time is that of the first delivery. */
function newOne(first: Version | undefined): Recall {
  return first === undefined ? { kind: 'new' } : { kind: 'new', firstAt: first.time }
}

function isVersion({ content }: Version, { stage, digest }: RequestKey): boolean {
  return content.stage === stage && content.digest === digest
}

function decisionOf({ content: { action, rule, reason } }: Version): Decision {
  return { action, rule, reason }
}
