/** Records a decision: in one transaction with all that could still change it, so that what is recorded is what holds. */
import type { Chain } from './chain.ts'
import type { Database } from './database.ts'
import type { FreezeTable } from './freeze.ts'
import type { HoldTable } from './holds.ts'
import { describeCharge } from './limits.ts'
import type { LimitTable } from './limits.ts'
import { sha256 } from './record.ts'
import type { DecisionContent } from './record.ts'
import type { RequestIndex } from './request-index.ts'
import type { Requests } from './requests.ts'
import type { SingleUseTable } from './single-uses.ts'
import type { Decision } from '../policy/decision.ts'
import type { NewDecision, Recall, Receipt } from './store.ts'

export interface RecorderParts {
  readonly db: Database
  readonly chain: Chain
  readonly index: RequestIndex
  readonly requests: Requests
  readonly limits: LimitTable
  readonly holds: HoldTable
  readonly freezes: FreezeTable
  readonly singleUses: SingleUseTable
}

export interface Recorder {
  /** Belongs into a transaction. The receipt holds the decision that must be answered. */
  record(entry: NewDecision, nowMs: number): Receipt
}

/** The recorder of an open database. */
export function createRecorder(parts: RecorderParts): Recorder {
  const { db, chain, index, requests, limits, holds, freezes, singleUses } = parts
  const savepoint = db.prepare('SAVEPOINT spend')
  const rollback = db.prepare('ROLLBACK TO spend')
  const release = db.prepare('RELEASE spend')

  /** The `otherwise` of the first thing that cannot be spent. */
  const firstRefusal = (entry: NewDecision, nowMs: number): Decision | undefined => {
    const { owner } = entry.evidence
    const charge = entry.charges.find((one) => !limits.charge(one, owner, nowMs))
    if (charge !== undefined) return charge.otherwise
    const use = entry.singleUses.find(({ name }) => !singleUses.available(name, owner))
    if (use !== undefined) return use.otherwise
    const { hold } = entry
    return hold !== undefined && !holds.usable(hold.id, nowMs) ? hold.otherwise : undefined
  }

  /** Charges the limits, all or none. */
  const spend = (entry: NewDecision, nowMs: number): Decision | undefined => {
    if (!spends(entry)) return undefined
    savepoint.run()
    const refusal = firstRefusal(entry, nowMs)
    if (refusal !== undefined) rollback.run()
    release.run()
    return refusal
  }

  const decide = (entry: NewDecision, recall: Recall, nowMs: number): Decision => {
    const { decision } = entry
    if (decision.action !== 'APPROVE' && decision.action !== 'IGNORE') return decision
    if (recall.kind === 'conflict') return CONFLICT
    if (recall.kind === 'rejected-sibling') return { ...recall.decision, action: 'REJECT' }
    if (decision.action === 'IGNORE') return decision
    const freeze = freezes.get()
    if (freeze !== undefined) return { action: freeze.action, rule: 'freeze', reason: 'frozen' }
    const refusal = spend(entry, nowMs)
    if (refusal === undefined) return decision
    // INVARIANT: what could not be spent never approves, whatever the policy says instead.
    return refusal.action === 'APPROVE' ? { ...refusal, action: 'REJECT' } : refusal
  }

  return {
    record: (entry, nowMs) => {
      const { recall, fingerprint, indexed } = requests.look(entry.key)
      if (recall.kind === 'decided') {
        return { seq: recall.seq, hash: chain.read(recall.seq).hash, decision: recall.decision }
      }
      const decision = decide(entry, recall, nowMs)
      const recallable = decision.action === 'RETRY' ? indexed.retry : indexed.final
      const { token } = entry.evidence
      const extra = recallable ? { token, fingerprint } : { token }
      const { seq, hash } = chain.append(contentOf(entry, decision), nowMs, extra)
      if (recallable) index.add(fingerprint, seq)
      if (decision === entry.decision && decision.action === 'APPROVE') {
        for (const { name } of entry.singleUses) singleUses.use(name, entry.evidence.owner, seq)
        if (entry.hold !== undefined) holds.use(entry.hold.id, seq)
      }
      return { seq, hash, decision }
    },
  }
}

/** The decision for a request whose id was seen with other core content, unless the caller refused it already. */
const CONFLICT: Decision = {
  action: 'REJECT',
  rule: 'conflict',
  reason: 'the same request id was used with other content',
}

function spends(entry: NewDecision): boolean {
  return entry.charges.length + entry.singleUses.length > 0 || entry.hold !== undefined
}

function contentOf(entry: NewDecision, decision: Decision): DecisionContent {
  const { key, evidence } = entry
  const approved = decision === entry.decision && decision.action === 'APPROVE' && spends(entry)
  const content: DecisionContent = {
    kind: 'decision',
    endpoint: key.endpoint,
    requestId: key.requestId,
    signerId: key.signerId,
    stage: key.stage,
    digest: key.digest,
    coreDigest: key.coreDigest,
    action: decision.action,
    rule: decision.rule,
    reason: decision.reason,
    policyDigest: evidence.policyDigest,
    cosigner: evidence.cosigner,
    generation: evidence.generation,
    owner: evidence.owner,
    deliveryId: evidence.deliveryId,
    tokenSha256: sha256(evidence.token),
    ...(evidence.rawTx === undefined ? {} : { rawTx: evidence.rawTx }),
    ...(decision === entry.decision ? {} : { proposed: entry.decision }),
    ...(evidence.shadow === undefined ? {} : { shadow: evidence.shadow }),
  }
  return approved ? { ...content, ...spentOf(entry) } : content
}

function spentOf({ charges, singleUses, hold }: NewDecision): Partial<DecisionContent> {
  const used = singleUses.map(({ name }) => name)
  return {
    charged: charges.map(describeCharge),
    used: hold === undefined ? used : [...used, `hold:${hold.id}`],
  }
}
