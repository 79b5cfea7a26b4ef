/**
 * Generations on disk: `<keys>/g<N>/` is put in place whole, by one rename, and never changed
 * afterwards.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  ensurePrivateDirectory,
  readPrivateFile,
  syncDirectory,
  writeNew,
} from '../common/atomic-file.ts'
import { errnoOf, KeyMaterialError } from '../common/errors.ts'
import { algorithmOf, ANSWER_ALGORITHMS, type AnswerAlgorithm } from '../common/answer-algorithm.ts'
import {
  answerPrivateKey as answerKeyIn,
  answerPublicKey,
  certificateFacts,
  kidOf,
  pinOf,
  rsaPrivateKey,
  rsaPublicKey,
} from './inspect.ts'

/** A certificate with its private key, both PEM. */
export interface TlsPair {
  readonly cert: string
  readonly key: string
}

/** TLS keys of generations are RSA-2048, as the answer key is when there is one key for both. */
export const GENERATION_KEY_BITS = 2048

/** `signer` of an answer key that is a file of the generation. */
export const FILE_SIGNER = 'file'

/** `meta.json` of a generation. */
export interface GenerationMeta {
  /** 2 when the answer key is another than the TLS key: a release that knows one key only must not serve it. */
  readonly version: 1 | 2
  readonly generation: number
  readonly slot: string
  /** ISO 8601. */
  readonly createdAt: string
  /** The generation whose keys this one took over, when it is a renewal. */
  readonly renewOf?: number
  /** Of version 2: the answer key's algorithm, and what holds it: `file`, or the name of a key elsewhere. */
  readonly answerKey?: { readonly algorithm: AnswerAlgorithm; readonly signer: string }
}

