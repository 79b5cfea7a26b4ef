/** From the text of a policy file to a compiled policy; or every problem at once, with line and column. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { mergeAssets } from './chains/assets.ts'
import { readAbiFiles } from './compile/abi-files.ts'
import { readAssetsFile } from './compile/assets-file.ts'
import { compileLists, compilePolicy } from './compile/compile.ts'
import type { Findings, ListFileFinding } from './compile/lists.ts'
import type { CompiledForm, Policy } from './compile/policy.ts'
import { readVaultAddresses } from './compile/vault-addresses.ts'
import { formatPath } from './file/problems.ts'
import type { Finding, PolicyProblem } from './file/problems.ts'
import { failingTests } from './policy-tests.ts'
import { policySchema } from './file/schema.ts'
import { findingsOf } from './file/schema-findings.ts'
import { readYaml } from './file/yaml-source.ts'
import type { YamlSource } from './file/yaml-source.ts'
import { allSteps } from './steps.ts'
import type { Steps } from './steps.ts'

export type PolicyResult =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

/** The texts of the list files next to a policy, by file name. */
export type ListFiles = ReadonlyMap<string, string>

/** What was found wrong, before its places are known. */
export interface Found {
  readonly findings: readonly Finding[]
  readonly inLists: readonly ListFileFinding[]
}

/** What one thread reads and another compiles. */
export interface PolicyForm extends CompiledForm {
  /** What is wrong with the lists. */
  readonly found: Found
}

export type FormResult =
  | { readonly ok: true; readonly form: PolicyForm }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

export type BuildResult =
  | { readonly ok: true; readonly policy: Policy }
  | {
      readonly ok: false
      readonly found: Found
      /** The policy all the same, when version 0.1.0 would have taken it: it goes on if it was in force. */
      readonly kept: Policy | undefined
    }

/** Parses a policy and runs the tests in it: one that fails is a problem. `fileName` is only for messages. */
export function parsePolicy(
  text: string,
  fileName: string,
  lists: ListFiles = new Map(),
): PolicyResult {
  const source = readYaml(text)
  const parsed = parseForm(source, fileName, digestOf(text, lists), lists)
  if (!parsed.ok) return parsed
  const built = allSteps(buildPolicy(parsed.form))
  return built.ok ? built : { ok: false, problems: problemsOf(built.found, source, fileName) }
}

/** Checks the form of what was read and compiles its lists. `lists` must hold the files that `listFilesOf` names. */
export function parseForm(
  source: YamlSource,
  fileName: string,
  digest: string,
  lists: ListFiles,
): FormResult {
  if (source.problems.length > 0) {
    const problems = source.problems.map(({ place, message }) => ({ ...place, message, path: '' }))
    return { ok: false, problems: problems.map((each) => ({ file: fileName, ...each })) }
  }
  const parsed = policySchema.safeParse(source.value)
  if (!parsed.success) {
    const findings = findingsOf(parsed.error.issues, source.value)
    return { ok: false, problems: problemsOf({ findings, inLists: [] }, source, fileName) }
  }
  const { lists: entries, ...file } = parsed.data
  const { findings, inLists, ...report } = collect({ findings: [], inLists: [] })
  const { assets, conflicts } = readAssetsFile(file.assetsFile, lists, report)
  const merged = { ...file, assets: { ...assets, ...file.assets } }
  const compiled = new Map(compileLists(entries, lists, report))
  if (file.vaultAddresses !== undefined) {
    const rules = { assets: mergeAssets(merged.assets), tagsSent: false }
    const own = readVaultAddresses(file.vaultAddresses.file, lists, rules, report)
    compiled.set(own.name, own)
  }
  const abi = readAbiFiles([file.abiFiles ?? []].flat(), lists, report)
  const found = { findings, inLists }
  return { ok: true, form: { file: merged, digest, lists: compiled, conflicts, abi, found } }
}

/** Compiles a policy and runs its tests, in small steps. */
export function* buildPolicy(form: PolicyForm): Steps<BuildResult> {
  const found = collect(form.found)
  const policy = yield* compilePolicy(form, found)
  if (isAsBefore(found)) {
    for (const each of yield* failingTests(policy)) found.findings.push({ ...each, isNew: true })
  }
  const { findings, inLists } = found
  if (isClean(found)) return { ok: true, policy }
  const kept = form.file.version === 1 && isAsBefore(found) ? policy : undefined
  return { ok: false, found: { findings, inLists }, kept }
}

/**
 * SHA-256 of the policy text alone, as `sha256sum` prints it; with list files, of a text that names the digests of
 * all, in the order of their names.
 */
export function digestOf(text: string, lists: ListFiles): string {
  const own = hash(text)
  if (lists.size === 0) return own
  const parts = Array.from(lists, ([name, contents]) => `${name} ${hash(contents)}\n`)
  return hash(`${own}\n${parts.toSorted().join('')}`)
}

/** The problems in the order of the file, then those in list files. */
export function problemsOf(
  { findings, inLists }: Found,
  source: YamlSource,
  file: string,
): PolicyProblem[] {
  const own = findings.map((finding) => {
    const { path, message } = finding
    return { file, ...source.locate(finding), path: formatPath(path), message }
  })
  const listed = inLists.map((finding) => ({ ...finding, column: 1, path: '' }))
  return [...own.toSorted((a, b) => a.line - b.line || a.column - b.column), ...listed]
}

function hash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)))
}

interface Collected extends Findings {
  readonly findings: Finding[]
  readonly inLists: ListFileFinding[]
}

/** Collects findings, after those there are already. */
function collect(before: Found): Collected {
  const findings = [...before.findings]
  const inLists = [...before.inLists]
  return {
    findings,
    inLists,
    report: (path, message, isNew) =>
      void findings.push({ path, message, ...(isNew === undefined ? {} : { isNew }) }),
    reportLine: (finding) => void inLists.push(finding),
  }
}

/** Nothing is wrong that version 0.1.0 would have refused. */
function isAsBefore({ findings, inLists }: Found): boolean {
  return findings.every(({ isNew }) => isNew === true) && inLists.length === 0
}

function isClean({ findings, inLists }: Found): boolean {
  return findings.length === 0 && inLists.length === 0
}
