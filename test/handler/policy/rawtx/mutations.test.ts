import { describe, expect, it } from '@jest/globals'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { BUILT_IN_ASSETS } from '../../../../handler/policy/chains/assets.ts'
import { verifyRawTx } from '../../../../handler/policy/rawtx/verify.ts'
import {
  compareDecimals,
  formatDecimal,
  parseDecimal,
} from '../../../../handler/protocol/decimal.ts'
import type { ReadableTx } from '../../../../handler/policy/rawtx/readable.ts'
import { samplePayload, sampleRequest } from '../../../fixtures/tx-request.ts'
import { payloadOf } from '../../../fixtures/utxo-preimages.ts'

const NAMES = ['eth', 'ethExact', 'btcLegacy', 'btcSegwit'] as const

/** Account and address of the samples are taken for ours, so that nothing but the change matters. */
const verdictOf = (request: ReadableTx) =>
  verifyRawTx(request, BUILT_IN_ASSETS, { isOwn: () => true })

const statusOf = (request: ReadableTx) => verdictOf(request).status

/** A legacy signature commits to no input amount: with nothing but the fee unproven it passes for as much as it can. */
const passes = (request: ReadableTx) => {
  const verdict = verdictOf(request)
  return (
    verdict.status === 'verified' ||
    (verdict.status === 'unproven' && verdict.unproven.join() === 'fee' && !isEvm(request))
  )
}
const isEvm = ({ asset }: ReadableTx) => asset === 'ETH'

/** Every text that differs from `text` in one bit of one character. */
function* bitFlips(text: string): Generator<string> {
  for (let index = 0; index < text.length; index += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const changed = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit))
      yield text.slice(0, index) + changed + text.slice(index + 1)
    }
  }
}

/** Every hex text whose bytes differ in one bit. */
function* byteFlips(hex: string): Generator<{ at: number; hex: string }> {
  for (let at = 0; at < hex.length / 2; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const byte = parseInt(hex.slice(2 * at, 2 * at + 2), 16) ^ (1 << bit)
      const changed = byte.toString(16).padStart(2, '0')
      yield { at, hex: hex.slice(0, 2 * at) + changed + hex.slice(2 * at + 2) }
    }
  }
}

const entriesOf = ({ rawTx }: ReadableTx) => rawTx ?? []

function withEntry(request: ReadableTx, index: number, change: object): ReadableTx {
  const rawTx = entriesOf(request).map((entry, at) =>
    at === index ? { ...entry, ...change } : entry,
  )
  return { ...request, rawTx }
}

describe.each(NAMES)('%s: every bit of', (name) => {
  const sample = sampleRequest(name)

  it('the sample passes as it is', () => {
    expect(passes(sample)).toBe(true)
  })

  it.each(['rawTx', 'payload'] as const)('%s, as text, is noticed', (field) => {
    const changed = entriesOf(sample).flatMap((entry, index) =>
      [...bitFlips(entry[field] ?? '')].map((text) => withEntry(sample, index, { [field]: text })),
    )
    expect(changed.length).toBeGreaterThanOrEqual(8 * 64)
    expect(changed.filter(passes)).toEqual([])
  })

  it('the address, the account and the asset is noticed', () => {
    for (const field of ['destAddress', 'sourceId', 'sourceType', 'asset', 'operation'] as const) {
      const changed = [...bitFlips(sample[field] ?? '')]
      expect(changed.filter((text) => passes({ ...sample, [field]: text }))).toEqual([])
    }
    const [first] = sample.destinations ?? []
    for (const field of ['displayDstAddress', 'dstAddress'] as const) {
      const changed = [...bitFlips(first?.[field] ?? '')]
      const destinations = (text: string) =>
        first === undefined ? [] : [{ ...first, [field]: text }]
      const found = changed.filter((text) =>
        passes({ ...sample, destinations: destinations(text) }),
      )
      expect(found).toEqual([])
    }
  })

  it('each amount is noticed', () => {
    const payload = samplePayload(name)
    for (const [field, member] of [
      ['amountStr', 'amount'],
      ['requestedAmountStr', 'requestedAmount'],
    ] as const) {
      for (const changed of bitFlips(payload[field] as string)) {
        const other = parseDecimal(changed)
        // A text that is no decimal is refused before it comes here.
        if (other !== undefined) expect(passes({ ...sample, [member]: other })).toBe(false)
      }
    }
    const [first] = sample.destinations ?? []
    for (const changed of bitFlips(payload.destinations[0]?.['amountNativeStr'] as string)) {
      const other = parseDecimal(changed)
      const destinations = first === undefined ? [] : [{ ...first, amountNative: other }]
      if (other !== undefined) expect(passes({ ...sample, destinations })).toBe(false)
    }
  })

  it('purpose, coin and account of the key’s path is noticed', () => {
    for (const [index, entry] of entriesOf(sample).entries()) {
      const path = entry.keyDerivationPath ?? ''
      const account = path.indexOf(',', path.indexOf(',') + 1)
      const checked = path.indexOf(',', account + 1)
      const changed = [...bitFlips(path.slice(0, checked))].map((text) =>
        withEntry(sample, index, { keyDerivationPath: text + path.slice(checked) }),
      )
      expect(changed.filter(passes)).toEqual([])
    }
  })

  it('the fee: less than what is signed is noticed', () => {
    const fee = sample.fee ?? { units: 0n, scale: 0 }
    for (const changed of bitFlips(formatDecimal(fee))) {
      const other = parseDecimal(changed)
      if (other === undefined || compareDecimals(other, fee) >= 0) continue
      expect(statusOf({ ...sample, fee: other })).not.toBe('verified')
    }
  })
})

describe('every bit of the bytes with the hash made to fit is noticed, but for what a request does not say', () => {
  /** Byte ranges [from, to) in which a change agrees with the request. */
  const FREE: Record<(typeof NAMES)[number], readonly (readonly [number, number])[]> = {
    // Nonce and priority fee; less gas or a lower price costs less than the request allows.
    eth: [
      [3, 4],
      [5, 9],
      [10, 15],
      [16, 18],
    ],
    ethExact: [
      [3, 4],
      [5, 9],
      [10, 15],
      [16, 18],
    ],
    btcLegacy: [],
    btcSegwit: [],
  }

  it.each(NAMES)('%s', (name) => {
    const sample = sampleRequest(name)
    const passed: number[] = []
    for (const [index, entry] of entriesOf(sample).entries()) {
      for (const { at, hex } of byteFlips(entry.rawTx ?? '')) {
        const payload = name.startsWith('eth')
          ? Buffer.from(keccak_256(Buffer.from(hex, 'hex'))).toString('hex')
          : payloadOf('bip143', hex)
        const free = FREE[name].some(([from, to]) => at >= from && at < to)
        if (!free && passes(withEntry(sample, index, { rawTx: hex, payload }))) passed.push(at)
      }
    }
    expect(passed).toEqual([])
  })
})
