/** Bitcoin signature preimages: what each of the three signature hash algorithms puts under a signature. */
import { bytesToHex, concatBytes, sha256, sha256d } from './bytes.ts'
import type { ByteReader } from './byte-reader.ts'
import { byteReader } from './byte-reader.ts'

/** An output that will be signed. */
export interface Output {
  /** Smallest units. */
  readonly units: bigint
  /** Output script in hex. */
  readonly script: string
}

/** A reference to the output that is spent, and the sequence number, in hex as hashed. */
export interface Input {
  readonly outpoint: string
  readonly sequence: string
}

interface Common {
  /** Hex, as hashed. */
  readonly version: string
  readonly locktime: string
  /** Little-endian in the preimage; one byte in BIP-341. */
  readonly hashType: number
}

/** The transaction itself, with the script of the signed input in its place (pre-segwit). */
export interface LegacyPreimage extends Common {
  readonly kind: 'legacy'
  readonly inputs: readonly Input[]
  /** The one whose script is in place. */
  readonly signed: Input
  readonly scriptCode: string
  readonly outputs: readonly Output[]
}

/** BIP-143: hashes of the whole, and the signed input with its amount. */
export interface Bip143Preimage extends Common, Input {
  readonly kind: 'bip143'
  readonly hashPrevouts: string
  readonly hashSequence: string
  readonly scriptCode: string
  readonly units: bigint
  readonly hashOutputs: string
}

/** BIP-341 key path without annex, hash type ALL or DEFAULT: hashes of the whole, and the position. */
export interface TaprootPreimage extends Common {
  readonly kind: 'taproot'
  readonly shaPrevouts: string
  readonly shaAmounts: string
  readonly shaScripts: string
  readonly shaSequences: string
  readonly shaOutputs: string
  readonly index: number
}

export type Preimage = LegacyPreimage | Bip143Preimage | TaprootPreimage

/** Bytes to the preimage they are, or undefined. */
export function parseLegacy(bytes: Uint8Array): LegacyPreimage | undefined {
  const reader = byteReader(bytes)
  const version = hex(reader, 4)
  const inputs: Input[] = []
  const scripts: string[] = []
  for (let count = bounded(reader, 41); count > 0; count -= 1) {
    const outpoint = hex(reader, 36)
    scripts.push(hex(reader, reader.size()))
    inputs.push({ outpoint, sequence: hex(reader, 4) })
  }
  const outputs = readOutputs(reader)
  const locktime = hex(reader, 4)
  const hashType = reader.u32()
  const [only, ...more] = inputs.flatMap((signed, index) => {
    const scriptCode = scripts[index]
    return scriptCode ? [{ signed, scriptCode }] : []
  })
  if (only === undefined || more.length > 0 || !finished(reader)) return undefined
  return { kind: 'legacy', version, inputs, ...only, outputs, locktime, hashType }
}

/** Bytes to the preimage they are, or undefined. */
export function parseBip143(bytes: Uint8Array): Bip143Preimage | undefined {
  const reader = byteReader(bytes)
  const preimage: Bip143Preimage = {
    kind: 'bip143',
    version: hex(reader, 4),
    hashPrevouts: hex(reader, 32),
    hashSequence: hex(reader, 32),
    outpoint: hex(reader, 36),
    scriptCode: hex(reader, reader.size()),
    units: reader.u64(),
    sequence: hex(reader, 4),
    hashOutputs: hex(reader, 32),
    locktime: hex(reader, 4),
    hashType: reader.u32(),
  }
  return finished(reader) ? preimage : undefined
}

const TAPROOT_LENGTH = 175

/** Bytes (epoch 0 and SigMsg) to the preimage they are, or undefined. */
export function parseTaproot(bytes: Uint8Array): TaprootPreimage | undefined {
  if (bytes.length !== TAPROOT_LENGTH || bytes[0] !== 0) return undefined
  const reader = byteReader(bytes.subarray(1))
  const [hashType = 0] = reader.take(1)
  const preimage: TaprootPreimage = {
    kind: 'taproot',
    hashType,
    version: hex(reader, 4),
    locktime: hex(reader, 4),
    shaPrevouts: hex(reader, 32),
    shaAmounts: hex(reader, 32),
    shaScripts: hex(reader, 32),
    shaSequences: hex(reader, 32),
    shaOutputs: hex(reader, 32),
    // Spend type 0: the key path, no annex; anything else is longer.
    index: hex(reader, 1) === '00' ? reader.u32() : -1,
  }
  return preimage.index < 0 ? undefined : preimage
}

/** The outputs after a CompactSize count. */
export function readOutputs(reader: ByteReader): Output[] {
  const outputs: Output[] = []
  for (let count = bounded(reader, 9); count > 0; count -= 1) {
    const units = reader.u64()
    outputs.push({ units, script: hex(reader, reader.size()) })
  }
  return outputs
}

/** A count of items of at least `minimum` bytes each; 0 and a failed reader when they cannot all be there. */
export function bounded(reader: ByteReader, minimum: number): number {
  const count = reader.size()
  if (count * minimum <= reader.left()) return count
  reader.take(Infinity)
  return 0
}

/** The next bytes in hex. */
export function hex(reader: ByteReader, length: number): string {
  return bytesToHex(reader.take(length))
}

/** Everything was there and nothing is left. */
export function finished(reader: ByteReader): boolean {
  return reader.ok() && reader.left() === 0
}

/** Outputs as a transaction holds them, without their count, in hex. */
export function serializeOutputs(outputs: readonly Output[]): string {
  return outputs.map(({ units, script }) => `${littleEndian(units, 8)}${withSize(script)}`).join('')
}

/** A script in hex, after its length as CompactSize. */
export function withSize(script: string): string {
  const size = BigInt(script.length / 2)
  if (size < 0xfdn) return `${littleEndian(size, 1)}${script}`
  return size < 0x10000n
    ? `fd${littleEndian(size, 2)}${script}`
    : `fe${littleEndian(size, 4)}${script}`
}

/** An unsigned number that fits into `length` bytes, least significant first, in hex. */
export function littleEndian(value: bigint, length: number): string {
  const digits = value.toString(16).padStart(2 * length, '0')
  let text = ''
  for (let at = 2 * length; at > 0; at -= 2) text += digits.slice(at - 2, at)
  return text
}

const TAP_TAG = sha256(new TextEncoder().encode('TapSighash'))

/** BIP-340 tagged hash `TapSighash` of epoch and SigMsg, in hex. */
export function tapSighash(bytes: Uint8Array): string {
  return bytesToHex(sha256(concatBytes(TAP_TAG, TAP_TAG, bytes)))
}

/** Double SHA-256 in hex, not reversed: legacy and BIP-143. */
export function sighash(bytes: Uint8Array): string {
  return bytesToHex(sha256d(bytes))
}
