/** Looks at one thing each that the handler stands on; what is wrong is a finding, never an exception. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { FILE_SIGNER, listGenerations } from '../../certs/store.ts'
import { readPrivateFile } from '../../common/atomic-file.ts'
import { errnoOf, messageOf } from '../../common/errors.ts'
import { assertSafe, isOwn, openToOthers, setBackModes } from '../../common/file-safety.ts'
import type { Config, TlsConfig } from '../config/config.ts'
import { loadCosignerKeys } from './cosigner-keys.ts'
import { readRegistryFile } from '../generations/generation-file.ts'
import type { RegistryFile } from '../generations/generation-file.ts'
import { loadEntry } from '../generations/keyring.ts'
import type { KeyAccess, KeyringEntry } from '../generations/keyring.ts'
import { generationsToProve, stateOf } from '../generations/generation-states.ts'
import { prove } from '../generations/signers/keystore-signer.ts'
import type { Keystores } from '../generations/signers/keystores.ts'
import { loadPolicy } from '../policy-files/policy-file.ts'
import type { Policy } from '../policy/compile/policy.ts'
import { formatProblem } from '../policy/file/problems.ts'
import { activatedIn } from '../policy-files/activated-policy.ts'
import { activatedDirectory } from './policy-activation.ts'
import { activatedAt, policyOnRecord } from '../decisions/sqlite/policy-on-record.ts'
import { readTargets } from '../events/targets.ts'
import type { Target } from '../events/targets.ts'
import type { CosignerKey } from '../protocol/token.ts'
import { reconcile } from '../generations/reconcile.ts'
import type { Slot } from '../config/slots.ts'
import { loadFilePair } from '../generations/tls-files.ts'
import type { FilePair } from '../generations/tls-files.ts'

/** One thing that was looked at. */
export interface Finding {
  readonly item:
    | 'settings'
    | 'state'
    | 'passphrase'
    | 'generations'
    | 'signer'
    | 'cosigners'
    | 'policy'
    | 'tls'
    | 'events'
    | 'store'
    | 'lock'
    | 'address'
    | 'socket'
  readonly ok: boolean
  /** One line: what was found, or what is wrong. */
  readonly detail: string
}

/** What was found, and what it is good for unless something is wrong. */
export interface Looked<T> {
  readonly findings: readonly Finding[]
  readonly value?: T
}

/** The state directory may be absent; what is this user's own in it is set back to private modes at the start. */
export async function lookAtState(stateDir: string): Promise<Looked<undefined>> {
  try {
    const found = await lstat(stateDir)
    if (!found.isDirectory()) return wrong('state', `\`${stateDir}\` is not a directory`)
    if (!isOwn(found)) assertSafe(stateDir, found, 'trusted')
    const { length } = await ownFilesOpen(stateDir, join(stateDir, 'decisions.db'))
    const open = length === 0 ? '' : `, ${length} modes would be set back to 0600 or 0700`
    return right('state', `\`${stateDir}\`${open}`, undefined)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return wrong('state', messageOf(error))
    return right('state', `\`${stateDir}\` does not exist yet and would be made`, undefined)
  }
}

/** What a handler makes, as far as others may use it. */
async function ownFilesOpen(stateDir: string, storePath: string): Promise<string[]> {
  const names = ['keys', 'events', 'generations.json', 'handler.lock'].map((name) =>
    join(stateDir, name),
  )
  const store = ['', '-wal', '-shm', '.mark'].map((end) => `${storePath}${end}`)
  return [...(await openToOthers([stateDir], 0)), ...(await openToOthers([...names, ...store], 2))]
}

/** Sets the modes of what a handler makes back, before anything of it is opened; one notice each. */
export async function setBackOwnModes({ stateDir, storePath }: Config): Promise<string[]> {
  const paths = await ownFilesOpen(stateDir, storePath)
  await setBackModes(paths)
  return paths.map((path) => `the mode of \`${path}\` is set back: other users could use it`)
}

