/**
 * Generations on disk: `<keys>/g<N>/` is put in place whole, by one rename, and never changed
 * afterwards.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  ensurePrivateDirectory,
  readPrivateFile,
  syncDirectory,
  writeNew,
} from '../common/atomic-file.ts'
import { errnoOf, KeyMaterialError } from '../common/errors.ts'
import { certificateFacts, kidOf, rsaPrivateKey, rsaPublicKey } from './inspect.ts'

/** A certificate with its private key, both PEM. */
export interface TlsPair {
  readonly cert: string
  readonly key: string
}

/** Handler response keys are RSA-2048: the vendor's rule. */
export const GENERATION_KEY_BITS = 2048

/** `meta.json` of a generation. */
export interface GenerationMeta {
  readonly version: 1
  readonly generation: number
  readonly slot: string
  /** ISO 8601. */
  readonly createdAt: string
  /** The generation whose key pair this one took over, when it is a renewal. */
  readonly renewOf?: number
}

/** The public side of a generation. */
export interface PublicGeneration extends GenerationMeta {
  readonly publicKeyPem: string
  readonly certificatePem: string
  readonly kid: string
  readonly fingerprint: string
  readonly pin: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** One generation, loaded, and proved to be able to sign what its public key verifies. */
export interface Generation extends PublicGeneration {
  readonly privateKey: KeyObject
  /** The private key as stored (encrypted when a passphrase is in use). */
  readonly privateKeyPem: string
}

/** What `installGeneration` writes. */
export interface GenerationFiles {
  readonly meta: GenerationMeta
  readonly privateKeyPem: string
  readonly publicKeyPem: string
  readonly certificatePem: string
}

/**
 * The numbers of the generations on disk, ascending; leftovers of an interrupted install are
 * ignored.
 */
export async function listGenerations(keysDir: string): Promise<number[]> {
  const names = await readdir(keysDir).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  })
  return names
    .flatMap((name) => /^g([1-9]\d{0,8})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b)
}

/**
 * Writes a generation to a temporary directory, fsyncs it and renames it into place. Fails when the
 * number is taken.
 */
export async function installGeneration(keysDir: string, files: GenerationFiles): Promise<void> {
  await ensurePrivateDirectory(keysDir)
  const place = join(keysDir, `g${files.meta.generation}`)
  const temporary = `${place}.tmp`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { mode: 0o700 })
  await writeNew(join(temporary, 'private.pem'), files.privateKeyPem)
  await writeNew(join(temporary, 'public.pem'), files.publicKeyPem)
  await writeNew(join(temporary, 'cert.pem'), files.certificatePem)
  await writeNew(join(temporary, 'meta.json'), `${JSON.stringify(files.meta, null, 2)}\n`)
  await syncDirectory(temporary)
  // A rename onto an existing, non-empty directory fails: a generation cannot be overwritten.
  await rename(temporary, place)
  await syncDirectory(keysDir)
}

/**
 * Loads a generation: private file checks, key rules, the three files belong together, a signature
 * verifies.
 *
 * @throws KeyMaterialError, UnsafeFileError
 */
export async function loadGeneration(
  keysDir: string,
  generation: number,
  passphrase?: string,
): Promise<Generation> {
  const half = await loadPublicGeneration(keysDir, generation)
  const privateKeyPem = await readPrivateFile(privateKeyPath(keysDir, generation), { ours: true })
  const privateKey = rsaPrivateKey(privateKeyPem, GENERATION_KEY_BITS, passphrase)
  if (kidOf(createPublicKey(privateKey)) !== half.kid) {
    throw strangers(keysDir, generation)
  }
  const probe = Buffer.from(`countersign generation ${generation}`)
  if (!verify('sha256', probe, half.publicKeyPem, sign('sha256', probe, privateKey))) {
    throw new KeyMaterialError(`the private key of generation ${generation} does not sign`)
  }
  return { ...half, privateKey, privateKeyPem }
}

/**
 * Loads the public files of a generation, all that is left of it once its private key has been
 * destroyed.
 *
 * @throws KeyMaterialError
 */
export async function loadPublicGeneration(
  keysDir: string,
  generation: number,
): Promise<PublicGeneration> {
  const directory = join(keysDir, `g${generation}`)
  const [publicKeyPem, certificatePem, metaText] = await Promise.all([
    readFile(join(directory, 'public.pem'), 'utf8'),
    readFile(join(directory, 'cert.pem'), 'utf8'),
    readFile(join(directory, 'meta.json'), 'utf8'),
  ])
  const meta = parseMeta(metaText, generation)
  const publicKey = rsaPublicKey(publicKeyPem, GENERATION_KEY_BITS)
  const { fingerprint, pin, notBefore, notAfter, ...facts } = certificateFacts(certificatePem)
  const kid = kidOf(publicKey)
  if (kidOf(facts.publicKey) !== kid) {
    throw strangers(keysDir, generation)
  }
  return { ...meta, publicKeyPem, certificatePem, kid, fingerprint, pin, notBefore, notAfter }
}

/**
 * Removes the private key of a generation for good; its public files stay. Does nothing when it is
 * gone already.
 */
export async function destroyPrivateKey(keysDir: string, generation: number): Promise<void> {
  await rm(privateKeyPath(keysDir, generation), { force: true })
  await syncDirectory(join(keysDir, `g${generation}`))
}

/** Where the private key of a generation lies. */
export function privateKeyPath(keysDir: string, generation: number): string {
  return join(keysDir, `g${generation}`, 'private.pem')
}

function strangers(keysDir: string, generation: number): KeyMaterialError {
  const directory = join(keysDir, `g${generation}`)
  return new KeyMaterialError(
    `the key, public key and certificate of \`${directory}\` do not belong together`,
  )
}

function parseMeta(text: string, generation: number): GenerationMeta {
  const value: unknown = JSON.parse(text)
  if (!isMeta(value) || value.generation !== generation) {
    throw new KeyMaterialError(`\`meta.json\` of generation ${generation} is not of this version`)
  }
  return value
}

function isMeta(value: unknown): value is GenerationMeta {
  if (typeof value !== 'object' || value === null) return false
  const meta = value as Partial<GenerationMeta>
  return (
    meta.version === 1 &&
    typeof meta.generation === 'number' &&
    typeof meta.slot === 'string' &&
    typeof meta.createdAt === 'string'
  )
}
