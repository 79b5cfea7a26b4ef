/** From the policy in force and a request to its evaluation: gathers the facts that content itself can give. */
import type { SigningOnly } from '../protocol/parse-request.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import { withBarred } from './approvals/people.ts'
import type { AnsweredCheck, Decision, Evaluation, HoldTerms } from './decision.ts'
import { contentRefusal, evaluate } from './evaluate.ts'
import type { Facts } from './facts.ts'
import type { Hook } from './compile/hooks.ts'
import type { CompiledForm, Policy } from './compile/policy.ts'
import type { RawTxVerdict } from './rawtx/verdict.ts'
import { verifyRawTx } from './rawtx/verify.ts'
import { checkStatement } from './statement.ts'
import type { StatementCheck, VerifySignature } from './statement.ts'

/** What a policy may know besides the request. */
export interface PolicyFacts {
  readonly now: Date
  /** Name of the co-signer key that verified the token; `''` in `certificate` mode. */
  readonly cosigner: string
  /** What was answered to failed consistency checks when the request was first seen; undefined at its first delivery. */
  readonly before?: readonly AnsweredCheck[] | undefined
}

/** One immutable snapshot of the policy. */
export interface LivePolicy {
  /** Hex SHA-256, goes into the record. */
  readonly digest: string
  /** Pure; a throw is answered RETRY and raises an alarm. */
  evaluate(request: CallbackRequest, facts: PolicyFacts): Evaluation
  /** Why the content alone forbids an approval, whoever would give it; needed beside a `Decider`. */
  refusal?(request: CallbackRequest, facts: PolicyFacts): Decision | undefined
  /** What the hooks that an evaluation may name are; without it a missing answer is a veto at once. */
  readonly hooks?: ReadonlyMap<string, Hook>
  /** Signers of which it says that they only sign: all their transaction requests are of the signing stage. */
  readonly signingOnly?: SigningOnly | undefined
  /** For another thread to ask it; without it large bodies cannot be evaluated. */
  readonly form?: CompiledForm
}

/** The policy as the straight line asks it. `verifySignature` checks extra signatures with the platform's own crypto. */
export function livePolicy(policy: Policy, verifySignature: VerifySignature): LivePolicy {
  return Object.freeze({
    digest: policy.digest,
    hooks: policy.hooks,
    signingOnly: policy.signingOnly,
    form: policy.form,
    evaluate: (request: CallbackRequest, known: PolicyFacts): Evaluation => {
      const facts = factsOf(policy, request, known, verifySignature)
      const { decision, charges, singleUses, hooks, hold, uncertainty, consistency } = evaluate(
        policy,
        request,
        facts,
      )
      const rawTx = describeVerdict(facts.rawTx)
      return {
        decision,
        charges,
        singleUses,
        hooks,
        hold: hold && withoutInitiator(hold, facts, policy),
        uncertainty,
        consistency,
        rawTx,
      }
    },
    refusal: (request: CallbackRequest, known: PolicyFacts): Decision | undefined =>
      contentRefusal(policy, request, factsOf(policy, request, known, verifySignature)),
  })
}

/** Whoever signed the request's statement does not approve it. */
function withoutInitiator(
  hold: HoldTerms,
  { statement }: Facts,
  { initiators }: Pick<Policy, 'initiators'>,
): HoldTerms {
  const name = statement.status === 'valid' ? initiators.get(statement.keyName) : undefined
  return hold.people === undefined || name === undefined
    ? hold
    : { ...hold, people: withBarred(hold.people, [name]) }
}

/** What is known about a request: its raw transaction checked against it, its extra signature verified. */
export function factsOf(
  policy: Policy,
  request: CallbackRequest,
  { now, cosigner, before }: PolicyFacts,
  verifySignature: VerifySignature,
): Facts {
  if (request.endpoint !== 'tx_sign_request') {
    return { now, cosigner, rawTx: { status: 'absent' }, statement: { status: 'absent' } }
  }
  const statement = checkStatement(request, policy.statementKeys, now, verifySignature)
  const rawTx = verifyRawTx(request, policy.assets, {
    ...policy.rawTx,
    ...approvedContent(statement),
  })
  return { now, cosigner, rawTx, statement, before }
}

function approvedContent(statement: StatementCheck): { approvedContent?: string } {
  return statement.status === 'valid' && statement.contentDigest !== undefined
    ? { approvedContent: statement.contentDigest }
    : {}
}

/** One word and, unless `verified`, why; for the record. */
export function describeVerdict(verdict: RawTxVerdict): string {
  if (verdict.status === 'mismatch') {
    return `mismatch: ${verdict.field} is ${verdict.found}, not ${verdict.expected}`
  }
  if (verdict.status === 'unproven') return `unproven: ${verdict.unproven.join(', ')}`
  return verdict.status === 'unverifiable' ? `unverifiable: ${verdict.reason}` : verdict.status
}
