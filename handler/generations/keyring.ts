/** The loaded generations: every key is parsed once, proved to sign, and swapped in as a whole or not at all. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { PublicGeneration } from '../../certs/store.ts'
import {
  hasPrivateFiles,
  listGenerations,
  loadGeneration,
  loadPublicGeneration,
} from '../../certs/store.ts'
import type { Signer } from '../protocol/signer.ts'
import { fileSigner } from './signers/file.ts'
import { keystoreSigner } from './signers/keystore-signer.ts'
import type { Keystores } from './signers/keystores.ts'

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

/** What opens the keys of generations. */
export interface KeyAccess {
  readonly keysDir: string
  /** Of the keys that lie in files. */
  readonly passphrase: string | undefined
  /** Of the others. */
  readonly keystores: Keystores
}

/** A keyring that begins with generations loaded before. */
export function createKeyring(access: KeyAccess, loaded: readonly KeyringEntry[]): Keyring {
  let entries: ReadonlyMap<number, KeyringEntry> = new Map(
    loaded.map((entry) => [entry.generation, entry]),
  )
  return {
    entries: () => [...entries.values()],
    get: (generation) => entries.get(generation),
    reload: async () => {
      entries = await loadAll(access, entries)
    },
  }
}

async function loadAll(
  access: KeyAccess,
  known: ReadonlyMap<number, KeyringEntry>,
): Promise<ReadonlyMap<number, KeyringEntry>> {
  const { keysDir } = access
  const entries = new Map<number, KeyringEntry>()
  for (const generation of await listGenerations(keysDir)) {
    const entry = known.get(generation)
    // Directories of generations never change, so only the presence of the private keys is looked at again.
    const current =
      entry !== undefined &&
      (entry.signer !== undefined) === (await hasPrivateFiles(keysDir, entry))
    entries.set(generation, current ? entry : await loadEntry(access, generation))
  }
  return entries
}

/** Loads one generation, with its private keys unless a file of theirs is absent. */
export async function loadEntry(
  { keysDir, passphrase, keystores }: KeyAccess,
  generation: number,
): Promise<KeyringEntry> {
  const half = await loadPublicGeneration(keysDir, generation)
  if (!(await hasPrivateFiles(keysDir, half))) return half
  const loaded = await loadGeneration(keysDir, generation, passphrase)
  const { answerPrivateKey, answerKey, publicKeyPem } = loaded
  if (answerPrivateKey !== undefined) return { ...loaded, signer: fileSigner(answerPrivateKey) }
  // Asked for its first signature only later: a token that is away keeps nothing from being loaded.
  const publicKey = createPublicKey(publicKeyPem)
  return { ...loaded, signer: keystoreSigner(keystores, answerKey?.signer ?? '', publicKey) }
}
