/** What is done in a session of a PKCS#11 token: keys are made, found, signed with and destroyed, and never read. */
import { createHash, createPublicKey } from 'node:crypto'
import type { AnswerAlgorithm } from '../../../common/answer-algorithm.ts'
import {
  type Attribute,
  CKA,
  CKM_EC_KEY_PAIR_GEN,
  CKM_ECDSA,
  CKM_RSA_PKCS_KEY_PAIR_GEN,
  CKM_SHA256_RSA_PKCS,
  CKO_PRIVATE_KEY,
  CKO_PUBLIC_KEY,
  type Cryptoki,
  type Handle,
  P256,
} from './cryptoki.ts'
import type { TokenKey, TokenRequest } from './pkcs11-messages.ts'

/** The signature, the public key, or nothing; `keys` remembers handles by the id of their key, in hex. */
export async function perform(
  cryptoki: Cryptoki,
  session: Handle,
  keys: Map<string, Handle>,
  request: TokenRequest,
): Promise<Buffer | undefined> {
  const { key } = request
  switch (request.do) {
    case 'create':
      return create(cryptoki, session, request.key, request.algorithm)
    case 'sign': {
      const id = Buffer.from(key.id).toString('hex')
      const handle = keys.get(id) ?? find(cryptoki, session, CKO_PRIVATE_KEY, key)
      if (handle === undefined) throw new Error('the key is not in the token')
      keys.set(id, handle)
      return sign(cryptoki, session, handle, request.algorithm, Buffer.from(request.bytes))
    }
    case 'destroy':
    default:
      for (const kind of [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY]) {
        const handle = find(cryptoki, session, kind, key)
        if (handle !== undefined) cryptoki.C_DestroyObject(session, handle)
      }
      keys.delete(Buffer.from(key.id).toString('hex'))
      return undefined
  }
}

function sign(
  cryptoki: Cryptoki,
  session: Handle,
  handle: Handle,
  algorithm: AnswerAlgorithm,
  bytes: Buffer,
): Promise<Buffer> {
  if (algorithm === 'RS256') {
    cryptoki.C_SignInit(session, { mechanism: CKM_SHA256_RSA_PKCS }, handle)
    return cryptoki.C_SignAsync(session, bytes, Buffer.alloc(256))
  }
  // CKM_ECDSA signs a digest and gives R‖S, as RFC 7518 §3.4 wants it.
  cryptoki.C_SignInit(session, { mechanism: CKM_ECDSA }, handle)
  const digest = createHash('sha256').update(bytes).digest()
  return cryptoki.C_SignAsync(session, digest, Buffer.alloc(64))
}

function find(
  cryptoki: Cryptoki,
  session: Handle,
  kind: number,
  { id, object }: TokenKey,
): Handle | undefined {
  cryptoki.C_FindObjectsInit(session, [
    { type: CKA.CLASS, value: kind },
    { type: CKA.ID, value: Buffer.from(id) },
    ...(object === undefined ? [] : [{ type: CKA.LABEL, value: object }]),
  ])
  try {
    return cryptoki.C_FindObjects(session, 1)[0]
  } finally {
    cryptoki.C_FindObjectsFinal(session)
  }
}

/** The public key in DER, SPKI. */
async function create(
  cryptoki: Cryptoki,
  session: Handle,
  { id, object }: Required<TokenKey>,
  algorithm: AnswerAlgorithm,
): Promise<Buffer> {
  const names: Attribute[] = [
    { type: CKA.LABEL, value: object },
    { type: CKA.ID, value: Buffer.from(id) },
    { type: CKA.TOKEN, value: true },
  ]
  const kind: Attribute[] =
    algorithm === 'ES256'
      ? [{ type: CKA.EC_PARAMS, value: P256 }]
      : [
          { type: CKA.MODULUS_BITS, value: 2048 },
          { type: CKA.PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
        ]
  const mechanism = algorithm === 'ES256' ? CKM_EC_KEY_PAIR_GEN : CKM_RSA_PKCS_KEY_PAIR_GEN
  const { publicKey, privateKey } = await cryptoki.C_GenerateKeyPairAsync(
    session,
    { mechanism },
    [...names, { type: CKA.VERIFY, value: true }, ...kind],
    [
      ...names,
      { type: CKA.PRIVATE, value: true },
      { type: CKA.SENSITIVE, value: true },
      { type: CKA.EXTRACTABLE, value: false },
      { type: CKA.SIGN, value: true },
    ],
  )
  const [sensitive, extractable] = cryptoki.C_GetAttributeValue(session, privateKey, [
    { type: CKA.SENSITIVE },
    { type: CKA.EXTRACTABLE },
  ])
  if (sensitive?.value[0] !== 1 || extractable?.value[0] !== 0) {
    cryptoki.C_DestroyObject(session, privateKey)
    cryptoki.C_DestroyObject(session, publicKey)
    throw new Error('the token made a key that can be read out of it')
  }
  return publicKeyOf(cryptoki, session, publicKey, algorithm)
}

function publicKeyOf(
  cryptoki: Cryptoki,
  session: Handle,
  handle: Handle,
  algorithm: AnswerAlgorithm,
): Buffer {
  const types = algorithm === 'ES256' ? [CKA.EC_POINT] : [CKA.MODULUS, CKA.PUBLIC_EXPONENT]
  const [one, two] = cryptoki
    .C_GetAttributeValue(
      session,
      handle,
      types.map((type) => ({ type })),
    )
    .map(({ value }) => value)
  if (one === undefined) throw new Error('the token names no public key')
  if (algorithm === 'RS256') {
    const [n, e] = [one, two ?? Buffer.from([1, 0, 1])].map((value) => value.toString('base64url'))
    return derOf({ kty: 'RSA', n, e })
  }
  // An OCTET STRING in DER around 04‖X‖Y, though some modules leave the wrapping out.
  const point = one.length === 67 ? one.subarray(2) : one
  if (point.length !== 65 || point[0] !== 4) throw new Error('the token names no point on P-256')
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((value) =>
    value.toString('base64url'),
  )
  return derOf({ kty: 'EC', crv: 'P-256', x, y })
}

function derOf(key: Readonly<Record<string, string | undefined>>): Buffer {
  return createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'der' })
}
