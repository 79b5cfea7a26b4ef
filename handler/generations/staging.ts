/** Makes a generation on disk: a fresh key pair, or the key of an earlier one, with a new self-signed certificate. */
import { createPublicKey } from 'node:crypto'
import type { GenerationMeta } from '../../certs/store.ts'
import { installGeneration } from '../../certs/store.ts'

/** Life of a self-signed certificate: a year and room for the yearly rotation. */
export const CERTIFICATE_DAYS = 397

const HOUR_MS = 3_600_000

export interface NewGeneration {
  readonly keysDir: string
  readonly generation: number
  readonly slot: string
  /** Host names of the certificate, the slot's own first. */
  readonly names: readonly string[]
  readonly now: Date
  /** Encrypts the private key at rest when given. */
  readonly passphrase: string | undefined
  /** Takes over this key pair instead of making one. */
  readonly renewOf?: { readonly generation: number; readonly privateKeyPem: string }
}

/** Writes generation n into place; the number must be free. The certificate begins an hour ago, for slow clocks. */
export async function makeGeneration(options: NewGeneration): Promise<void> {
  // node-forge is only needed here, and loading it would delay every start.
  const { encryptPrivateKey, generateKeyPair, selfSignedCertificate } =
    await import('../../certs/generate.ts')
  const { generation, slot, names, now, passphrase, renewOf } = options
  const privateKeyPem =
    renewOf === undefined ? (await generateKeyPair(2048)).privateKeyPem : renewOf.privateKeyPem
  const certificatePem = selfSignedCertificate({
    privateKeyPem,
    names,
    notBefore: new Date(now.getTime() - HOUR_MS),
    notAfter: new Date(now.getTime() + CERTIFICATE_DAYS * 24 * HOUR_MS),
  })
  const meta: GenerationMeta = {
    version: 1,
    generation,
    slot,
    createdAt: now.toISOString(),
    ...(renewOf === undefined ? {} : { renewOf: renewOf.generation }),
  }
  await installGeneration(options.keysDir, {
    meta,
    privateKeyPem:
      passphrase === undefined ? privateKeyPem : await encryptPrivateKey(privateKeyPem, passphrase),
    publicKeyPem: publicHalf(privateKeyPem),
    certificatePem,
  })
}

function publicHalf(privateKeyPem: string): string {
  return createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString()
}
