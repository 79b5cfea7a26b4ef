import { describe, expect, it, jest } from '@jest/globals'
import { keccak_256 } from '@noble/hashes/sha3.js'
import * as fc from 'fast-check'
import { BUILT_IN_ASSETS } from '../../../../handler/policy/chains/assets.ts'
import { parseLegacy } from '../../../../handler/policy/rawtx/preimage.ts'
import { p2pkh as pkh } from '../../../../handler/policy/chains/utxo-address.ts'
import { verifyRawTx } from '../../../../handler/policy/rawtx/verify.ts'
import { fromBaseUnits } from '../../../../handler/protocol/decimal.ts'
import type { ReadableTx } from '../../../../handler/policy/rawtx/readable.ts'
import { counted } from '../../../fixtures/counted-bytes.ts'
import type { Kind } from '../../../fixtures/utxo-preimages.ts'
import { payloadOf, preimage } from '../../../fixtures/utxo-preimages.ts'
import { jsonValue, sampleRequest } from '../../../fixtures/tx-request.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('published samples', () => {
  const ours = { isOwn: () => true }

  it.each(['eth', 'ethExact', 'btcSegwit'] as const)('%s is verified', (name) => {
    expect(verifyRawTx(sampleRequest(name), BUILT_IN_ASSETS, ours)).toEqual({
      status: 'verified',
      facts: {},
    })
  })

  it('btcLegacy: the fee is unproven, legacy signatures do not commit to input amounts', () => {
    expect(verifyRawTx(sampleRequest('btcLegacy'), BUILT_IN_ASSETS, ours)).toEqual({
      status: 'unproven',
      unproven: ['fee'],
      facts: {},
    })
  })

  it.each(['eth', 'ethExact', 'btcSegwit'] as const)(
    '%s pays a vault account whose address nobody has told',
    (name) => {
      expect(verifyRawTx(sampleRequest(name), BUILT_IN_ASSETS)).toEqual({
        status: 'unproven',
        unproven: ['vault-address'],
        facts: {},
      })
    },
  )
})

describe('a chain whose transactions are not decoded', () => {
  it('is unverifiable, and named', () => {
    expect(verifyRawTx({ ...sampleRequest('eth'), asset: 'SOL' }, BUILT_IN_ASSETS)).toMatchObject({
      status: 'unverifiable',
      reason: 'raw transactions of family `solana` are not decoded',
    })
  })
})

describe('hostile input', () => {
  it('a fault inside is unverifiable, never a pass and never a throw', () => {
    const request = {
      ...sampleRequest('eth'),
      get operation(): string {
        throw new Error('broken\u0000')
      },
    }
    expect(verifyRawTx(request, BUILT_IN_ASSETS)).toEqual({
      status: 'unverifiable',
      reason: 'internal error: broken?',
      facts: {},
    })
  })

  it('any bytes, cut, extended or made up: never verified, and never an internal error', () => {
    const samples = (['eth', 'btcLegacy', 'btcSegwit'] as const).map(sampleRequest)
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        fc.boolean(),
        (sample, at, noise, whole) => {
          const rawTx = (sample.rawTx ?? []).map((entry) => {
            const text = entry.rawTx ?? ''
            const kept = whole ? '' : text.slice(0, 2 * (at % (text.length / 2)))
            const bytes = kept + hex(noise)
            const payload =
              sample.asset === 'ETH'
                ? hex(keccak_256(Buffer.from(bytes, 'hex')))
                : payloadOf('legacy', bytes)
            return { ...entry, rawTx: bytes, payload }
          })
          const verdict = verifyRawTx({ ...sample, rawTx }, BUILT_IN_ASSETS)
          expect(['unverifiable', 'mismatch']).toContain(verdict.status)
          expect(JSON.stringify(verdict)).not.toContain('internal error')
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('any JSON in the extra parameters: never an internal error', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom('RAW', 'TYPED_MESSAGE', 'TRANSFER', 'CONTRACT_CALL'),
        fc.constantFrom('rawMessageData', 'psbt', 'contractCallData'),
        (value, operation, name) => {
          const given =
            name === 'rawMessageData' ? { messages: [{ type: 'EIP712', content: value }] } : value
          for (const sample of ['eth', 'btcSegwit'] as const) {
            const request = {
              ...sampleRequest(sample),
              operation,
              extraParameters: { [name]: jsonValue(given) },
            }
            expect(JSON.stringify(verifyRawTx(request, BUILT_IN_ASSETS))).not.toContain('internal')
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('what is found is shown printable and short', () => {
    const request = { ...sampleRequest('eth'), asset: `\u202e${'x'.repeat(500)}` }
    const verdict = verifyRawTx(request, BUILT_IN_ASSETS)
    const reason = `asset \`?${'x'.repeat(151)}~`
    expect(verdict).toMatchObject({ status: 'unverifiable', reason })
  })
})

/** Blocks that SHA-256 reads while the verdict is made: 16 words each, all read through one function. */
function blocksHashed(request: ReadableTx): number {
  const reads = jest.spyOn(DataView.prototype, 'getUint32')
  try {
    expect(['verified', 'unproven']).toContain(verifyRawTx(request, BUILT_IN_ASSETS).status)
    return reads.mock.calls.length / 16
  } finally {
    reads.mockRestore()
  }
}

const size = ({ rawTx }: ReadableTx) =>
  (rawTx ?? []).reduce((sum, entry) => sum + (entry.rawTx ?? '').length / 2, 0)

const path = '[44,0,0,0,0]'
const script = pkh('84d685df1cf10dd7849402eef1d902bbbeec721a')

/** All inputs of one transaction: a payment and change to the inputs' key. */
function spend(kind: Kind, count: number): ReadableTx {
  const tx = {
    version: 1,
    inputs: Array.from({ length: count }, (_, index) => ({
      txid: 'ab'.repeat(32),
      index,
      sequence: 0xffffffff,
      script,
      units: 1000n,
    })),
    outputs: [
      { units: 500n, script: '001495f6fbf9976938f6bffc646adf8b54a8f70620eb' },
      { units: 1000n * BigInt(count) - 600n, script },
    ],
    locktime: 0,
  }
  const amount = fromBaseUnits(500n, 8)
  return {
    ...sampleRequest('btcSegwit'),
    sourceId: '0',
    amount,
    requestedAmount: amount,
    fee: fromBaseUnits(100n, 8),
    destinations: undefined,
    rawTx: tx.inputs.map((_, position) => ({
      ...preimage(kind, tx, position),
      keyDerivationPath: path,
    })),
  }
}

const reads = (count: number) => {
  const [entry] = spend('legacy', count).rawTx ?? []
  const { bytes, count: work } = counted(Buffer.from(entry?.rawTx ?? '', 'hex'))
  expect(parseLegacy(bytes)?.inputs).toHaveLength(count)
  return work()
}

describe('work', () => {
  it.each(['legacy', 'bip143'] as const)(
    '%s: hashing grows with the bytes of the request, not with their square',
    (kind) => {
      const [small, large] = [spend(kind, 20), spend(kind, 80)]
      const perByte = (request: ReadableTx) => blocksHashed(request) / size(request)
      expect(blocksHashed(small)).toBeGreaterThan(20)
      expect(perByte(large)).toBeLessThan(1.1 * perByte(small))
    },
  )

  it('preimages are read from front to back, once', () => {
    expect(reads(200)).toBeLessThan(2.1 * reads(100))
  })
})
