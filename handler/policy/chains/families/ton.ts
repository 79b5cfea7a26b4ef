/** TON: the raw form `workchain:hash` is the key; the user-friendly forms say besides whether a transfer bounces. */
import { bytesToHex, hexToBytes } from '../../rawtx/bytes.ts'
import { crc16 } from '../base32.ts'
import type { AddressFamily } from './family.ts'

const RAW = /^(?:-1|0):[0-9a-f]{64}$/i
/** 36 bytes in Base64, of either alphabet but not of both. */
const FRIENDLY = /^(?:[A-Za-z0-9+/]{48}|[A-Za-z0-9_-]{48})$/

/** A transfer to the address bounces, or does not. */
const FLAGS = [0x11, 0x51] as const

export const TON: AddressFamily = {
  name: 'ton',
  hasTags: true,
  read: (text) => {
    if (RAW.test(text)) return text.toLowerCase()
    if (!FRIENDLY.test(text)) return undefined
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const view = new DataView(bytes.buffer)
    // Without the bit for test networks.
    const flags = view.getUint8(0) & 0x7f
    const workchain = view.getInt8(1)
    if (!FLAGS.some((each) => each === flags) || (workchain !== 0 && workchain !== -1)) {
      return undefined
    }
    if (view.getUint16(34) !== crc16(bytes.subarray(0, 34))) return undefined
    return `${workchain}:${bytesToHex(bytes.subarray(2, 34))}`
  },
  spellings: (key) => {
    const [workchain, hash = ''] = key.split(':')
    return FLAGS.flatMap((flags) => {
      const head = Uint8Array.from([flags, Number(workchain) & 0xff, ...hexToBytes(hash)])
      const crc = crc16(head)
      const text = btoa(String.fromCharCode(...head, crc >> 8, crc & 0xff))
      return [text, text.replaceAll('+', '-').replaceAll('/', '_')]
    })
  },
}
