/** Turns one entry of `rules` into a rule that can be tried, and refuses those that could not mean what they say. */
import type { Action } from '../protocol/endpoints.ts'
import type { Check } from './check.ts'
import type { Decision, HoldTerms } from './decision.ts'
import { durationMs } from './duration.ts'
import type { Hook } from './hooks.ts'
import type { Limit } from './limits.ts'
import type { Path } from './problems.ts'
import type { RuleEntry } from './schema.ts'
import type { CompileContext } from './texts.ts'
import { compileWhen } from './when.ts'

/** Rule ids that decisions made elsewhere carry; no rule of a policy may take one. */
export const RESERVED_RULES: ReadonlySet<string> = new Set([
  'default',
  'malformed',
  'contradiction',
  'raw-tx',
  'conflict',
  'stage',
  'freeze',
  'hold',
  'hook',
  'limit',
  'deadline',
  'overload',
  'store',
  'policy',
  'clock',
  'signer',
  'shutdown',
  'error',
])

export interface Rule {
  readonly id: string
  readonly checks: readonly Check[]
  readonly action: Action
  /** What the deciding rule answers. */
  readonly decision: Decision
  readonly hold: HoldTerms | undefined
  readonly requirements: Requirements
}

/** What must hold beside the conditions; a requirement that fails gives its own decision, never APPROVE. */
export interface Requirements {
  readonly limits: readonly { readonly limit: Limit; readonly otherwise: Decision }[]
  readonly rawTx: Decision | undefined
  readonly hook: { readonly hook: Hook; readonly otherwise: Decision } | undefined
}

export interface RuleContext extends CompileContext {
  readonly limits: ReadonlyMap<string, Limit>
  readonly hooks: ReadonlyMap<string, Hook>
  readonly usedLimits: Set<string>
  readonly usedHooks: Set<string>
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
  const checks = compileWhen(entry.when, [...path, 'when'], context)
  if (RESERVED_RULES.has(entry.id)) {
    context.findings.report([...path, 'id'], `\`${entry.id}\` is reserved`)
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
    decision: { action, rule: entry.id, reason },
    hold: holdOf(answer, path, context),
    requirements: requirementsOf(entry, action, answer.hold !== undefined, path, context),
  }
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
  return checks.some(
    (check) =>
      check.field === field &&
      check.shape.kind === 'set' &&
      check.shape.sets.every((set) => [...set].every((each) => each === text)),
  )
}

function holdOf(
  answer: Exclude<RuleEntry['then'], string>,
  path: Path,
  context: RuleContext,
): HoldTerms | undefined {
  const { hold, action } = answer
  if (hold === undefined) return undefined
  if (action !== 'RETRY') {
    context.findings.report([...path, 'then', 'hold'], 'only a RETRY can be held')
  }
  const { approvals = 1, expires = '24h', onExpiry = 'REJECT' } = hold
  return { approvals, expiresMs: durationMs(expires), onExpiry }
}

function requirementsOf(
  entry: RuleEntry,
  action: Action,
  held: boolean,
  path: Path,
  context: RuleContext,
): Requirements {
  const { limits, rawTx, hook, otherwise } = entry.require ?? {}
  const at = [...path, 'require']
  if (entry.require !== undefined && action !== 'APPROVE' && !(held && !limits && !hook)) {
    context.findings.report(at, 'only a rule that approves has requirements; a hold, only `rawTx`')
  }
  const names = limits === undefined ? [] : [limits].flat()
  const refuse = (name: 'limits' | 'rawTx', reason: string): Decision => ({
    action: otherwise?.[name]?.action ?? 'REJECT',
    rule: entry.id,
    reason: otherwise?.[name]?.reason ?? reason,
  })
  return {
    limits: names.flatMap((name) => {
      context.usedLimits.add(name)
      const limit = context.limits.get(name)
      if (limit !== undefined) return { limit, otherwise: refuse('limits', 'limit reached') }
      context.findings.report([...at, 'limits'], `there is no limit \`${name}\``)
      return []
    }),
    rawTx: rawTx === undefined ? undefined : refuse('rawTx', 'raw transaction not verified'),
    hook: hookOf(hook, otherwise?.hook, entry.id, at, context),
  }
}

function hookOf(
  name: string | undefined,
  otherwise: { action: 'REJECT' | 'RETRY'; reason?: string | undefined } | undefined,
  rule: string,
  at: Path,
  context: RuleContext,
): Requirements['hook'] {
  if (name === undefined) return undefined
  context.usedHooks.add(name)
  const hook = context.hooks.get(name)
  if (hook === undefined) {
    context.findings.report([...at, 'hook'], `there is no hook \`${name}\``)
    return undefined
  }
  const { action = hook.fallback, reason = 'not allowed by the hook' } = otherwise ?? {}
  return { hook, otherwise: { action, rule, reason } }
}
