/** Compilation of a file that has the right form; what cannot mean anything is reported. */
import type { Action } from '../../protocol/endpoints.ts'
import type { CompiledForm, Policy } from './policy.ts'
import { familyFor, readAddress, vaultAddressKey } from '../chains/address.ts'
import type { Assets } from '../chains/asset.ts'
import { mergeAssets } from '../chains/assets.ts'
import { compileConsistency } from './consistency.ts'
import { compileHook } from './hooks.ts'
import { compileLimit } from './limits.ts'
import { compileActs, compilePeople, initiatorsAmong, unusedPeople } from './people.ts'
import { compileList } from './lists.ts'
import type { Findings, NamedList } from './lists.ts'
import { VAULT_ADDRESSES } from './vault-addresses.ts'
import type { Finding, Path } from '../file/problems.ts'
import type { OwnAddress } from '../rawtx/own-address.ts'
import type { RawTxOptions } from '../rawtx/verify.ts'
import { indexRules } from './rule-index.ts'
import { createListedReadings } from './listed-readings.ts'
import { nearMissFinder } from './near-misses.ts'
import type { NearMiss } from './near-misses.ts'
import { acceptsOnly, compileRule } from './rules.ts'
import type { Rule } from './rules.ts'
import type { PolicyFile, RawTxEntry } from '../file/schema.ts'
import type { Steps } from '../steps.ts'

/** The lists of a file by name. `files`: the texts of the list files, by name. */
export function compileLists(
  entries: PolicyFile['lists'],
  files: ReadonlyMap<string, string>,
  findings: Findings,
): ReadonlyMap<string, NamedList> {
  return byName(entries, (name, entry) => compileList(name, entry, files, findings))
}

/** The policy is usable only when nothing was reported. One step per rule. */
export function* compilePolicy(
  { file, digest, lists: named, conflicts, abi }: CompiledForm,
  findings: Findings,
): Steps<Policy> {
  const lists = new Map(named)
  const own = lists.get(VAULT_ADDRESSES)
  lists.delete(VAULT_ADDRESSES)
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
  const listedReadings = createListedReadings()
  const people = compilePeople(file, findings)
  const context = { people, lists, limits, hooks, statementKeys, findings, listedReadings, ...used }
  const assets = mergeAssets(file.assets ?? {})
  const nearMissesIn = nearMissFinder(lists, assets.keys())
  const rules: Rule[] = []
  const misspelt: Finding[] = [...conflicts]
  for (const [index, entry] of (file.rules ?? []).entries()) {
    const path = ['rules', index]
    const rule = compileRule(entry, path, context)
    rules.push(rule)
    misspelt.push(
      ...nearMissesIn(entry.when, [...path, 'when']).map(unknownWord),
      ...withoutOperation(rule, path),
    )
    yield
  }
  const consistency = compileConsistency(file.consistency, context)
  const acts = compileActs(file.acts, context)
  yield* listedReadings.fill()
  reportRepeatedIds(rules, findings)
  if (file.version === 2) for (const { path, message } of misspelt) findings.report(path, message)
  return Object.freeze({
    version: file.version,
    digest,
    defaultAction: file.default ?? 'REJECT',
    rules,
    index: yield* indexRules(rules),
    lists,
    limits,
    hooks,
    assets,
    addresses: {
      assets,
      tagsSent: file.tags === 'sent',
      ...(own === undefined ? {} : { vaultAddresses: own.keys }),
    },
    doubts: [...lists.values(), ...(own === undefined ? [] : [own])].flatMap(
      ({ doubts }) => doubts,
    ),
    statementKeys: [...statementKeys.values()],
    rawTx: {
      ...rawTxOptions(file.rawTx),
      ...(own === undefined ? {} : { isOwn: ownerOf(own, assets) }),
    },
    consistency,
    people,
    acts,
    initiators: initiatorsAmong(people, statementKeys.values()),
    signingOnly: file.signers === undefined ? undefined : new Set(Object.keys(file.signers)),
    tests: file.tests ?? [],
    listActions: used.usedLists,
    misspelt,
    unused: [
      ...unusedOf('lists', lists, used.usedLists),
      ...unusedOf('limits', limits, used.usedLimits),
      ...unusedOf('hooks', hooks, used.usedHooks),
      ...unusedOf('statementKeys', statementKeys, used.usedKeys),
      ...unusedPeople(people),
    ],
    form: { file, digest, lists: named, conflicts, abi },
  })
}

/** Tells the addresses in the list of vault addresses. */
function ownerOf({ keys }: NamedList, assets: Assets): OwnAddress {
  const rules = { assets, tagsSent: false }
  return (vault, asset, address) => {
    const read = readAddress(address, familyFor(rules, asset))
    return read !== undefined && keys.has(vaultAddressKey(vault, asset, read.bare))
  }
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

function unknownWord({ path, value, word }: NearMiss): Finding {
  return { path, message: `\`${value}\` is not known; is \`${word}\` meant?` }
}

function withoutOperation(rule: Rule, path: Path): Finding[] {
  if (rule.action !== 'APPROVE' || rule.namesOperation) return []
  if (acceptsOnly(rule.checks, 'endpoint', 'config_change_sign_request')) return []
  const message = `rule \`${rule.id}\` approves transactions of every operation; name them, or write \`operation: any\``
  return [{ path: [...path, 'when'], message }]
}

function reportRepeatedIds(rules: readonly Rule[], findings: Findings): void {
  const seen = new Set<string>()
  for (const [index, { id }] of rules.entries()) {
    if (seen.has(id)) findings.report(['rules', index, 'id'], `\`${id}\` is the id of another rule`)
    seen.add(id)
  }
}
