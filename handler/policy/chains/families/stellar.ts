/** Stellar (SEP-23): accounts `G…`, contracts `C…`, and accounts with an id of their own, `M…`. The text is the key. */
import { crc16, fromBase32 } from '../base32.ts'
import type { AddressFamily } from './family.ts'

/** Version byte and length in bytes, by the first letter. */
const FORMS: Readonly<Record<string, readonly [number, number]>> = {
  G: [6 << 3, 35],
  C: [2 << 3, 35],
  M: [12 << 3, 43],
}

export const STELLAR: AddressFamily = {
  name: 'stellar',
  hasTags: true,
  read: (text) => {
    const form = FORMS[text.charAt(0)]
    if (form === undefined || (text.length !== 56 && text.length !== 69)) return undefined
    const bytes = fromBase32(text)
    if (bytes?.length !== form[1] || bytes[0] !== form[0]) return undefined
    const view = new DataView(bytes.buffer)
    const end = bytes.length - 2
    return view.getUint16(end, true) === crc16(bytes.subarray(0, end)) ? text : undefined
  },
}
