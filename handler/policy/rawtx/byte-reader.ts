/** Reads a byte string from front to back, each byte once, without ever throwing: too short is remembered instead. */

export interface ByteReader {
  /** The next `length` bytes; empty and failed when there are fewer. */
  take(length: number): Uint8Array
  /** Little-endian unsigned 32 bits. */
  u32(): number
  /** Little-endian unsigned 64 bits. */
  u64(): bigint
  /** Bitcoin's CompactSize, in its shortest form only; NaN and failed otherwise. */
  size(): number
  /** Bytes not yet read. */
  left(): number
  /** False once anything was too short or not canonical. */
  ok(): boolean
}

export function byteReader(bytes: Uint8Array): ByteReader {
  let at = 0
  let failed = false
  const take = (length: number): Uint8Array => {
    if (!(length <= bytes.length - at)) {
      failed = true
      at = bytes.length
      return new Uint8Array()
    }
    at += length
    return bytes.subarray(at - length, at)
  }
  const unsigned = (length: number): bigint =>
    take(length).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const u32 = () => Number(unsigned(4))
  const size = () => {
    const tag = Number(unsigned(1))
    if (tag < 0xfd) return tag
    // 0xfd, 0xfe: 2 or 4 bytes follow. Longer than 4 GiB is longer than anything that is read here.
    const value = tag === 0xff ? 0 : Number(unsigned(tag === 0xfd ? 2 : 4))
    if (value >= (tag === 0xfd ? 0xfd : 0x10000)) return value
    failed = true
    return Number.NaN
  }
  return {
    take,
    u32,
    u64: () => unsigned(8),
    size,
    left: () => bytes.length - at,
    ok: () => !failed,
  }
}
