/**
 * Paths below `<state directory>/bootstrap`, where everything the bootstrapper makes is kept,
 * private to this user.
 */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../common/errors.ts'
import { plainId } from './api/ids.ts'

/** Which pairing. */
export interface PairingIds {
  readonly cosignerId: string
  readonly apiKeyId: string
}

/** The bootstrapper's own directory. */
export function bootstrapDirectory(stateDir: string): string {
  return join(stateDir, 'bootstrap')
}

/** Directory of one API user, named after the requested name. */
export function userDirectory(stateDir: string, name: string): string {
  const plain = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16)
  return join(bootstrapDirectory(stateDir), 'users', plain ? name : `user-${digest}`)
}

/** Directory of the journals of one co-signer. */
export function cosignerDirectory(stateDir: string, cosignerId: string): string {
  return join(bootstrapDirectory(stateDir), 'pairings', plainId(cosignerId))
}

/** Journal of one pairing. */
export function pairingJournalPath(stateDir: string, { cosignerId, apiKeyId }: PairingIds): string {
  return join(cosignerDirectory(stateDir, cosignerId), `${plainId(apiKeyId)}.jsonl`)
}

/** Every pairing that has a journal. */
export async function listPairings(stateDir: string): Promise<readonly PairingIds[]> {
  const root = join(bootstrapDirectory(stateDir), 'pairings')
  const found: PairingIds[] = []
  for (const cosignerId of await namesIn(root)) {
    for (const file of await namesIn(join(root, cosignerId))) {
      if (file.endsWith('.jsonl')) found.push({ cosignerId, apiKeyId: file.slice(0, -6) })
    }
  }
  return found
}

/** Names of the users that have a directory. */
export function listUsers(stateDir: string): Promise<readonly string[]> {
  return namesIn(join(bootstrapDirectory(stateDir), 'users'))
}

async function namesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  })
  return names.toSorted((a, b) => a.localeCompare(b, 'en'))
}
