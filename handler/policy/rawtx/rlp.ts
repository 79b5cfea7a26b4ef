/** Strict RLP: exactly one encoding per value, nothing after it (Ethereum yellow paper, appendix B). */

/** A byte string, or a list of items. */
export type RlpItem = Uint8Array | readonly RlpItem[]

/** A transaction nests four lists at most: transaction, access list, its entry, the entry's storage keys. */
const MAX_DEPTH = 4

interface Header {
  readonly list: boolean
  readonly start: number
  readonly end: number
}

/**
 * Decodes the one item that the bytes hold. Undefined when they are truncated, have trailing bytes, nest too deep, or
 * are not canonical: a single byte below 0x80 stands for itself, lengths are as short as possible. Linear.
 */
export function decodeRlp(bytes: Uint8Array): RlpItem | undefined {
  const header = headerAt(bytes, 0, bytes.length)
  if (header === undefined || header.end !== bytes.length) return undefined
  return itemOf(bytes, header, 0)
}

function itemOf(bytes: Uint8Array, header: Header, depth: number): RlpItem | undefined {
  if (!header.list) return bytes.subarray(header.start, header.end)
  if (depth === MAX_DEPTH) return undefined
  const items: RlpItem[] = []
  for (let at = header.start; at < header.end;) {
    const next = headerAt(bytes, at, header.end)
    const item = next === undefined ? undefined : itemOf(bytes, next, depth + 1)
    if (next === undefined || item === undefined) return undefined
    items.push(item)
    at = next.end
  }
  return items
}

/** Where the item at `at` has its content, if it ends within `limit` and its header is canonical. */
function headerAt(bytes: Uint8Array, at: number, limit: number): Header | undefined {
  const first = at < limit ? bytes[at] : undefined
  if (first === undefined) return undefined
  if (first < 0x80) return { list: false, start: at, end: at + 1 }
  const list = first >= 0xc0
  const tag = first - (list ? 0xc0 : 0x80)
  const sizeLength = Math.max(tag - 55, 0)
  const start = at + 1 + sizeLength
  const size = sizeLength === 0 ? tag : longSize(bytes, at + 1, sizeLength)
  const end = start + size
  if (!(end <= limit)) return undefined
  // INVARIANT: a byte below 0x80 has no header of its own.
  if (!list && size === 1 && Number(bytes[start]) < 0x80) return undefined
  return { list, start, end }
}

/** A length of more than 55 without leading zeros; NaN for any other, and beyond what can be in memory. */
function longSize(bytes: Uint8Array, at: number, length: number): number {
  if (length > 4 || bytes[at] === 0) return Number.NaN
  let size = 0
  for (const byte of bytes.subarray(at, at + length)) size = size * 256 + byte
  return size > 55 ? size : Number.NaN
}
