/** Brings the remembered states and the generations on disk together, or says why they cannot both be right. */
import type { RegistryFile } from './generation-file.ts'
import { withGeneration } from './generation-states.ts'
import type { RegistryState } from './generation-states.ts'
import type { KeyringEntry } from './keyring.ts'
import type { Slot } from '../config/slots.ts'

export interface Reconciled {
  readonly file: RegistryFile
  /** Each keeps the handler from starting. */
  readonly problems: readonly string[]
}

/**
 * Generations on disk that the file does not know (an interrupted staging, a lost file) are adopted: as staged, or as
 * retired when their private key is gone. What the file knows must be on disk, with its private key unless retired,
 * and in a slot that has a public URL
 * (not looked at while the slots are not known).
 */
export function reconcile(
  stored: RegistryFile | undefined,
  entries: readonly KeyringEntry[],
  slots: readonly Slot[] | undefined,
  now: Date,
): Reconciled {
  const file = stored ?? { state: { generations: [], pairings: {} }, hits: {}, quietMs: {} }
  const known = new Set(file.state.generations.map(({ generation }) => generation))
  const state = entries
    .filter(({ generation }) => !known.has(generation))
    .reduce<RegistryState>((so, entry) => withGeneration(so, adopted(entry, now)), file.state)
  return { file: { ...file, state }, problems: problemsOf(state, entries, slots) }
}

function adopted({ generation, slot, signer }: KeyringEntry, now: Date) {
  if (signer !== undefined) return { generation, slot }
  const at = now.toISOString()
  return { generation, slot, retiredAt: at, keyDestroyedAt: at }
}

function problemsOf(
  state: RegistryState,
  entries: readonly KeyringEntry[],
  slots: readonly Slot[] | undefined,
): string[] {
  return state.generations.flatMap(({ generation, slot, retiredAt }) => {
    const entry = entries.find((candidate) => candidate.generation === generation)
    if (entry === undefined) return [`generation ${generation} is known, but its files are missing`]
    if (retiredAt !== undefined) return []
    const problems: string[] = []
    if (entry.signer === undefined) {
      problems.push(`the private key of generation ${generation} is missing`)
    }
    if (slots?.some((candidate) => candidate.slot === slot) === false) {
      problems.push(`generation ${generation} is in slot ${slot}, which has no public URL`)
    }
    return problems
  })
}
