/** Answer keys in AWS KMS, asked through Amazon's own client: it finds the credentials, and no setting holds any. */
import { createHash, createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import type * as Kms from '@aws-sdk/client-kms'
import type { AnswerAlgorithm } from '../../../common/answer-algorithm.ts'
import type { Sleep } from '../../../common/clock.ts'
import { isObject } from '../../../common/json.ts'
import { joinedSignature } from './ecdsa-form.ts'
import { type Keystore, KeystoreError } from './keystore.ts'
import { inWords, LATE, nameOf } from './kms-errors.ts'
import { type KmsKey, type KmsPlace, parseKmsKey, parseKmsPlace } from './kms-names.ts'
import { within } from './within.ts'

/** Longest time to make or remove a key; whoever asked for it waits no longer than 30 s. */
const MANAGE_MS = 20_000

/** Longest time to schedule the deletion of a key that could not be used. */
const TIDY_MS = 5_000

/** Waits between looks at a key that was just made, because KMS may not know it everywhere yet. */
const AGAIN_MS = [250, 500, 1_000, 2_000, 4_000, 8_000]

/** The shortest that KMS allows. */
const DELETION_DAYS = 7

/** The tag of the keys that are made; its value is the owner that the setting names. */
const TAG = 'countersign'

/** What KMS says of a key that it does not know everywhere yet, or whose tag. */
const NOT_YET: readonly string[] = [
  'NotFoundException',
  'AccessDeniedException',
  'KMSInvalidStateException',
]

export interface KmsDeps {
  readonly sleep: Sleep
  /** Gives the client, which is an optional package. */
  readonly load?: () => Promise<typeof Kms>
}

/** Loads the client, and asks nobody. @throws KeystoreError when it is not installed */
export async function createKmsKeystore({
  sleep,
  load = () => import('@aws-sdk/client-kms'),
}: KmsDeps): Promise<Keystore> {
  const sdk = await load().catch((error: unknown) => {
    if (!isObject(error) || error['code'] !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new KeystoreError('the optional package `@aws-sdk/client-kms` is not installed')
  })
  const clients = new Map<string, Kms.KMSClient>()
  const clientOf = (region: string): Kms.KMSClient => {
    const known = clients.get(region) ?? newClient(sdk, region)
    clients.set(region, known)
    return known
  }
  const sign = async (
    key: KmsKey,
    algorithm: AnswerAlgorithm,
    bytes: Buffer,
    signal: AbortSignal,
  ) => {
    const command = new sdk.SignCommand({
      KeyId: key.arn,
      Message: createHash('sha256').update(bytes).digest(),
      MessageType: 'DIGEST',
      SigningAlgorithm: KINDS[algorithm].signature,
    })
    const { Signature } = await clientOf(key.region).send(command, { abortSignal: signal })
    if (Signature === undefined) throw new KeystoreError('AWS KMS gave no signature')
    const signature = Buffer.from(Signature)
    return algorithm === 'ES256' ? joinedSignature(signature) : signature
  }
  const publicKeyOf = async ({ arn, region }: KmsKey, signal: AbortSignal): Promise<KeyObject> => {
    const command = new sdk.GetPublicKeyCommand({ KeyId: arn })
    const { PublicKey } = await clientOf(region).send(command, { abortSignal: signal })
    try {
      return createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' })
    } catch {
      throw new KeystoreError('AWS KMS gave no public key')
    }
  }
  const make = async (
    { region, owner }: KmsPlace,
    label: string,
    algorithm: AnswerAlgorithm,
    signal: AbortSignal,
  ): Promise<KmsKey> => {
    const command = new sdk.CreateKeyCommand({
      Description: label,
      KeySpec: KINDS[algorithm].key,
      KeyUsage: 'SIGN_VERIFY',
      Tags: [{ TagKey: TAG, TagValue: owner }],
    })
    const { KeyMetadata } = await clientOf(region).send(command, { abortSignal: signal })
    return parseKmsKey(`kms:${KeyMetadata?.Arn ?? ''}`)
  }
  /** Once KMS knows the key and signs with it: a new one may not be known at once. */
  const known = async (key: KmsKey, algorithm: AnswerAlgorithm, signal: AbortSignal) => {
    const look = async () => {
      const publicKey = await publicKeyOf(key, signal)
      await sign(key, algorithm, randomBytes(32), signal)
      return publicKey
    }
    for (const ms of AGAIN_MS) {
      try {
        return await look()
      } catch (error) {
        if (!NOT_YET.includes(nameOf(error))) throw error
        await sleep(ms, signal)
      }
    }
    return look()
  }
  const scheduleDeletion = async ({ arn, region }: KmsKey, signal: AbortSignal): Promise<void> => {
    const command = new sdk.ScheduleKeyDeletionCommand({
      KeyId: arn,
      PendingWindowInDays: DELETION_DAYS,
    })
    try {
      await clientOf(region).send(command, { abortSignal: signal })
    } catch (error) {
      if (nameOf(error) === 'NotFoundException') return
      if (nameOf(error) !== 'KMSInvalidStateException') throw error
      const look = new sdk.DescribeKeyCommand({ KeyId: arn })
      const { KeyMetadata } = await clientOf(region).send(look, { abortSignal: signal })
      if (KeyMetadata?.KeyState !== 'PendingDeletion') throw error
    }
  }
  return {
    check: (where) => void parseKmsPlace(where),
    create: (where, label, algorithm) =>
      bounded(MANAGE_MS, async (signal) => {
        const key = await make(parseKmsPlace(where), label, algorithm, signal)
        try {
          return { name: `kms:${key.arn}`, publicKey: await known(key, algorithm, signal) }
        } catch (error) {
          // It costs money, and nobody will use it.
          await bounded(TIDY_MS, (tidying) => scheduleDeletion(key, tidying)).catch(() => undefined)
          throw error
        }
      }),
    sign: (name, algorithm, bytes, signal) =>
      inWords(() => sign(parseKmsKey(name), algorithm, bytes, signal)),
    destroy: (name) => bounded(MANAGE_MS, (signal) => scheduleDeletion(parseKmsKey(name), signal)),
    async close() {
      for (const client of clients.values()) client.destroy()
      clients.clear()
    },
  }
}

/** The client takes no notice of a signal while it looks for credentials. */
function bounded<T>(limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return inWords(() => within(limitMs, { late: LATE }, work))
}

/** What KMS calls the two kinds of keys and their signatures. */
const KINDS = {
  RS256: { key: 'RSA_2048', signature: 'RSASSA_PKCS1_V1_5_SHA_256' },
  ES256: { key: 'ECC_NIST_P256', signature: 'ECDSA_SHA_256' },
} as const satisfies Readonly<Record<AnswerAlgorithm, object>>

function newClient(sdk: typeof Kms, region: string): Kms.KMSClient {
  const client = new sdk.KMSClient({
    region,
    // A third would come too late for the answer.
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1_000 },
  })
  client.middlewareStack.add(
    (next) => (args) => {
      if (isSafe(args.request)) return next(args)
      throw new KeystoreError(
        'the endpoint of AWS KMS: https is required, plain http is for 127.0.0.1 only',
      )
    },
    { name: 'countersignHttpsOnly', step: 'build', priority: 'low' },
  )
  return client
}

/** Who is in the path while a key is made could give one of his own instead. */
function isSafe(request: unknown): boolean {
  if (!isObject(request)) return false
  const { protocol, hostname } = request
  return protocol === 'https:' || (protocol === 'http:' && hostname === '127.0.0.1')
}
