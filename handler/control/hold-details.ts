/** A hold as a person should see it before deciding: what was asked, decoded, and on which terms. */
import type { HoldDetails, HoldInfo, ViewRow, ViewSection } from '../../common/admin-api.ts'
import { AdminError } from '../../common/admin-error.ts'
import { formatDuration } from '../../common/duration.ts'
import { holdDigest } from '../decisions/holds.ts'
import { actOf, isOperatorAct } from '../decisions/proofs.ts'
import type { FoundHold, HoldEvidence, OperatorActs } from '../decisions/operations.ts'
import { shortFingerprint } from '../policy/approvals/approver-key.ts'
import { sha256 } from '../protocol/digest.ts'
import type { PeopleTerms } from '../policy/approvals/people.ts'
import { type Known, sectionsOf } from '../display/sections.ts'
import { claimsOf } from '../protocol/stored-token.ts'

/** An open hold of which everything is known. */
export interface KnownHold extends FoundHold {
  /** Undefined for an act of an operator, which no request is about. */
  readonly evidence: HoldEvidence | undefined
  readonly digest: string
}

/** @throws AdminError ERR_HOLD_UNKNOWN, ERR_HOLD_UNRECORDED */
export async function findHold(
  acts: Pick<OperatorActs, 'findHold'>,
  id: string,
): Promise<KnownHold> {
  const found = await acts.findHold(id)
  if (found === undefined) {
    throw new AdminError('ERR_HOLD_UNKNOWN', `no hold has the id \`${id}\``)
  }
  const { hold, evidence } = found
  if (evidence === undefined && isOperatorAct(hold.asked)) {
    return { hold, evidence, digest: actDigest(hold) }
  }
  if (evidence === undefined) {
    throw new AdminError('ERR_HOLD_UNRECORDED', `what \`${id}\` is about is not recorded yet`)
  }
  const { record } = evidence
  return { hold, evidence, digest: holdDigest(record, record.rule, hold.terms) }
}

/**
 * What approvers sign.
 *
 * @throws AdminError ERR_HOLD_UNPROVEN where nobody is asked to
 */
export function actsOf(
  { hold, digest }: KnownHold,
  storeId: string,
): { readonly digest: string; readonly approve: string; readonly reject: string } {
  const [approve, reject] = [actOf(hold, storeId, 'approve'), actOf(hold, storeId, 'reject')]
  if (approve !== undefined && reject !== undefined) return { digest, approve, reject }
  throw new AdminError('ERR_HOLD_UNPROVEN', `\`${hold.id}\` names no approvers: nobody signs it`)
}

/** All of it, for a person. `functions`: those that the policy in force explains. */
export async function holdDetails(
  { hold, evidence, digest }: KnownHold,
  info: HoldInfo,
  functions?: Known['functions'],
): Promise<HoldDetails> {
  if (evidence === undefined) return { hold: info, digest, sections: [actSection(hold)] }
  const { record, token } = evidence
  const { endpoint, cosigner, rawTx } = record
  const claims = claimsOf(token)
  const asked =
    claims === undefined
      ? [{ title: 'Request', rows: [{ name: 'token', text: token }] }]
      : await sectionsOf(endpoint, claims, { cosigner, verdict: rawTx, functions })
  const terms: ViewSection = {
    title: 'Hold',
    rows: [
      row('rule', record.rule),
      row('policy', record.policyDigest),
      row('reason', record.reason),
      row('stage', record.stage),
      row('a release is good for', goodFor(record)),
      row('people', `${hold.approved} of ${hold.terms.approvals} have approved`),
      ...(hold.terms.people === undefined ? [] : askedRows(hold.terms.people)),
      ...hold.approvals.map((name) => row('approved by', approver(name, hold.keys[name]))),
      row('opened', hold.openedAt),
      row('expires', `${hold.expiresAt}, then ${hold.terms.onExpiry}`),
      row('limits full now', fullLimitsIn(info)),
      row('held for at most', formatDuration(hold.terms.expiresMs)),
    ],
  }
  return { hold: info, digest, sections: [...asked, terms] }
}

function askedRows({ groups, barred = [] }: PeopleTerms): ViewRow[] {
  return [
    ...groups.map(({ name, approvals, members }) =>
      row('asked', `${approvals} of ${name}: ${members.join(', ')}`),
    ),
    ...barred.map((name) => row('cannot approve', `${name}, who has signed the request itself`)),
  ]
}

function approver(name: string, key: string | undefined): string {
  return key === undefined ? name : `${name}, proved with key ${shortFingerprint(key)}`
}

/** Over all that is signed but the store: groups of hex digits, as `holdDigest`. */
function actDigest(hold: FoundHold['hold']): string {
  return shortFingerprint(sha256(actOf(hold, 'any', 'approve') ?? ''))
}

function actSection({ asked, summary, terms, ...hold }: FoundHold['hold']): ViewSection {
  return {
    title: 'Act',
    rows: [
      row('act', asked?.act ?? ''),
      row('what', summary),
      row('digest', asked?.digest ?? ''),
      row('people', `${hold.approved} of ${terms.approvals} have approved`),
      ...(terms.people === undefined ? [] : askedRows(terms.people)),
      ...hold.approvals.map((name) => row('approved by', approver(name, hold.keys[name]))),
      row('asked', hold.openedAt),
      row('ends', hold.expiresAt),
    ],
  }
}

function goodFor({ endpoint, stage }: HoldEvidence['record']): string {
  return endpoint === 'tx_sign_request' && stage === 'approval'
    ? 'this request, and its signing request if verified bytes prove the same'
    : 'this request'
}

function fullLimitsIn({ fullLimits }: HoldInfo): string {
  if (fullLimits === undefined) return 'not known'
  if (fullLimits.length === 0) return 'none'
  return `${fullLimits.join(', ')}: a release has no effect until there is room`
}

function row(name: string, text: string): ViewRow {
  return { name, text }
}
