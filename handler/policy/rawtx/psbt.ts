/** Partially signed transactions (BIP-174, version 0; BIP-370, version 2): the unsigned transaction, and what its inputs spend. */
import { bytesToHex, concatBytes, MAX_RAW_BYTES, sha256d } from './bytes.ts'
import type { ByteReader } from './byte-reader.ts'
import { byteReader } from './byte-reader.ts'
import type { Input, Output } from './preimage.ts'
import { bounded, finished, hex, littleEndian, readOutputs } from './preimage.ts'

/** A claim of whoever made the PSBT, until a signature hash commits to it. */
export interface Psbt {
  readonly version: string
  readonly locktime: string
  readonly inputs: readonly Input[]
  readonly outputs: readonly Output[]
  /** What each input spends; undefined where the PSBT does not say. */
  readonly spent: readonly (Spent | undefined)[]
}

/** An output that an input spends. */
export interface Spent extends Output {
  /** It stands in the whole earlier transaction, whose hash is the input's reference. */
  readonly isProven: boolean
}

const MAGIC = '70736274ff'
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** Reads base64 or lower-case hex; undefined for anything that is not one whole PSBT of version 0 or 2. */
export function parsePsbt(text: string): Psbt | undefined {
  if (text.length > 2 * MAX_RAW_BYTES || !BASE64.test(text)) return undefined
  const isHex = text.startsWith(MAGIC) && /^[0-9a-f]+$/.test(text)
  const bytes = Uint8Array.from(Buffer.from(text, isHex ? 'hex' : 'base64'))
  const reader = byteReader(bytes)
  if (hex(reader, 5) !== MAGIC) return undefined
  const global = readMap(reader)
  const version = global.get(GLOBAL.psbtVersion)
  const psbt =
    version === undefined || bytesToHex(version) === '00000000'
      ? readVersion0(global, reader)
      : bytesToHex(version) === '02000000'
        ? readVersion2(global, reader)
        : undefined
  return finished(reader) ? psbt : undefined
}

/** Keys of BIP-174 and BIP-370. */
const GLOBAL = {
  unsigned: '00',
  txVersion: '02',
  fallbackLocktime: '03',
  inputCount: '04',
  outputCount: '05',
  psbtVersion: 'fb',
} as const
const INPUT = {
  earlier: '00',
  witness: '01',
  previousTxid: '0e',
  outputIndex: '0f',
  sequence: '10',
  requiredTime: '11',
  requiredHeight: '12',
} as const
const OUTPUT = { amount: '03', script: '04' } as const

type Fields = ReadonlyMap<string, Uint8Array>

function readVersion0(global: Fields, reader: ByteReader): Psbt | undefined {
  const unsigned = global.get(GLOBAL.unsigned)
  const transaction = unsigned === undefined ? undefined : parseTransaction(unsigned)
  if (transaction === undefined) return undefined
  const spent = transaction.inputs.map((input) => spentBy(input, readMap(reader)))
  for (const _ of transaction.outputs) readMap(reader)
  return { ...transaction, spent }
}

/** BIP-370: the transaction stands in the maps of its inputs and outputs. */
function readVersion2(global: Fields, reader: ByteReader): Psbt | undefined {
  const version = field(global, GLOBAL.txVersion, 4)
  const inputCount = countOf(global.get(GLOBAL.inputCount), reader.left())
  const outputCount = countOf(global.get(GLOBAL.outputCount), reader.left())
  if (global.has(GLOBAL.unsigned) || version === undefined) return undefined
  if (inputCount === undefined || outputCount === undefined) return undefined
  const maps = Array.from({ length: inputCount }, () => readMap(reader))
  const inputs = maps.flatMap((map): Input[] => {
    const txid = field(map, INPUT.previousTxid, 32)
    const index = field(map, INPUT.outputIndex, 4)
    const sequence = field(map, INPUT.sequence, 4) ?? (map.has(INPUT.sequence) ? undefined : FINAL)
    if (txid === undefined || index === undefined || sequence === undefined) return []
    return [{ outpoint: txid + index, sequence }]
  })
  const outputs = Array.from({ length: outputCount }, () => readMap(reader)).flatMap(
    (map): Output[] => {
      const units = map.get(OUTPUT.amount)
      const script = map.get(OUTPUT.script)
      return units?.length === 8 && script !== undefined
        ? [{ units: byteReader(units).u64(), script: bytesToHex(script) }]
        : []
    },
  )
  const locktime = locktimeOf(global, maps)
  if (inputs.length < inputCount || outputs.length < outputCount || locktime === undefined) {
    return undefined
  }
  const spent = inputs.map((input, index) => spentBy(input, maps[index] ?? new Map()))
  return { version, locktime, inputs, outputs, spent }
}

