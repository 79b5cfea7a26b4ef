/** Partially signed transactions (BIP-174, version 0): the unsigned transaction, and what its inputs spend. */
import { bytesToHex, MAX_RAW_BYTES, sha256d } from './bytes.ts'
import type { ByteReader } from './byte-reader.ts'
import { byteReader } from './byte-reader.ts'
import type { Input, Output } from './preimage.ts'
import { bounded, finished, hex, readOutputs } from './preimage.ts'

/** A claim of whoever made the PSBT, until a signature hash commits to it. */
export interface Psbt {
  readonly version: string
  readonly locktime: string
  readonly inputs: readonly Input[]
  readonly outputs: readonly Output[]
  /** What each input spends; undefined where the PSBT does not say. */
  readonly spent: readonly (Output | undefined)[]
}

const MAGIC = '70736274ff'
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** Reads base64 or lower-case hex; undefined for anything that is not one whole PSBT of version 0. */
export function parsePsbt(text: string): Psbt | undefined {
  if (text.length > 2 * MAX_RAW_BYTES || !BASE64.test(text)) return undefined
  const isHex = text.startsWith(MAGIC) && /^[0-9a-f]+$/.test(text)
  const bytes = Uint8Array.from(Buffer.from(text, isHex ? 'hex' : 'base64'))
  const reader = byteReader(bytes)
  if (hex(reader, 5) !== MAGIC) return undefined
  const unsigned = readMap(reader).get('00')
  const transaction = unsigned === undefined ? undefined : parseTransaction(unsigned)
  if (transaction === undefined) return undefined
  const spent = transaction.inputs.map((input) => spentBy(input, readMap(reader)))
  for (const _ of transaction.outputs) readMap(reader)
  return finished(reader) ? { ...transaction, spent } : undefined
}

/** Key (hex) to value, up to the separator. A key twice makes the reader fail, as the format demands. */
function readMap(reader: ByteReader): ReadonlyMap<string, Uint8Array> {
  const map = new Map<string, Uint8Array>()
  for (let length = reader.size(); length > 0; length = reader.size()) {
    const key = hex(reader, length)
    if (map.has(key)) reader.take(Infinity)
    map.set(key, reader.take(reader.size()))
  }
  return map
}

interface Transaction {
  readonly version: string
  readonly locktime: string
  readonly inputs: readonly Input[]
  readonly outputs: readonly Output[]
}

/** A transaction without witnesses. */
function parseTransaction(bytes: Uint8Array): Transaction | undefined {
  const reader = byteReader(bytes)
  const version = hex(reader, 4)
  const inputs: Input[] = []
  for (let count = bounded(reader, 41); count > 0; count -= 1) {
    const outpoint = hex(reader, 36)
    reader.take(reader.size())
    inputs.push({ outpoint, sequence: hex(reader, 4) })
  }
  const outputs = readOutputs(reader)
  const locktime = hex(reader, 4)
  return finished(reader) ? { version, locktime, inputs, outputs } : undefined
}

/** The spent output: from the witness field, or from the whole earlier transaction, whose id must be the outpoint's. */
function spentBy({ outpoint }: Input, map: ReadonlyMap<string, Uint8Array>): Output | undefined {
  const witness = map.get('01')
  if (witness !== undefined) {
    const reader = byteReader(witness)
    const output = { units: reader.u64(), script: hex(reader, reader.size()) }
    return finished(reader) ? output : undefined
  }
  const earlier = map.get('00')
  if (earlier === undefined || bytesToHex(sha256d(earlier)) !== outpoint.slice(0, 64)) {
    return undefined
  }
  const index = byteReader(Buffer.from(outpoint.slice(64), 'hex')).u32()
  return parseTransaction(earlier)?.outputs[index]
}