/** The public side of a generation. */
export interface PublicGeneration extends GenerationMeta {
  /** The answer key's public half, which the co-signer is given. */
  readonly publicKeyPem: string
  readonly certificatePem: string
  /** Hex SHA-256 of the answer key's SPKI. */
  readonly kid: string
  readonly algorithm: AnswerAlgorithm
  readonly fingerprint: string
  readonly pin: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** One generation, loaded; every key that lies in a file is proved to sign what its public half verifies. */
export interface Generation extends PublicGeneration {
  /** Of the certificate. */
  readonly tlsKey: KeyObject
  /** Signs answers, and is the TLS key when there is one key for both; undefined when it is no file. */
  readonly answerPrivateKey: KeyObject | undefined
}

/** What `installGeneration` writes. */
export interface GenerationFiles {
  readonly meta: GenerationMeta
  /** The answer key, and the TLS key as well unless there is one of its own; absent when it is no file. */
  readonly privateKeyPem?: string
  /** The TLS key of a generation of version 2. */
  readonly tlsKeyPem?: string
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
  for (const [name, pem] of [
    ['private.pem', files.privateKeyPem],
    ['tls.pem', files.tlsKeyPem],
  ] as const) {
    if (pem !== undefined) await writeNew(join(temporary, name), pem)
  }
  await writeNew(join(temporary, 'public.pem'), files.publicKeyPem)
  await writeNew(join(temporary, 'cert.pem'), files.certificatePem)
  await writeNew(join(temporary, 'meta.json'), `${JSON.stringify(files.meta, null, 2)}\n`)
  await syncDirectory(temporary)
  // A rename onto an existing, non-empty directory fails: a generation cannot be overwritten.
  await rename(temporary, place)
  await syncDirectory(keysDir)
}

/**
 * Loads a generation: private file checks, key rules, the files belong together, a signature of each key verifies.
 *
 * @throws KeyMaterialError, UnsafeFileError
 */
export async function loadGeneration(
  keysDir: string,
  generation: number,
  passphrase?: string,
): Promise<Generation> {
  const half = await loadPublicGeneration(keysDir, generation)
  const { answerFile, tlsFile } = privateFiles(keysDir, half)
  const tlsKey = rsaPrivateKey(await readOurs(tlsFile), GENERATION_KEY_BITS, passphrase)
  const answerPrivateKey =
    answerFile === undefined || answerFile === tlsFile
      ? undefined
      : answerKeyIn(await readOurs(answerFile), passphrase)
  const stray =
    pinOf(tlsKey) !== half.pin ||
    (answerPrivateKey !== undefined && kidOf(answerPrivateKey) !== half.kid)
  if (stray) throw strangers(keysDir, generation)
  for (const key of [tlsKey, answerPrivateKey]) {
    if (key !== undefined && !signs(key, generation)) {
      throw new KeyMaterialError(`a private key of generation ${generation} does not sign`)
    }
  }
  return {
    ...half,
    tlsKey,
    answerPrivateKey: answerFile === tlsFile ? tlsKey : answerPrivateKey,
  }
}

function readOurs(path: string): Promise<string> {
  return readPrivateFile(path, { ours: true })
}

function signs(key: KeyObject, generation: number): boolean {
  const probe = Buffer.from(`countersign generation ${generation}`)
  return verify('sha256', probe, createPublicKey(key), sign('sha256', probe, key))
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
  const oneKey = meta.answerKey === undefined
  const publicKey = oneKey
    ? rsaPublicKey(publicKeyPem, GENERATION_KEY_BITS)
    : answerPublicKey(publicKeyPem)
  const algorithm = algorithmOf(publicKey)
  const { fingerprint, pin, notBefore, notAfter } = certificateFacts(certificatePem)
  if (oneKey ? pinOf(publicKey) !== pin : meta.answerKey.algorithm !== algorithm) {
    throw strangers(keysDir, generation)
  }
  const kid = kidOf(publicKey)
  const facts = { kid, algorithm, fingerprint, pin, notBefore, notAfter }
  return { ...meta, publicKeyPem, certificatePem, ...facts }
}

/**
 * Removes the private keys of a generation that lie in files, for good; its public files stay. Does nothing when they
 * are gone already.
 */
export async function destroyPrivateKeys(keysDir: string, generation: number): Promise<void> {
  const directory = join(keysDir, `g${generation}`)
  await rm(join(directory, 'private.pem'), { force: true })
  await rm(join(directory, 'tls.pem'), { force: true })
  await syncDirectory(directory)
}

/** Where the private keys of a generation lie; without `answerFile` the answer key is no file. */
function privateFiles(keysDir: string, { generation, answerKey }: GenerationMeta) {
  const directory = join(keysDir, `g${generation}`)
  const answerFile = join(directory, 'private.pem')
  if (answerKey === undefined) return { answerFile, tlsFile: answerFile }
  const tlsFile = join(directory, 'tls.pem')
  return answerKey.signer === FILE_SIGNER ? { answerFile, tlsFile } : { tlsFile }
}

/** False once a private key of the generation that lies in a file has been destroyed. */
export async function hasPrivateFiles(keysDir: string, meta: GenerationMeta): Promise<boolean> {
  const { answerFile, tlsFile } = privateFiles(keysDir, meta)
  for (const path of [tlsFile, ...(answerFile === undefined ? [] : [answerFile])]) {
    const found = await access(path).then(
      () => true,
      (error: unknown) => errnoOf(error) !== 'ENOENT',
    )
    if (!found) return false
  }
  return true
}

function strangers(keysDir: string, generation: number): KeyMaterialError {
  const directory = join(keysDir, `g${generation}`)
  return new KeyMaterialError(
    `the keys and the certificate of \`${directory}\` do not belong together`,
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
    (meta.version === 1 ? meta.answerKey === undefined : isSplit(meta)) &&
    typeof meta.generation === 'number' &&
    typeof meta.slot === 'string' &&
    typeof meta.createdAt === 'string'
  )
}

function isSplit({ version, answerKey }: Partial<GenerationMeta>): boolean {
  return (
    version === 2 &&
    typeof answerKey === 'object' &&
    ANSWER_ALGORITHMS.includes(answerKey.algorithm) &&
    typeof answerKey.signer === 'string'
  )
}
