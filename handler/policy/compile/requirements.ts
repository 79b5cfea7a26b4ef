/** What a rule that approves requires from other parts of the product, and the decision when it is not given. */
import type { Action } from '../../protocol/endpoints.ts'
import type { Decision } from '../decision.ts'
import type { Hook } from './hooks.ts'
import type { Limit } from './limits.ts'
import type { People } from './people.ts'
import type { Path } from '../file/problems.ts'
import type { RuleEntry } from '../file/schema.ts'
import type { Proof } from '../rawtx/verdict.ts'
import type { CompileContext } from './texts.ts'

/** All must hold beside the conditions; one that does not gives its own decision, never APPROVE. */
export interface Requirements {
  readonly limits: readonly { readonly limit: Limit; readonly otherwise: Decision }[]
  /** The rule says that no limits are meant. */
  readonly isUnlimited: boolean
  /** What of the raw transaction must be proved; undefined when nothing must. */
  readonly rawTx: RawTxRequirement | undefined
  /** Names of the keys, one of which must have signed the initiator's statement. */
  readonly extraSignature:
    { readonly keys: ReadonlySet<string>; readonly otherwise: Decision } | undefined
  readonly hook: { readonly hook: Hook; readonly otherwise: Decision } | undefined
}

/** Bytes that verify, but for what is tolerated. */
export interface RawTxRequirement {
  readonly tolerated: ReadonlySet<Proof>
  readonly otherwise: Decision
}

/** What rules may refer to, and what they did. */
export interface RuleContext extends Omit<CompileContext, 'useList' | 'reading' | 'onUnknown'> {
  readonly people: People
  /** Lists that conditions refer to, with the actions of their rules. */
  readonly usedLists: Map<string, Set<Action>>
  readonly limits: ReadonlyMap<string, Limit>
  readonly hooks: ReadonlyMap<string, Hook>
  readonly statementKeys: ReadonlyMap<string, unknown>
  readonly usedLimits: Set<string>
  readonly usedHooks: Set<string>
  readonly usedKeys: Set<string>
}

type Otherwise = NonNullable<NonNullable<RuleEntry['require']>['otherwise']>

/**
 * A refusal for good by default, since a limit seldom frees itself while the co-signer still asks; but bytes that prove too
 * little say nothing against the transaction.
 */
const UNMET: Readonly<
  Record<keyof Otherwise, { readonly action: 'REJECT' | 'RETRY'; readonly reason: string }>
> = {
  limits: { action: 'REJECT', reason: 'limit reached' },
  rawTx: { action: 'RETRY', reason: 'raw transaction not verified' },
  extraSignature: { action: 'REJECT', reason: 'extra signature missing or not valid' },
  hook: { action: 'REJECT', reason: 'not allowed by the hook' },
}

/** What a rule that holds may require as well. */
const FOR_HOLDS: ReadonlySet<string> = new Set(['rawTx', 'limits', 'otherwise'])

/** The requirements of a rule; what it may not require, or does not exist, is reported. */
export function compileRequirements(
  entry: RuleEntry,
  action: Action,
  held: boolean,
  path: Path,
  context: RuleContext,
): Requirements {
  const require = entry.require ?? {}
  const at = [...path, 'require']
  const isForHold = Object.keys(require).every((name) => FOR_HOLDS.has(name))
  if (entry.require !== undefined && action !== 'APPROVE' && !(held && isForHold)) {
    context.findings.report(
      at,
      'only a rule that approves has requirements; a hold, only `rawTx` and `limits`',
    )
  }
  const refuse = (name: keyof Otherwise): Decision => ({
    // There may be room again while people are asked.
    action:
      require.otherwise?.[name]?.action ??
      (held && name === 'limits' ? 'RETRY' : UNMET[name].action),
    rule: entry.id,
    reason: require.otherwise?.[name]?.reason ?? UNMET[name].reason,
  })
  const isUnlimited = held && require.limits === 'none' && !context.limits.has('none')
  return {
    isUnlimited,
    limits: known(
      isUnlimited ? undefined : require.limits,
      context.limits,
      context.usedLimits,
      [...at, 'limits'],
      context,
    ).map(([, limit]) => ({ limit, otherwise: refuse('limits') })),
    rawTx: rawTxOf(require.rawTx, refuse('rawTx')),
    extraSignature: extraSignatureOf(require.extraSignature, refuse('extraSignature'), at, context),
    hook: known(require.hook, context.hooks, context.usedHooks, [...at, 'hook'], context).map(
      ([, hook]) => ({ hook, otherwise: refuse('hook') }),
    )[0],
  }
}

function rawTxOf(
  entry: NonNullable<RuleEntry['require']>['rawTx'],
  otherwise: Decision,
): RawTxRequirement | undefined {
  if (entry === undefined) return undefined
  return { tolerated: new Set(entry === 'verified' ? [] : entry.tolerate), otherwise }
}

function extraSignatureOf(
  names: string | string[] | undefined,
  otherwise: Decision,
  at: Path,
  context: RuleContext,
): Requirements['extraSignature'] {
  if (names === undefined) return undefined
  const { statementKeys, usedKeys } = context
  const keys = known(names, statementKeys, usedKeys, [...at, 'extraSignature'], context)
  return { keys: new Set(keys.map(([name]) => name)), otherwise }
}

/** Name and value of each declared thing that is referred to; a name that is not declared is reported. */
function known<T>(
  names: string | readonly string[] | undefined,
  declared: ReadonlyMap<string, T>,
  used: Set<string>,
  path: Path,
  context: RuleContext,
): [string, T][] {
  if (names === undefined) return []
  return [names].flat().flatMap((name): [string, T][] => {
    used.add(name)
    const value = declared.get(name)
    if (value !== undefined) return [[name, value]]
    context.findings.report(path, `there is no \`${name}\``)
    return []
  })
}
