/** The loaded generations: every key is parsed once, proved to sign, and swapped in as a whole or not at all. */
import type { KeyObject } from 'node:crypto'
import type { PublicGeneration } from '../../certs/store.ts'
import {
  hasPrivateFiles,
  listGenerations,
  loadGeneration,
  loadPublicGeneration,
} from '../../certs/store.ts'
import { KeyMaterialError } from '../../common/errors.ts'
import type { Signer } from '../protocol/signer.ts'
import { fileSigner } from './signers/file.ts'

/** A generation that can be served. */
export interface ServedGeneration extends PublicGeneration {
  readonly signer: Signer
  /** Of the certificate. */
  readonly tlsKey: KeyObject
  /** The answer key, where it is a file. */
  readonly answerPrivateKey: KeyObject | undefined
}

/** A generation whose private keys are here, or have been destroyed after retirement. */
export type KeyringEntry = ServedGeneration | (PublicGeneration & { readonly signer?: undefined })

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
    // Directories of generations never change, so only the presence of the private keys is looked at again.
    const current =
      entry !== undefined &&
      (entry.signer !== undefined) === (await hasPrivateFiles(keysDir, entry))
    entries.set(generation, current ? entry : await loadEntry(keysDir, generation, passphrase))
  }
  return entries
}

/** Loads one generation, with its private keys unless a file of theirs is absent. */
export async function loadEntry(
  keysDir: string,
  generation: number,
  passphrase: string | undefined,
): Promise<KeyringEntry> {
  const half = await loadPublicGeneration(keysDir, generation)
  if (!(await hasPrivateFiles(keysDir, half))) return half
  const loaded = await loadGeneration(keysDir, generation, passphrase)
  const { answerPrivateKey, answerKey } = loaded
  if (answerPrivateKey !== undefined) return { ...loaded, signer: fileSigner(answerPrivateKey) }
  throw new KeyMaterialError(
    `the answer key of generation ${generation} is held by \`${answerKey?.signer ?? ''}\`, which this release does not know`,
  )
}
