/** The form of an ECDSA signature: services give a sequence in DER, a JWS wants R‖S. */
import { KeystoreError } from './keystore.ts'

/** Bytes of a number modulo the order of P-256. */
const SIZE = 32

/** R‖S, 64 bytes (RFC 7518 §3.4), of `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3). @throws KeystoreError */
export function joinedSignature(der: Buffer): Buffer {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw unreadable()
  const r = integerAt(der, 2)
  const s = integerAt(der, 4 + r.length)
  if (der.length !== 6 + r.length + s.length) throw unreadable()
  return Buffer.concat([padded(r), padded(s)])
}

/** The contents of the INTEGER that begins there. */
function integerAt(der: Buffer, start: number): Buffer {
  const [tag, length = 0] = der.subarray(start, start + 2)
  const value = der.subarray(start + 2, start + 2 + length)
  if (tag === 2 && length > 0 && value.length === length) return value
  throw unreadable()
}

/** Without the zero that keeps a large number positive, and with those that make it 32 bytes. */
function padded(value: Buffer): Buffer {
  const digits = value[0] === 0 ? value.subarray(1) : value
  if (digits.length > SIZE) throw unreadable()
  return Buffer.concat([Buffer.alloc(SIZE - digits.length), digits])
}

function unreadable(): KeystoreError {
  return new KeystoreError('the keystore gave a signature of a form that is not read')
}
