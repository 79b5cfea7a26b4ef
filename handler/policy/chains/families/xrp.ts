/** XRP Ledger: classic addresses, and X-addresses, which hold the tag too (XLS-5d). */
import { checked, withChecksum, XRP_BASE58 } from '../base58.ts'
import type { AddressFamily } from './family.ts'

export const XRP: AddressFamily = {
  name: 'xrp',
  hasTags: true,
  read: (text) => classic(text) ?? unpacked(text)?.address,
  tagIn: (text) => unpacked(text)?.tag,
}

function classic(text: string): string | undefined {
  if (!text.startsWith('r') || text.length < 25 || text.length > 35) return undefined
  const body = checked(text, XRP_BASE58)
  return body?.length === 21 && body[0] === 0 ? text : undefined
}

/** On the main and on the test network. */
const PREFIXES: ReadonlySet<number> = new Set([0x0544, 0x0493])

/** Prefix (2), account (20), whether there is a tag (1), the tag as 64 bits, little-endian. */
function unpacked(
  text: string,
): { readonly address: string; readonly tag: string | undefined } | undefined {
  if (!/^[XT]/.test(text) || text.length < 46 || text.length > 48) return undefined
  const body = checked(text, XRP_BASE58)
  if (body?.length !== 31) return undefined
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const flag = view.getUint8(22)
  const high = view.getUint32(27)
  const tag = view.getUint32(23, true)
  if (!PREFIXES.has(view.getUint16(0)) || flag > 1 || high !== 0) return undefined
  if (flag === 0 && tag !== 0) return undefined
  const address = withChecksum(Uint8Array.from([0, ...body.subarray(2, 22)]), XRP_BASE58)
  return { address, tag: flag === 1 ? String(tag) : undefined }
}
