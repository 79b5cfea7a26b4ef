/** Makes a generation on disk: fresh keys, or those of an earlier one, with a new self-signed certificate. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { AnswerAlgorithm } from '../../common/answer-algorithm.ts'
import type { GenerationMeta } from '../../certs/store.ts'
import { FILE_SIGNER, GENERATION_KEY_BITS, installGeneration } from '../../certs/store.ts'
import type { ServedGeneration } from './keyring.ts'

/** Life of a self-signed certificate: a year and room for the yearly rotation. */
export const CERTIFICATE_DAYS = 397

const HOUR_MS = 3_600_000

/** What kind of answer key a new generation gets. */
export interface NewAnswerKey {
  readonly algorithm: AnswerAlgorithm
  /** The TLS key signs answers as well; RS256 only. */
  readonly oneKey: boolean
}

export interface NewGeneration {
  readonly keysDir: string
  readonly generation: number
  readonly slot: string
  /** Host names of the certificate, the slot's own first. */
  readonly names: readonly string[]
  readonly now: Date
  /** Encrypts the private keys at rest when given. */
  readonly passphrase: string | undefined
  /** Keys to make, or the generation whose keys are taken over. */
  readonly keys: NewAnswerKey | Pick<ServedGeneration, KeptMembers>
}

type KeptMembers = 'generation' | 'tlsKey' | 'answerPrivateKey' | 'answerKey' | 'publicKeyPem'

/** Writes generation n into place; the number must be free. The certificate begins an hour ago, for slow clocks. */
export async function makeGeneration(options: NewGeneration): Promise<void> {
  // node-forge is only needed here, and loading it would delay every start.
  const { encryptPrivateKey, selfSignedCertificate } = await import('../../certs/generate.ts')
  const { generation, slot, names, now, passphrase } = options
  const renewOf = 'tlsKey' in options.keys ? options.keys.generation : undefined
  const { tlsKeyPem, answerKeyPem, publicKeyPem, answerKey } =
    'tlsKey' in options.keys ? keptKeys(options.keys) : await newKeys(options.keys)
  const certificatePem = selfSignedCertificate({
    privateKeyPem: tlsKeyPem,
    names,
    notBefore: new Date(now.getTime() - HOUR_MS),
    notAfter: new Date(now.getTime() + CERTIFICATE_DAYS * 24 * HOUR_MS),
  })
  const meta: GenerationMeta = {
    version: answerKey === undefined ? 1 : 2,
    generation,
    slot,
    createdAt: now.toISOString(),
    ...(renewOf === undefined ? {} : { renewOf }),
    ...(answerKey === undefined ? {} : { answerKey }),
  }
  const stored = async (pem: string) =>
    passphrase === undefined ? pem : encryptPrivateKey(pem, passphrase)
  await installGeneration(options.keysDir, {
    meta,
    ...(answerKeyPem === undefined ? {} : { privateKeyPem: await stored(answerKeyPem) }),
    ...(answerKey === undefined ? {} : { tlsKeyPem: await stored(tlsKeyPem) }),
    publicKeyPem,
    certificatePem,
  })
}

interface GenerationKeys {
  readonly tlsKeyPem: string
  /** The TLS key when there is one key for both. */
  readonly answerKeyPem: string | undefined
  readonly publicKeyPem: string
  readonly answerKey: GenerationMeta['answerKey']
}

async function newKeys({ algorithm, oneKey }: NewAnswerKey): Promise<GenerationKeys> {
  const { generateEcKeyPair, generateKeyPair } = await import('../../certs/generate.ts')
  const tls = await generateKeyPair(GENERATION_KEY_BITS)
  const tlsKeyPem = tls.privateKeyPem
  if (oneKey) {
    return {
      tlsKeyPem,
      answerKeyPem: tlsKeyPem,
      publicKeyPem: spkiOf(tlsKeyPem),
      answerKey: undefined,
    }
  }
  const answer =
    algorithm === 'ES256' ? await generateEcKeyPair() : await generateKeyPair(GENERATION_KEY_BITS)
  return {
    tlsKeyPem,
    answerKeyPem: answer.privateKeyPem,
    publicKeyPem: spkiOf(answer.privateKeyPem),
    answerKey: { algorithm, signer: FILE_SIGNER },
  }
}

function keptKeys({
  tlsKey,
  answerPrivateKey,
  publicKeyPem,
  answerKey,
}: Pick<ServedGeneration, KeptMembers>): GenerationKeys {
  const answerKeyPem = answerPrivateKey && pkcs8Of(answerPrivateKey)
  return { tlsKeyPem: pkcs8Of(tlsKey), answerKeyPem, publicKeyPem, answerKey }
}

function pkcs8Of(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function spkiOf(privateKeyPem: string): string {
  return createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString()
}