/** The passphrase is the first line of its file. */
export async function lookAtPassphrase(file: string): Promise<Looked<string>> {
  try {
    const [line = ''] = (await readPrivateFile(file)).split(/\r?\n/, 1)
    if (line.length < 8) return wrong('passphrase', `\`${file}\`: shorter than 8 characters`)
    return right('passphrase', `read from \`${file}\``, line)
  } catch (error) {
    return wrong('passphrase', missing(file, error))
  }
}

/**
 * Loads every generation and what is remembered of them; every key that is needed has signed when nothing is wrong.
 */
export async function lookAtGenerations(
  access: KeyAccess,
  stateDir: string,
  slots: readonly Slot[] | undefined,
  now: Date,
): Promise<Looked<{ readonly entries: readonly KeyringEntry[]; readonly file: RegistryFile }>> {
  const findings: Finding[] = []
  const entries: KeyringEntry[] = []
  const problem = (error: unknown): undefined => {
    findings.push({ item: 'generations', ok: false, detail: messageOf(error) })
  }
  const numbers = await listGenerations(access.keysDir).catch(problem)
  for (const generation of numbers ?? []) {
    await loadEntry(access, generation).then((entry) => entries.push(entry), problem)
  }
  const stored = await readRegistryFile(join(stateDir, 'generations.json')).catch(problem)
  // What cannot be loaded has been named; the rules between the files are looked at when all of them could.
  if (findings.length > 0) return { findings }
  const { file, problems } = reconcile(stored, entries, slots, now)
  if (problems.length > 0)
    return { findings: problems.flatMap((each) => wrong('generations', each).findings) }
  const silent = await silentKeys(entries, file)
  const toProve = new Set(generationsToProve(file.state))
  const needed = [...silent].filter(([generation]) => toProve.has(generation))
  if (needed.length > 0) {
    return {
      findings: needed.flatMap(
        ([generation, why]) =>
          wrong('generations', `generation ${generation} cannot sign: ${why}`).findings,
      ),
    }
  }
  const described = entries.map(({ generation, kid, algorithm, signer }) => {
    const why = silent.get(generation)
    const can =
      why === undefined ? `signs (${algorithm})` : `is not needed, and cannot sign: ${why}`
    const what = signer === undefined ? 'retired, its private key is destroyed' : can
    return `generation ${generation} (key ${kid.slice(0, 16)}) ${what}`
  })
  const details = described.length > 0 ? described : ['none yet, generation 1 would be made']
  return {
    findings: details.map((detail) => ({ item: 'generations', ok: true, detail })),
    value: { entries, file },
  }
}

/** Keys in keystores that give no signature, and why; those in files were proved when they were loaded. */
async function silentKeys(
  entries: readonly KeyringEntry[],
  { state }: RegistryFile,
): Promise<ReadonlyMap<number, string>> {
  const asked = entries.flatMap((entry) => {
    if (entry.signer === undefined || entry.answerPrivateKey !== undefined) return []
    const { generation, signer } = entry
    return stateOf(state, generation) === 'retired' ? [] : [{ generation, signer }]
  })
  const answers = await Promise.all(
    asked.map(({ generation, signer }) =>
      prove(signer).then(
        () => [],
        (error: unknown) => [[generation, messageOf(error)] as const],
      ),
    ),
  )
  return new Map(answers.flat())
}

/** Whether the keystore of new answer keys is known, and understands its name. */
export async function lookAtSigner(
  where: string,
  keystores: Keystores,
): Promise<Looked<undefined>> {
  if (where === FILE_SIGNER) return { findings: [] }
  try {
    ;(await keystores.of(where)).check(where)
    return right('signer', `\`${where}\``, undefined)
  } catch (error) {
    return wrong('signer', messageOf(error))
  }
}

/** Loads the co-signers' public keys. */
export async function lookAtCosigners(path: string): Promise<Looked<readonly CosignerKey[]>> {
  const { keys, problems } = await loadCosignerKeys(path)
  if (problems.length > 0)
    return { findings: problems.flatMap((each) => wrong('cosigners', each).findings) }
  return {
    findings: keys.map(({ name }) => ({ item: 'cosigners', ok: true, detail: `\`${name}\`` })),
    value: keys,
  }
}

