/** From the text of a policy file to a policy that can be asked; or every problem at once, with line and column. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { compilePolicy } from './compile/compile.ts'
import { listFilesOf } from './compile/lists.ts'
import type { ListFileFinding } from './compile/lists.ts'
import type { Policy } from './compile/policy.ts'
import { formatPath } from './file/problems.ts'
import type { Finding, PolicyProblem } from './file/problems.ts'
import { failingTests } from './policy-tests.ts'
import { policySchema } from './file/schema.ts'
import { findingsOf } from './file/schema-findings.ts'
import { readYaml } from './file/yaml-source.ts'
import type { YamlSource } from './file/yaml-source.ts'

export type PolicyResult =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

/** The texts of list files beside the policy, by file name. */
export type ListFiles = ReadonlyMap<string, string>

/** Names of the list files that `parsePolicy` will want; empty when the text cannot be read. */
export function listFileNames(text: string): string[] {
  return listFilesOf(readYaml(text).value)
}

/**
 * Parses a policy and runs the tests in it: one that fails is a problem. `fileName` is only for messages; `lists` must hold what
 * `listFileNames` names.
 */
export function parsePolicy(
  text: string,
  fileName: string,
  lists: ListFiles = new Map(),
): PolicyResult {
  const source = readYaml(text)
  if (source.problems.length > 0) {
    const problems = source.problems.map(({ place, message }) => ({ ...place, message, path: '' }))
    return { ok: false, problems: problems.map((each) => ({ file: fileName, ...each })) }
  }
  const parsed = policySchema.safeParse(source.value)
  if (!parsed.success) {
    const findings = findingsOf(parsed.error.issues, source.value)
    return { ok: false, problems: problemsOf(findings, [], source, fileName) }
  }
  const found: Finding[] = []
  const foundInLists: ListFileFinding[] = []
  const policy = compilePolicy(parsed.data, digestOf(text, lists), lists, {
    report: (path, message) => found.push({ path, message }),
    reportLine: (finding) => foundInLists.push(finding),
  })
  if (found.length === 0 && foundInLists.length === 0) found.push(...failingTests(policy))
  if (found.length === 0 && foundInLists.length === 0) return { ok: true, policy }
  return { ok: false, problems: problemsOf(found, foundInLists, source, fileName) }
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

function hash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)))
}

/** Findings in the order of the file, then those in list files. */
function problemsOf(
  findings: readonly Finding[],
  inLists: readonly ListFileFinding[],
  source: YamlSource,
  file: string,
): PolicyProblem[] {
  const own = findings.map((finding) => {
    const { path, message } = finding
    return { file, ...source.locate(finding), path: formatPath(path), message }
  })
  const beside = inLists.map((finding) => ({ ...finding, column: 1, path: '' }))
  return [...own.toSorted((a, b) => a.line - b.line || a.column - b.column), ...beside]
}
