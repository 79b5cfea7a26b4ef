/** Which limits an approval would exceed now: people should know before they approve what would then have to wait. */
import { fingerprintOf } from '../protocol/digest.ts'
import { readRecent } from '../protocol/stored-token.ts'
import type { HoldEvidence, OperatorActs } from '../decisions/operations.ts'
import { bytesOf } from '../decisions/variants.ts'
import type { Clock } from '../../common/clock.ts'
import type { LivePolicy } from '../policy/judge.ts'

export interface LimitDeps {
  readonly acts: Pick<OperatorActs, 'fullLimits'>
  readonly clock: Clock
  /** The policy in force. */
  readonly policy: () => LivePolicy
}

/** Longer tokens, in characters, are not evaluated here, where everything else would wait. */
const MAX_TOKEN = 96 * 1_024

/**
 * Names of the limits that have no room for what a hold is about, by the policy in force and what was charged until now.
 * Undefined when that is not known: there is no record yet, or the request is too large or cannot be evaluated.
 */
export async function fullLimitsOf(
  evidence: HoldEvidence | undefined,
  { acts, clock, policy }: LimitDeps,
): Promise<readonly string[] | undefined> {
  if (evidence === undefined || evidence.token.length > MAX_TOKEN) return undefined
  const { record, token } = evidence
  const { endpoint, stage, cosigner, generation, policyDigest, owner, deliveryId } = record
  const request = readRecent(endpoint, token)
  if (request === undefined || request === 'too-large') return undefined
  if (request.endpoint !== 'tx_sign_request') return []
  const evaluated = attempt(() => {
    const facts = { now: clock.now(), cosigner, before: record.consistency }
    return policy().evaluate({ ...request, stage }, facts)
  })
  if (evaluated === undefined) return undefined
  const { charges } = evaluated
  if (charges.length === 0) return []
  const bytes = bytesOf(request)
  return acts.fullLimits({
    key: { ...record, fingerprint: fingerprintOf(record) },
    decision: { action: 'APPROVE', rule: record.rule, reason: '' },
    charges,
    singleUses: [],
    ...(bytes === undefined ? {} : { bytes }),
    evidence: { token, cosigner, generation, policyDigest, owner, rawTx: record.rawTx, deliveryId },
  })
}

function attempt<T>(evaluate: () => T): T | undefined {
  try {
    return evaluate()
  } catch {
    return undefined
  }
}
