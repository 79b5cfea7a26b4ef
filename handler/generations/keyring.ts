/** The loaded generations: every key is parsed once, proved to sign, and swapped in as a whole or not at all. */
import { access } from 'node:fs/promises'
import type { Generation, PublicGeneration } from '../../certs/store.ts'
import {
  listGenerations,
  loadGeneration,
  loadPublicGeneration,
  privateKeyPath,
} from '../../certs/store.ts'
import { errnoOf } from '../../common/errors.ts'

/** A generation whose private key is here, or has been destroyed after retirement. */
export type KeyringEntry = Generation | (PublicGeneration & { readonly privateKey?: undefined })

export interface Keyring {
  /** Ascending by number; a new array after every reload. */
  readonly entries: () => readonly KeyringEntry[]
  /** Asked for every answer, so that a reload shows at once. */
  readonly get: (generation: number) => KeyringEntry | undefined
  /** Loads what is on disk and swaps it in; on any error the old entries stay and the error is thrown. */
  readonly reload: () => Promise<void>
}

/** A keyring that begins with generations loaded before; the passphrase is for those that come later. */
export function createKeyring(
  keysDir: string,
  passphrase: string | undefined,
  loaded: readonly KeyringEntry[],
): Keyring {
  let entries: ReadonlyMap<number, KeyringEntry> = new Map(
    loaded.map((entry) => [entry.generation, entry]),
  )
  return {
    entries: () => [...entries.values()],
    get: (generation) => entries.get(generation),
    reload: async () => {
      entries = await loadAll(keysDir, passphrase, entries)
    },
  }
}

async function loadAll(
  keysDir: string,
  passphrase: string | undefined,
  known: ReadonlyMap<number, KeyringEntry>,
): Promise<ReadonlyMap<number, KeyringEntry>> {
  const entries = new Map<number, KeyringEntry>()
  for (const generation of await listGenerations(keysDir)) {
    const entry = known.get(generation)
    const destroyed = await isAbsent(privateKeyPath(keysDir, generation))
    // Directories of generations never change, so only the presence of the private key is looked at again.
    const current = entry !== undefined && (entry.privateKey === undefined) === destroyed
    entries.set(generation, current ? entry : await loadEntry(keysDir, generation, passphrase))
  }
  return entries
}

/** Loads one generation, with its private key unless that file is absent. */
export async function loadEntry(
  keysDir: string,
  generation: number,
  passphrase: string | undefined,
): Promise<KeyringEntry> {
  if (await isAbsent(privateKeyPath(keysDir, generation))) {
    return loadPublicGeneration(keysDir, generation)
  }
  return loadGeneration(keysDir, generation, passphrase)
}

async function isAbsent(path: string): Promise<boolean> {
  try {
    await access(path)
    return false
  } catch (error) {
    return errnoOf(error) === 'ENOENT'
  }
}