/** A policy, and in spite of what it is kept after an upgrade. */
export interface LookedPolicy {
  readonly policy: Policy
  readonly kept: readonly string[]
}

/** The policy that was activated last, where changes need people; undefined where the file at hand decides. */
async function activatedPolicy(
  store: string | undefined,
  stateDir: string | undefined,
): Promise<
  { readonly path: string; readonly digest: string } | { readonly problem: string } | undefined
> {
  if (store === undefined || stateDir === undefined) return undefined
  const directory = activatedDirectory(stateDir)
  const activated = await activatedIn(directory)
  if (activated === undefined) return undefined
  if (activated === 'damaged') return { problem: `\`${directory}\` says nothing that can be read` }
  const recorded = activatedAt(store, activated.seq)
  // Nothing was decided here yet: the file at hand is the first.
  if (recorded.isEmpty) return undefined
  return recorded.digest === activated.digest
    ? activated
    : { problem: `the policy in \`${directory}\` is not the one that this store has activated` }
}

/** Loads the policy with the lists beside it, or the one that people have approved last. `store`: where the policy in force is on record. */
export async function lookAtPolicy(
  path: string,
  store: string | undefined,
  stateDir?: string,
): Promise<Looked<LookedPolicy>> {
  const activated = await activatedPolicy(store, stateDir)
  if (activated !== undefined && 'problem' in activated) return wrong('policy', activated.problem)
  const inForce = () => (store === undefined ? undefined : policyOnRecord(store))
  const loaded = await loadPolicy(activated?.path ?? path, { inForce })
  if (loaded.ok && activated !== undefined && loaded.policy.digest !== activated.digest) {
    return wrong('policy', `${activated.path} is not what people have approved`)
  }
  if (!loaded.ok) {
    return {
      findings: loaded.problems.flatMap((each) => wrong('policy', formatProblem(each)).findings),
    }
  }
  const { policy } = loaded
  const kept = loaded.kept.map(formatProblem)
  const { rules, digest } = policy
  const found = right('policy', `${rules.length} rules, digest ${digest.slice(0, 16)}`, {
    policy,
    kept,
  })
  const notes = kept.map((each) => ({
    item: 'policy' as const,
    ok: true,
    detail: `kept because it was in force before the upgrade; once changed it is refused: ${each}`,
  }))
  return { ...found, findings: [...found.findings, ...notes] }
}

/** Loads the certificate files, when they are in use. */
export async function lookAtTls(tls: TlsConfig): Promise<Looked<FilePair | undefined>> {
  if (tls.mode !== 'files') return { findings: [], value: undefined }
  try {
    const pair = await loadFilePair(tls.certFile, tls.keyFile)
    return right('tls', `certificate valid until ${pair.notAfter.toISOString()}`, pair)
  } catch (error) {
    return wrong('tls', messageOf(error))
  }
}

/** Reads the targets of events, with their secrets. */
export async function lookAtEvents(path: string): Promise<Looked<readonly Target[]>> {
  const { targets, problems } = await readTargets(path)
  if (problems.length > 0) {
    return { findings: problems.flatMap((each) => wrong('events', each).findings) }
  }
  const names = targets.map(({ name }) => `\`${name}\``).join(', ')
  return right('events', `told to ${names}`, targets)
}

function right<T>(item: Finding['item'], detail: string, value: T): Looked<T> {
  return { findings: [{ item, ok: true, detail }], value }
}

function wrong(item: Finding['item'], detail: string): Looked<never> {
  return { findings: [{ item, ok: false, detail }] }
}

function missing(file: string, error: unknown): string {
  return errnoOf(error) === 'ENOENT' ? `\`${file}\`: there is no such file` : messageOf(error)
}

/** `ok      policy       12 rules, …`. */
export function formatFinding({ item, ok, detail }: Finding): string {
  return `${ok ? 'ok     ' : 'problem'} ${item.padEnd(11)} ${detail}`
}
