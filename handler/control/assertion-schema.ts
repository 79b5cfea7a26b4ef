/** Assertions as they are sent: of a signing command, or as `navigator.credentials.get` prints them. */
import { z } from 'zod'

const base64 = z.string().regex(/^[A-Za-z0-9+/]{16,1400}={0,2}$/)
const base64url = z.string().regex(/^[A-Za-z0-9_-]{1,4096}$/)

const fileSchema = z.strictObject({ signature: base64 })
const passkeySchema = z.strictObject({
  id: base64url,
  authenticatorData: base64url,
  clientDataJSON: base64url,
  signature: base64url,
})

export const assertionSchema = z.union([fileSchema, passkeySchema])
