import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { RLP } from 'micro-eth-signer/core/rlp.js'
import type { RlpItem } from '../../../../handler/policy/rawtx/rlp.ts'
import { decodeRlp } from '../../../../handler/policy/rawtx/rlp.ts'
import { counted } from '../../../fixtures/counted-bytes.ts'

const decode = (hex: string) => decodeRlp(Uint8Array.from(Buffer.from(hex, 'hex')))

const { tree } = fc.letrec<{ tree: RlpItem }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.uint8Array({ maxLength: 80 }),
    fc.array(tie('tree'), { maxLength: 4 }),
  ),
}))

function plain(item: RlpItem | undefined): unknown {
  return item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item?.map(plain)
}

const reads = (count: number) => {
  const list = RLP.encode(Array.from({ length: count }, () => Uint8Array.of(0x81)))
  const { bytes, count: work } = counted(list)
  expect(decodeRlp(bytes)).toHaveLength(count)
  return work()
}

describe('decodeRlp', () => {
  it('reads what an independent library writes', () => {
    fc.assert(
      fc.property(tree, (item) => {
        const encoded = RLP.encode(item as Parameters<typeof RLP.encode>[0])
        expect(plain(decodeRlp(encoded))).toEqual(plain(item))
      }),
      { numRuns: 300 },
    )
  })

  it('accepts no second encoding: whatever it accepts, the library encodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
        const item = decodeRlp(bytes)
        if (item === undefined) return
        const again = RLP.encode(item as Parameters<typeof RLP.encode>[0])
        expect(Buffer.from(again).toString('hex')).toBe(Buffer.from(bytes).toString('hex'))
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['nothing', ''],
    ['trailing byte', '8000'],
    ['truncated string', '8261'],
    ['truncated list', 'c261'],
    ['single byte with a header', '8161'],
    ['long form of a short length', 'b80161'],
    ['long form with a leading zero', 'b90038' + '61'.repeat(56)],
    ['length cut off', 'b9'],
    ['length of length beyond memory', 'bf' + 'ff'.repeat(8)],
    ['item that leaves its list', 'c1826161'],
    ['empty item header in a list', 'c1bf'],
  ])('refuses %s', (_, hex) => {
    expect(decode(hex)).toBeUndefined()
  })

  it('refuses lists nested deeper than a transaction nests them', () => {
    expect(decode('c3c2c1c0')).toEqual([[[[]]]])
    expect(decode('c4c3c2c1c0')).toBeUndefined()
    const deep = Uint8Array.from({ length: 100_000 }, () => 0xc1)
    expect(decodeRlp(deep)).toBeUndefined()
  })

  it('does work in proportion to the bytes: twice the items, at most twice the reads', () => {
    expect(reads(4000)).toBeLessThan(2.1 * reads(2000))
  })
})
