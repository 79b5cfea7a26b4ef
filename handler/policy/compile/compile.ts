/** Turns a file that has the right form into a policy that can be asked; what cannot mean anything is reported. */
import type { Action } from '../../protocol/endpoints.ts'
import type { Policy } from './policy.ts'
import { mergeAssets } from '../chains/assets.ts'
import { compileHook } from './hooks.ts'
import { compileLimit } from './limits.ts'
import { compileList } from './lists.ts'
import type { Findings } from './lists.ts'
import type { RawTxOptions } from '../rawtx/verify.ts'
import { indexRules } from './rule-index.ts'
import { compileRule } from './rules.ts'
import type { Rule } from './rules.ts'
import type { PolicyFile, RawTxEntry } from '../file/schema.ts'

/** The policy is usable only when nothing was reported. `files`: the texts of the list files, by name. */
export function compilePolicy(
  file: PolicyFile,
  digest: string,
  files: ReadonlyMap<string, string>,
  findings: Findings,
): Policy {
  const lists = byName(file.lists, (name, entry) => compileList(name, entry, files, findings))
  const limits = byName(file.limits, (name, entry) => compileLimit(name, entry, findings))
  const used = {
    usedLists: new Map<string, Set<Action>>(),
    usedLimits: new Set<string>(),
    usedHooks: new Set<string>(),
    usedKeys: new Set<string>(),
  }
  const statementKeys = byName(file.statementKeys, (name, { publicKey, notAfter }) => ({
    name,
    publicKey,
    ...(notAfter === undefined ? {} : { notAfter }),
  }))
  const hooks = byName(file.hooks, (name, entry) =>
    compileHook(name, entry, statementKeys, used.usedKeys, findings),
  )
  const context = { lists, limits, hooks, statementKeys, findings, ...used }
  const rules = (file.rules ?? []).map((entry, index) =>
    compileRule(entry, ['rules', index], context),
  )
  reportRepeatedIds(rules, findings)
  return Object.freeze({
    digest,
    defaultAction: file.default ?? 'REJECT',
    rules,
    index: indexRules(rules),
    lists,
    limits,
    hooks,
    assets: mergeAssets(file.assets ?? {}),
    statementKeys: [...statementKeys.values()],
    rawTx: rawTxOptions(file.rawTx),
    tests: file.tests ?? [],
    listActions: used.usedLists,
    unused: [
      ...unusedOf('lists', lists, used.usedLists),
      ...unusedOf('limits', limits, used.usedLimits),
      ...unusedOf('hooks', hooks, used.usedHooks),
      ...unusedOf('statementKeys', statementKeys, used.usedKeys),
    ],
  })
}

function rawTxOptions({ sighashTypes, changeAddresses }: RawTxEntry = {}): RawTxOptions {
  return {
    ...(sighashTypes === undefined ? {} : { allowedSighashTypes: sighashTypes }),
    ...(changeAddresses === undefined ? {} : { changeAddresses }),
  }
}

function byName<Entry, Value>(
  entries: Readonly<Record<string, Entry>> | undefined,
  build: (name: string, entry: Entry) => Value,
): ReadonlyMap<string, Value> {
  return new Map(Object.entries(entries ?? {}).map(([name, entry]) => [name, build(name, entry)]))
}

function unusedOf(
  section: string,
  declared: ReadonlyMap<string, unknown>,
  used: { has(name: string): boolean },
): string[] {
  return [...declared.keys()].filter((name) => !used.has(name)).map((name) => `${section}.${name}`)
}

function reportRepeatedIds(rules: readonly Rule[], findings: Findings): void {
  const seen = new Set<string>()
  for (const [index, { id }] of rules.entries()) {
    if (seen.has(id)) findings.report(['rules', index, 'id'], `\`${id}\` is the id of another rule`)
    seen.add(id)
  }
}
