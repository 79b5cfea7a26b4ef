/** What is used of PKCS#11 v2.40: the calls of `pkcs11js`, which is optional and so not always there to take types from. */

/** A handle of the module. */
export type Handle = Buffer | number

export interface Attribute {
  readonly type: number
  readonly value?: Buffer | number | boolean | string
}

/** What is used of `pkcs11js`, which is optional and so not always there to take types from. */
export interface Cryptoki {
  C_GetSlotList(tokenPresent: boolean): Handle[]
  C_GetTokenInfo(slot: Handle): { readonly label: string; readonly serialNumber: string }
  C_OpenSession(slot: Handle, flags: number): Handle
  C_CloseAllSessions(slot: Handle): void
  C_Login(session: Handle, user: number, pin: string): void
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void
  C_FindObjects(session: Handle, most: number): Handle[]
  C_FindObjectsFinal(session: Handle): void
  C_GetAttributeValue(
    session: Handle,
    object: Handle,
    template: readonly Attribute[],
  ): { readonly value: Buffer }[]
  C_GenerateKeyPairAsync(
    session: Handle,
    mechanism: { readonly mechanism: number },
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): Promise<{ readonly privateKey: Handle; readonly publicKey: Handle }>
  C_SignInit(session: Handle, mechanism: { readonly mechanism: number }, key: Handle): void
  C_SignAsync(session: Handle, input: Buffer, output: Buffer): Promise<Buffer>
  C_DestroyObject(session: Handle, object: Handle): void
}

/** PKCS#11 v2.40, the numbers that are used. */
export const CKF_RW_SESSION = 2
export const CKF_SERIAL_SESSION = 4
export const CKU_USER = 1
export const CKO_PUBLIC_KEY = 2
export const CKO_PRIVATE_KEY = 3
export const CKA = {
  CLASS: 0,
  TOKEN: 1,
  PRIVATE: 2,
  LABEL: 3,
  ID: 0x102,
  SENSITIVE: 0x103,
  SIGN: 0x108,
  VERIFY: 0x10a,
  MODULUS: 0x120,
  MODULUS_BITS: 0x121,
  PUBLIC_EXPONENT: 0x122,
  EXTRACTABLE: 0x162,
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
} as const
export const CKM_RSA_PKCS_KEY_PAIR_GEN = 0
export const CKM_SHA256_RSA_PKCS = 0x40
export const CKM_EC_KEY_PAIR_GEN = 0x1040
export const CKM_ECDSA = 0x1041

/** `prime256v1` as an OID in DER (RFC 5480 §2.1.1.1). */
export const P256 = Buffer.from('06082a8648ce3d030107', 'hex')
