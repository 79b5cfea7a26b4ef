/** Proofs of what people decided: the act that a hold asks them to sign, and whose assertion over it counts. */
import type { Act } from '../../common/admin-api.ts'
import type { Assertion } from '../../common/assertion.ts'
import { actText } from '../policy/approvals/act.ts'
import type { ActName, Verdict } from '../policy/approvals/act.ts'
import { flawOf } from '../policy/approvals/assertion.ts'
import { countOf, isGoodAt } from '../policy/approvals/people.ts'
import type { PeopleTerms, ProvenApproval } from '../policy/approvals/people.ts'
import { termsDigest } from '../policy/approvals/terms.ts'
import type { HoldTerms } from '../policy/decision.ts'
import { sha256 } from '../protocol/digest.ts'
import { StoreError } from './store-error.ts'

/** What was asked, as long as people who sign are asked for it. */
export interface Asked {
  readonly act: ActName
  /** Hex SHA-256 of what is decided on. */
  readonly digest: string
  readonly rule: string
  readonly nonce: string
}

/** What waits for people. */
export interface Waiting {
  readonly id: string
  readonly terms: HoldTerms
  readonly summary: string
  readonly asked?: Asked
}

/** An approval as it is kept: a name that somebody typed, or one that is proved. */
export type Approval = string | ProvenApproval

/** What nobody knew before the hold was opened, and no other hold has. `headHash`: of the record in front of its own. */
export function nonceOf(headHash: string, id: string): string {
  return sha256(`countersign-nonce-1\n${headHash}\n${id}`)
}

/** Whether it is an act of an operator, about which no co-signer asks. */
export function isOperatorAct(asked: Asked | undefined): boolean {
  return asked !== undefined && asked.act !== 'hold'
}

/** How many of the approvals count under these terms. */
export function approvedBy(terms: HoldTerms, approvals: readonly Approval[]): number {
  const { people } = terms
  return people === undefined ? approvals.length : countOf(people, approvals.filter(isProven))
}

export function isProven(approval: Approval): approval is ProvenApproval {
  return typeof approval !== 'string'
}

export function nameOf(approval: Approval): string {
  return isProven(approval) ? approval.by : approval
}

/** The bytes that an approver signs, as text; undefined where nobody is asked to, or where they could not be read. */
export function actOf(
  { id, terms, summary, asked }: Waiting,
  store: string,
  verdict: Verdict,
): string | undefined {
  if (terms.people === undefined || asked === undefined) return undefined
  const { act, digest, rule, nonce } = asked
  const what = summary === '' ? '-' : summary
  const said = { act, verdict, store, subject: id, digest, rule, nonce, what }
  try {
    return actText({ ...said, terms: termsDigest(terms) })
  } catch {
    return undefined
  }
}

/** Who decides, and on which store. */
export interface Decider extends Act {
  readonly store?: string | undefined
}

/**
 * Who decided, proved as the hold asks for it: a name where it names nobody.
 *
 * @throws StoreError `ERR_HOLD_UNPROVEN`
 */
export function deciderOf(
  waiting: Waiting,
  { by, assertion, store = '' }: Decider,
  verdict: Verdict,
  timeMs: number,
): Approval {
  const { people } = waiting.terms
  if (people === undefined) {
    if (assertion === undefined) return by
    throw unproven(`\`${waiting.id}\` names no approvers, so that a signature proves nothing`)
  }
  if (assertion === undefined) {
    throw unproven(`\`${waiting.id}\` asks approvers of the policy, who sign: a name is no proof`)
  }
  const text = actOf(waiting, store, verdict)
  if (text === undefined) throw unproven(`\`${waiting.id}\` was not asked in a form that is signed`)
  const found = signerOf(people, { by, assertion, timeMs }, text)
  if ('flaw' in found) throw unproven(found.flaw)
  return { by, key: found.key, timeMs }
}

interface Claim {
  readonly by: string
  readonly assertion: Assertion
  readonly timeMs: number
}

/** The fingerprint of the approver's key that has signed the act; why none has. */
export function signerOf(
  { approvers, groups, barred = [] }: PeopleTerms,
  { by, assertion, timeMs }: Claim,
  text: string,
): { readonly key: string } | { readonly flaw: string } {
  const approver = approvers.find(({ name }) => name === by)
  const isAsked = groups.some(({ members }) => members.includes(by))
  if (approver === undefined || !isAsked)
    return { flaw: `\`${by}\` is in none of the groups asked` }
  if (barred.includes(by)) return { flaw: `\`${by}\` has signed the request itself` }
  const bytes = Buffer.from(text, 'utf8')
  let flaw = `\`${by}\` has no key`
  for (const key of approver.keys) {
    const found = flawOf(key, bytes, assertion)
    if (found === undefined && isGoodAt(key, timeMs)) return { key: key.fingerprint }
    if (found === undefined) return { flaw: `this key of \`${by}\` has ended` }
    flaw = found
  }
  return { flaw: `not proved to be \`${by}\`: ${flaw}` }
}

function unproven(message: string): StoreError {
  return new StoreError('ERR_HOLD_UNPROVEN', message)
}
