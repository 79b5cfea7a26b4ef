/** Named lists: values in the policy file or in a text file beside it, ready to be asked in constant time. */
import { listedKeys } from '../chains/listed-address.ts'
import type { ListedAddress } from '../chains/listed-address.ts'
import { isGlob } from './glob.ts'
import type { ListKind } from '../fields.ts'
import type { Path } from '../file/problems.ts'
import type { ListEntry } from '../file/schema.ts'

export interface NamedList {
  readonly name: string
  readonly kind: ListKind
  /** Keys as they are compared: address keys for addresses, the texts themselves otherwise. */
  readonly keys: ReadonlySet<string>
  /** The list may become empty while the policy is in force. */
  readonly mayBeEmpty: boolean
  /** Lines of its file that are no address of any known chain, the first ones. */
  readonly doubts: readonly ListFileFinding[]
}

/** Doubts that are told of one list; more of them say nothing new. */
const MAX_DOUBTS = 20

/** A problem in a list file: a line of it. */
export interface ListFileFinding {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** Where findings go while a policy is compiled. */
export interface Findings {
  /** `isNew`: version 0.1.0 accepted it. */
  report(path: Path, message: string, isNew?: true): void
  reportLine(finding: ListFileFinding): void
}

/** A file name without a directory: list files lie beside the policy. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** True for a name that a list may give as its file. */
export function isListFileName(name: string): boolean {
  return FILE_NAME.test(name)
}

/** Compiles one list; every value that is no address, or a pattern, is reported. */
export function compileList(
  name: string,
  entry: ListEntry,
  files: ReadonlyMap<string, string>,
  findings: Findings,
): NamedList {
  const path = ['lists', name]
  const keys = new Set<string>()
  if ((entry.values === undefined) === (entry.file === undefined)) {
    findings.report(path, 'expected either `values` or `file`')
  }
  for (const [index, value] of (entry.values ?? []).entries()) {
    const { keys: own, problem } = keysOf(entry.kind, value)
    if (problem !== undefined) findings.report([...path, 'values', index], problem)
    else for (const key of own) keys.add(key)
  }
  const doubts =
    entry.file === undefined
      ? []
      : readListFile(entry.kind, entry.file, files, path, keys, findings)
  return { name, kind: entry.kind, keys, mayBeEmpty: entry.empty === 'allowed', doubts }
}

/**
 * One value per line; blank lines and what follows `#` at the start of a line or after a blank are ignored. Returns the lines
 * that are no addresses: one of them must not keep a whole policy from loading, and what it says still refuses by its
 * readings.
 */
function readListFile(
  kind: ListKind,
  file: string,
  files: ReadonlyMap<string, string>,
  path: Path,
  keys: Set<string>,
  findings: Findings,
): readonly ListFileFinding[] {
  const doubts: ListFileFinding[] = []
  const text = files.get(file)
  if (!isListFileName(file)) {
    findings.report([...path, 'file'], 'expected the name of a file beside the policy')
    return doubts
  }
  if (text === undefined) {
    findings.report([...path, 'file'], `\`${file}\` was not found beside the policy`)
    return doubts
  }
  let line = 0
  for (const raw of text.split('\n')) {
    line += 1
    const value = valueOf(raw)
    if (value === '') continue
    if (kind === 'addresses') {
      const { keys: own, problem, doubt = problem } = listedKeys(value)
      if (doubt !== undefined && doubts.length < MAX_DOUBTS) {
        doubts.push({ file, line, message: doubt })
      }
      for (const key of own) keys.add(key)
    } else if (isGlob(value)) findings.reportLine({ file, line, message: NO_PATTERNS })
    else keys.add(value)
  }
  return doubts
}

function valueOf(line: string): string {
  return line
    .trim()
    .replace(/(?:^|\s)#.*$/, '')
    .trimEnd()
}

const NO_PATTERNS = 'patterns are not allowed in lists'

function keysOf(kind: ListKind, value: string): Pick<ListedAddress, 'keys' | 'problem'> {
  if (kind === 'addresses') return listedKeys(value)
  return isGlob(value) ? { keys: [], problem: NO_PATTERNS } : { keys: [value] }
}

/** The names of the files that a parsed policy file refers to; for the loader, which reads them. */
export function listFilesOf(value: unknown): string[] {
  const lists = member(value, 'lists')
  const names = [
    ...Object.values(typeof lists === 'object' && lists !== null ? lists : {}).map(
      (list: unknown) => member(list, 'file'),
    ),
    member(value, 'assetsFile'),
    ...[member(value, 'abiFiles')].flat(),
    member(member(value, 'vaultAddresses'), 'file'),
  ]
  return [...new Set(names)].filter(
    (name): name is string => typeof name === 'string' && isListFileName(name),
  )
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/**
 * Lists that had entries and have none any more: most likely a download that failed, and with it a refusal that no longer
 * refuses.
 */
export function emptiedLists(
  before: ReadonlyMap<string, NamedList>,
  after: ReadonlyMap<string, NamedList>,
): readonly string[] {
  return [...after.values()]
    .filter(({ name, keys, mayBeEmpty }) => keys.size === 0 && !mayBeEmpty && before.has(name))
    .filter(({ name }) => before.get(name)?.keys.size !== 0)
    .map(({ name }) => name)
}
