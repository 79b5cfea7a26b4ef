/** Makes a generation on disk: fresh keys, or those of an earlier one, with a new self-signed certificate. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { type AnswerAlgorithm, algorithmOf } from '../../common/answer-algorithm.ts'
import type { StageRequest } from '../../common/admin-api.ts'
import { AdminError } from '../../common/admin-error.ts'
import { KeyMaterialError } from '../../common/errors.ts'
import { answerPublicKey } from '../../certs/inspect.ts'
import type { GenerationMeta } from '../../certs/store.ts'
import { FILE_SIGNER, GENERATION_KEY_BITS, installGeneration } from '../../certs/store.ts'
import type { KeyAccess, ServedGeneration } from './keyring.ts'
import { keystoreSigner, prove } from './signers/keystore-signer.ts'
import type { Keystores } from './signers/keystores.ts'

/** Life of a self-signed certificate: a year and room for the yearly rotation. */
export const CERTIFICATE_DAYS = 397

const HOUR_MS = 3_600_000

/** What kind of answer key a new generation gets. */
export interface NewAnswerKey {
  readonly algorithm: AnswerAlgorithm
  /** The TLS key signs answers as well; RS256 only. */
  readonly oneKey: boolean
  /** `file`, or the keystore that makes and keeps it (`HANDLER_ANSWER_SIGNER`). */
  readonly signer: string
}

/** What a staging asks for, the rest as set. One key for both is RSA, whatever the setting says. @throws AdminError */
export function wantedAnswerKey(
  { algorithm, oneKey, signer }: NewAnswerKey,
  request: StageRequest,
): NewAnswerKey {
  const { renewOf } = request
  if (renewOf !== undefined && (request.algorithm ?? request.oneKey) !== undefined) {
    throw new AdminError('ERR_BAD_REQUEST', 'a renewal keeps its keys: it can choose neither')
  }
  if (oneKey || request.oneKey === true) {
    if (request.algorithm === 'ES256') {
      throw new AdminError('ERR_BAD_REQUEST', 'one key for TLS and answers is RSA: RS256 only')
    }
    return { algorithm: 'RS256', oneKey: true, signer: FILE_SIGNER }
  }
  return { algorithm: request.algorithm ?? algorithm, oneKey: false, signer }
}

export interface NewGeneration {
  readonly access: KeyAccess
  readonly generation: number
  readonly slot: string
  /** Host names of the certificate, the slot's own first. */
  readonly names: readonly string[]
  readonly now: Date
  /** Keys to make, or the generation whose keys are taken over. */
  readonly keys: NewAnswerKey | Pick<ServedGeneration, KeptMembers>
}

type KeptMembers = 'generation' | 'tlsKey' | 'answerPrivateKey' | 'answerKey' | 'publicKeyPem'

/** Writes generation n into place; the number must be free. The certificate begins an hour ago, for slow clocks. */
export async function makeGeneration(options: NewGeneration): Promise<void> {
  // node-forge is only needed here, and loading it would delay every start.
  const { encryptPrivateKey, selfSignedCertificate } = await import('../../certs/generate.ts')
  const { generation, slot, names, now } = options
  const { keysDir, passphrase, keystores } = options.access
  const renewOf = 'tlsKey' in options.keys ? options.keys.generation : undefined
  const { tlsKeyPem, answerKeyPem, publicKeyPem, answerKey } =
    'tlsKey' in options.keys
      ? keptKeys(options.keys)
      : await newKeys(options.keys, generation, keystores)
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
  await installGeneration(keysDir, {
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

async function newKeys(
  { algorithm, oneKey, signer }: NewAnswerKey,
  generation: number,
  keystores: Keystores,
): Promise<GenerationKeys> {
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
  if (signer !== FILE_SIGNER) {
    const { name, publicKeyPem } = await keyInStore(signer, algorithm, generation, keystores)
    const answerKey = { algorithm, signer: name }
    return { tlsKeyPem, answerKeyPem: undefined, publicKeyPem, answerKey }
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

/** A key that a keystore has made, of the right kind, and proved to sign. */
async function keyInStore(
  where: string,
  algorithm: AnswerAlgorithm,
  generation: number,
  keystores: Keystores,
): Promise<{ readonly name: string; readonly publicKeyPem: string }> {
  const keystore = await keystores.of(where)
  const { name, publicKey } = await keystore.create(where, `countersign-g${generation}`, algorithm)
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const key = answerPublicKey(publicKeyPem)
  if (algorithmOf(key) !== algorithm) {
    throw new KeyMaterialError(`the keystore made another kind of key than ${algorithm} needs`)
  }
  await prove(keystoreSigner(keystores, name, key))
  return { name, publicKeyPem }
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
