/**
 * The API user's key and CSR on disk: put in place whole, by one rename, read back and tried out,
 * never overwritten.
 */
import { createPublicKey, sign, verify } from 'node:crypto'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { certificateSigningRequest, generateKeyPair } from '../certs/generate.ts'
import { kidOf, rsaPrivateKey } from '../certs/inspect.ts'
import {
  ensurePrivateDirectory,
  readPrivateFile,
  syncDirectory,
  writeNew,
} from '../common/atomic-file.ts'
import { errnoOf, KeyMaterialError } from '../common/errors.ts'
import { readJournal } from './journal.ts'
import { rememberUser, type UserMemory } from './memory.ts'

/** Size of an API user's key: the vendor's key guide. */
export const USER_KEY_BITS = 4096

export interface UserKey {
  /** Hex SHA-256 of the SPKI. */
  readonly kid: string
  readonly privateKeyPath: string
  readonly privateKeyPem: string
  readonly csrPem: string
}

/** Makes key and CSR, writes them durably, and loads them back. Fails when they exist. */
export async function createUserKey(directory: string, organization: string): Promise<UserKey> {
  await ensurePrivateDirectory(directory)
  const place = join(directory, 'key')
  const temporary = `${place}.tmp`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { mode: 0o700 })
  const { privateKeyPem } = await generateKeyPair(USER_KEY_BITS)
  await writeNew(join(temporary, 'private.pem'), privateKeyPem)
  await writeNew(
    join(temporary, 'request.csr'),
    certificateSigningRequest(privateKeyPem, organization),
  )
  await syncDirectory(temporary)
  // A rename onto an existing, non-empty directory fails: a key cannot be overwritten.
  await rename(temporary, place)
  await syncDirectory(directory)
  const key = await loadUserKey(directory)
  if (key === undefined) throw new KeyMaterialError(`\`${place}\` vanished after it was written`)
  return key
}

/**
 * The key of a user directory, proved to sign; undefined when there is none.
 *
 * @throws KeyMaterialError, UnsafeFileError
 */
export async function loadUserKey(directory: string): Promise<UserKey | undefined> {
  const privateKeyPath = join(directory, 'key', 'private.pem')
  const privateKeyPem = await readPrivateFile(privateKeyPath, { ours: true }).catch(
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    },
  )
  if (privateKeyPem === undefined) return undefined
  const csrPem = await readFile(join(directory, 'key', 'request.csr'), 'utf8')
  const privateKey = rsaPrivateKey(privateKeyPem, USER_KEY_BITS)
  const text = Buffer.from('countersign API user')
  if (!verify('sha256', text, createPublicKey(privateKey), sign('sha256', text, privateKey))) {
    throw new KeyMaterialError(`the private key \`${privateKeyPath}\` does not sign`)
  }
  return { kid: kidOf(privateKey), privateKeyPath, privateKeyPem, csrPem }
}

/** Journal of a user directory. */
export function userJournalPath(directory: string): string {
  return join(directory, 'journal.jsonl')
}

/** What the journal of a user directory tells; nothing when there is none. */
export async function readUserMemory(directory: string): Promise<UserMemory> {
  return rememberUser(await readJournal(userJournalPath(directory)))
}