/** A sequence that is left out. */
const FINAL = 'ffffffff'

/** A field of that many bytes, in hex; undefined when it is absent or of another length. */
function field(map: Fields, key: string, length: number): string | undefined {
  const value = map.get(key)
  return value?.length === length ? bytesToHex(value) : undefined
}

/** How many maps follow; every one of them takes a byte at least. */
function countOf(value: Uint8Array | undefined, most: number): number | undefined {
  if (value === undefined) return undefined
  const reader = byteReader(value)
  const count = reader.size()
  return finished(reader) && count <= most ? count : undefined
}

/** BIP-370: the largest that an input requires, heights if all that require anything can have them; else the fallback. */
function locktimeOf(global: Fields, inputs: readonly Fields[]): string | undefined {
  const asking = inputs.filter(
    (map) => map.has(INPUT.requiredTime) || map.has(INPUT.requiredHeight),
  )
  if (asking.length === 0) {
    return global.has(GLOBAL.fallbackLocktime)
      ? field(global, GLOBAL.fallbackLocktime, 4)
      : '00000000'
  }
  const key = [INPUT.requiredHeight, INPUT.requiredTime].find((each) =>
    asking.every((map) => map.get(each)?.length === 4),
  )
  if (key === undefined) return undefined
  const values = asking.flatMap((map) => map.get(key) ?? [])
  return littleEndian(BigInt(Math.max(...values.map((value) => byteReader(value).u32()))), 4)
}

/** Key (hex) to value, up to the separator. A key twice makes the reader fail, as the format demands. */
function readMap(reader: ByteReader): Fields {
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
  const transaction = readTransaction(reader, bytes, false)
  return finished(reader) ? transaction : undefined
}

/** An earlier transaction and its id, with its witnesses or without. */
function parseEarlier(bytes: Uint8Array): (Transaction & { readonly id: string }) | undefined {
  // BIP-144: no inputs, then a flag; a transaction without inputs holds nothing to spend.
  const hasWitnesses = bytes[4] === 0 && bytes[5] === 1
  const reader = byteReader(bytes)
  const transaction = readTransaction(reader, bytes, hasWitnesses)
  return finished(reader)
    ? { ...transaction, id: bytesToHex(sha256d(transaction.stripped)) }
    : undefined
}

/** The reader stands at the end afterwards, or has failed. */
function readTransaction(
  reader: ByteReader,
  bytes: Uint8Array,
  hasWitnesses: boolean,
): Transaction & { readonly stripped: Uint8Array } {
  const version = reader.take(4)
  if (hasWitnesses) reader.take(2)
  const from = bytes.length - reader.left()
  const inputs: Input[] = []
  for (let count = bounded(reader, 41); count > 0; count -= 1) {
    const outpoint = hex(reader, 36)
    reader.take(reader.size())
    inputs.push({ outpoint, sequence: hex(reader, 4) })
  }
  const outputs = readOutputs(reader)
  const body = bytes.subarray(from, bytes.length - reader.left())
  if (hasWitnesses) for (const _ of inputs) skipWitness(reader)
  const locktime = reader.take(4)
  return {
    version: bytesToHex(version),
    inputs,
    outputs,
    locktime: bytesToHex(locktime),
    stripped: concatBytes(version, body, locktime),
  }
}

function skipWitness(reader: ByteReader): void {
  for (let count = bounded(reader, 1); count > 0; count -= 1) reader.take(reader.size())
}

/** The spent output: from the whole earlier transaction, whose id must be the outpoint's, or from the witness field. */
function spentBy({ outpoint }: Input, map: Fields): Spent | undefined {
  const earlier = map.get(INPUT.earlier)
  const transaction = earlier === undefined ? undefined : parseEarlier(earlier)
  if (transaction?.id === outpoint.slice(0, 64)) {
    const index = byteReader(Buffer.from(outpoint.slice(64), 'hex')).u32()
    const output = transaction.outputs[index]
    return output === undefined ? undefined : { ...output, isProven: true }
  }
  const witness = map.get(INPUT.witness)
  if (witness === undefined) return undefined
  const reader = byteReader(witness)
  const output = { units: reader.u64(), script: hex(reader, reader.size()) }
  return finished(reader) ? { ...output, isProven: false } : undefined
}
