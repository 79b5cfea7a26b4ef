/** Turns one entry of `rules` into a rule that can be tried, and refuses those that could not mean what they say. */
import type { Action } from '../../protocol/endpoints.ts'
import type { Proof } from '../rawtx/verdict.ts'
import type { Reading } from '../readings/answer.ts'
import type { Check, OnUnknown } from './check.ts'
import type { Decision, HoldTerms } from '../decision.ts'
import { isNewlyReserved, isReserved } from '../reserved.ts'
import { durationMs } from '../../../common/duration.ts'
import { sha256 } from '../../protocol/digest.ts'
import type { PeopleTerms } from '../approvals/people.ts'
import { seatsOf } from '../approvals/people.ts'
import { askedPeople } from './people.ts'
import type { Path } from '../file/problems.ts'
import type { RuleEntry, WhenClause } from '../file/schema.ts'
import type { TermsEntry } from '../file/terms-schema.ts'
import { compileRequirements } from './requirements.ts'
import type { Requirements, RuleContext } from './requirements.ts'
import { compileWhen } from './when.ts'

export interface Rule {
  readonly id: string
  readonly checks: readonly Check[]
  readonly action: Action
  /** `every` in rules that approve or abstain, `any` in those that refuse or hold. */
  readonly reading: Reading
  /** What the deciding rule answers. */
  readonly decision: Decision
  readonly hold: HoldTerms | undefined
  /** What people may release although the rule does not match certainly for everything it speaks of. */
  readonly release: { readonly mixed: boolean; readonly uncertain: boolean }
  readonly requirements: Requirements
  /** Parts of the proof that its own conditions give: the addresses and the chain ids that they name. */
  readonly settles: ReadonlySet<Proof>
  /** Digest of id and conditions: a release is worth nothing to another rule. */
  binding(): string
  /** Operations are named, or said not to matter. */
  readonly namesOperation: boolean
}

const REASONS: Readonly<Record<Action, string>> = {
  APPROVE: 'approved by policy',
  REJECT: 'refused by policy',
  RETRY: 'held by policy',
  IGNORE: 'left to other approvers',
}

export function compileRule(entry: RuleEntry, path: Path, context: RuleContext): Rule {
  const answer = typeof entry.then === 'string' ? { action: entry.then } : entry.then
  const { action, reason = REASONS[action] } = answer
  const useList = (name: string) => {
    const actions = context.usedLists.get(name) ?? new Set()
    context.usedLists.set(name, actions.add(action))
  }
  const reading: Reading = action === 'APPROVE' || action === 'IGNORE' ? 'every' : 'any'
  const onUnknown = (written: OnUnknown, at: Path) => {
    if (written !== undefined && reading === 'every') {
      context.findings.report(
        [...at, 'unknown'],
        'only for rules that refuse or hold: nothing is approved on an unknown value',
      )
    }
    return written
  }
  const own = { ...context, useList, reading, onUnknown }
  const checks = compileWhen(entry.when, [...path, 'when'], own)
  if (isReserved(entry.id)) {
    const isNew = isNewlyReserved(entry.id) ? true : undefined
    context.findings.report([...path, 'id'], `\`${entry.id}\` is reserved`, isNew)
  }
  if (action === 'IGNORE' && !canIgnore(checks)) {
    context.findings.report(
      [...path, 'then'],
      'IGNORE is not supported while signing: the rule needs `stage: approval` or the configuration endpoint',
    )
  }
  return {
    id: entry.id,
    checks,
    action,
    reading,
    decision: { action, rule: entry.id, reason },
    hold: holdOf(entry, answer, path, context),
    release: {
      mixed: answer.hold?.release === 'any',
      uncertain: answer.hold?.uncertain === 'release',
    },
    settles: settledBy(entry.when, answer.hold),
    namesOperation: mustPass(entry.when, ({ operation }) => operation !== undefined),
    binding: () => bindingOf(entry.id, entry.when),
    requirements: compileRequirements(entry, action, answer.hold !== undefined, path, context),
  }
}

/**
 * What the rule itself says of what the bytes leave open. Not in a hold that people may release although its conditions do not
 * hold for everything.
 */
function settledBy(
  when: WhenClause,
  hold: Exclude<RuleEntry['then'], string>['hold'],
): ReadonlySet<Proof> {
  if (hold?.release !== undefined || hold?.uncertain !== undefined) return new Set()
  const addresses: readonly Proof[] = ['vault-address', 'recipient']
  const chains: readonly Proof[] = ['chain']
  return new Set([
    ...(mustPass(when, namesAddress) ? addresses : []),
    ...(mustPass(when, namesChain) ? chains : []),
  ])
}

function namesAddress({ destination }: WhenClause): boolean {
  return (destination?.address ?? destination?.every?.address) !== undefined
}

function namesChain({ typedData }: WhenClause): boolean {
  return (typedData?.chainId ?? typedData?.every?.chainId) !== undefined
}

/** True when a request must pass a condition that fits, whichever way it matches. */
function mustPass(when: WhenClause, fits: (when: WhenClause) => boolean): boolean {
  return (
    fits(when) ||
    (when['all-of'] ?? []).some((block) => mustPass(block, fits)) ||
    when['any-of']?.every((block) => mustPass(block, fits)) === true
  )
}

/** IGNORE has no meaning while signing, so its rule must rule signing out. */
function canIgnore(checks: readonly Check[]): boolean {
  return (
    acceptsOnly(checks, 'stage', 'approval') ||
    acceptsOnly(checks, 'endpoint', 'config_change_sign_request')
  )
}

/** True when the checks accept no other text for the field than this one. */
export function acceptsOnly(checks: readonly Check[], field: string, text: string): boolean {
  return checks.some((check) =>
    check.parts.some(
      (part) =>
        part.field === field &&
        part.shape.kind === 'set' &&
        part.shape.sets.every((set) => [...set].every((each) => each === text)),
    ),
  )
}

function holdOf(
  { id, when }: RuleEntry,
  answer: Exclude<RuleEntry['then'], string>,
  path: Path,
  context: RuleContext,
): HoldTerms | undefined {
  const { hold, action } = answer
  if (hold === undefined) return undefined
  if (action !== 'RETRY') {
    context.findings.report([...path, 'then', 'hold'], 'only a RETRY can be held')
  }
  const people = namedPeople(hold, [...path, 'then', 'hold', 'approvals'], context)
  return { ...termsOf(hold, people), boundTo: bindingOf(id, when) }
}

/** Members stand in the order of the schema, so that their order in the file says nothing. */
function bindingOf(id: string, when: WhenClause): string {
  return sha256(JSON.stringify([id, when]))
}

/** The terms of a hold: one person, a day, and then a refusal, unless it says otherwise. */
export function termsOf(
  { approvals = 1, expires = '24h', onExpiry = 'REJECT' }: TermsEntry,
  people: PeopleTerms | undefined,
): HoldTerms {
  const terms = { expiresMs: durationMs(expires), onExpiry }
  if (typeof approvals === 'number') return { approvals, ...terms }
  return people === undefined
    ? { approvals: 1, ...terms }
    : { approvals: seatsOf(people), ...terms, people }
}

/** The people whom the terms name, if they name any. */
export function namedPeople(
  { approvals }: TermsEntry,
  path: Path,
  { people, findings }: Pick<RuleContext, 'people' | 'findings'>,
): PeopleTerms | undefined {
  return typeof approvals === 'object' ? askedPeople(approvals, people, path, findings) : undefined
}
