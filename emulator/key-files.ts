/**
 * The throw-away keys of one run and the files by which others find them; nothing is kept from an
 * earlier run.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generateKeyPair, type KeyPairPem } from '../certs/generate.ts'
import { ensurePrivateDirectory, writeFileAtomic } from '../common/atomic-file.ts'
import { GuardError } from './guard.ts'
import type { ApiUser, Cosigner } from './state.ts'

/**
 * The caller's key is documented as RSA-4096, which costs a second on each start; the API only asks
 * for RSA of at least 2048 bits, and nothing that a client does depends on the length.
 */
const CALLER_KEY_BITS = 2048

/** Co-signer request keys are RSA-2048 (observed in public configurations). */
const REQUEST_KEY_BITS = 2048

/** Where the files of a run are. */
export interface RunFiles {
  readonly emulatorJson: string
  readonly secretKey: string
  readonly cosignerPublicKey: string
  /**
   * `<machine>.pem` for every machine of every co-signer, as `HANDLER_COSIGNER_KEYS` wants a
   * directory.
   */
  readonly cosignerPublicKeysDir: string
}

/** The names inside the directory of a run; the co-signers' public keys may go elsewhere. */
export function runFiles(dir: string, cosignerKeysDir = join(dir, 'cosigner-keys')): RunFiles {
  return {
    emulatorJson: join(dir, 'emulator.json'),
    secretKey: join(dir, 'api-secret.pem'),
    cosignerPublicKey: join(dir, 'cosigner-public.pem'),
    cosignerPublicKeysDir: cosignerKeysDir,
  }
}

/** Fresh keys: those of the API caller, and two for each co-signer (one per machine). */
export interface RunKeys {
  readonly caller: KeyPairPem
  readonly machines: readonly KeyPairPem[]
}

/** Makes the keys for `cosigners` co-signers. */
export async function makeRunKeys(cosigners: number): Promise<RunKeys> {
  const [caller, ...machines] = await Promise.all([
    generateKeyPair(CALLER_KEY_BITS),
    ...Array.from({ length: cosigners * 2 }, () => generateKeyPair(REQUEST_KEY_BITS)),
  ])
  return { caller, machines }
}

/**
 * Writes the keys of a run over those of the run before, and removes the old `emulator.json`.
 *
 * @throws GuardError when the directory for the co-signers' keys holds other keys: a handler that trusts real co-signers
 * must never come to trust an emulated one
 */
export async function writeRunFiles(files: RunFiles, keys: RunKeys): Promise<void> {
  await ensurePrivateDirectory(dirname(files.emulatorJson))
  await rm(files.emulatorJson, { force: true })
  await clearKeysDir(files.cosignerPublicKeysDir)
  await writeFileAtomic(files.secretKey, keys.caller.privateKeyPem)
  for (const [at, { publicKeyPem }] of keys.machines.entries()) {
    const path = join(files.cosignerPublicKeysDir, `${machineName(at)}.pem`)
    await writeFileAtomic(path, publicKeyPem, 0o644)
    if (at === 0) await writeFileAtomic(files.cosignerPublicKey, publicKeyPem, 0o644)
  }
}

async function clearKeysDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o755 })
  const names = (await readdir(dir)).filter((name) => name.endsWith('.pem'))
  const foreign = names.find((name) => !/^cosigner-[1-4]-[ab]\.pem$/.test(name))
  if (foreign !== undefined) {
    throw new GuardError(`\`${dir}\` holds a key that is not of an emulator: \`${foreign}\``, {
      hint: 'give a directory of its own: its keys must not be trusted together with real ones',
    })
  }
  for (const name of names) await rm(join(dir, name))
}

/** The user whose key the bootstrapper is given: a Non-Signing Admin, as is recommended for it. */
export function callerOf(keys: RunKeys, id: string): ApiUser {
  const publicKey = createPublicKey(keys.caller.publicKeyPem)
  return { id, name: 'bootstrapper', role: 'NON_SIGNING_ADMIN', status: 'READY', publicKey }
}

/** The co-signers of a run. */
export function cosignersOf(keys: RunKeys, ids: readonly string[]): Cosigner[] {
  return ids.map((id, at) => ({
    id,
    name: `emulated co-signer ${at + 1}`,
    type: at === 0 ? 'SGX' : 'AWS-NITRO',
    machines: [2 * at, 2 * at + 1].flatMap((index) => {
      const pair = keys.machines[index]
      if (pair === undefined) return []
      return { name: machineName(index), privateKey: createPrivateKey(pair.privateKeyPem) }
    }),
  }))
}

function machineName(index: number): string {
  return `cosigner-${Math.floor(index / 2) + 1}-${index % 2 === 0 ? 'a' : 'b'}`
}
