import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { ripemd160 } from '@noble/hashes/legacy.js'
import { Address, Transaction } from '@scure/btc-signer'
import * as fc from 'fast-check'
import { BUILT_IN_ASSETS, mergeAssets } from '../../../../handler/policy/chains/assets.ts'
import type { RawTxOptions } from '../../../../handler/policy/rawtx/verify.ts'
import { verifyRawTx } from '../../../../handler/policy/rawtx/verify.ts'
import { parsePsbt } from '../../../../handler/policy/rawtx/psbt.ts'
import { sighashName } from '../../../../handler/policy/rawtx/sighash-type.ts'
import { fromBaseUnits } from '../../../../handler/protocol/decimal.ts'
import { isObject } from '../../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../../handler/protocol/parse-request.ts'
import type { ReadableTx } from '../../../../handler/policy/rawtx/readable.ts'
import { parseStrictJson } from '../../../../handler/protocol/strict-json.ts'
import { destination, txRequest } from '../../../fixtures/tx-request.ts'
import type {
  Kind,
  PreimageEntry,
  TxDescription,
  TxInput,
} from '../../../fixtures/utxo-preimages.ts'
import {
  le,
  payloadOf,
  preimage,
  psbt,
  sha256,
  sized,
  unsigned,
} from '../../../fixtures/utxo-preimages.ts'

const OURS = '84d685df1cf10dd7849402eef1d902bbbeec721a'
const THEIRS = '95f6fbf9976938f6bffc646adf8b54a8f70620eb'
const pkh = (hash: string) => `76a914${hash}88ac`
const wpkh = (hash: string) => `0014${hash}`
const PAYEE = 'bc1qjhm0h7vhdyu0d0luv34dlz654rmsvg8twywk99'
const PAYEE_SCRIPT = wpkh(THEIRS)
const LEGACY_PAYEE = '1DpivPqJkLxbRwm4GpxXsNPKS29ou1NYdC'
const LEGACY_SCRIPT = pkh('8ca80d9b17cdba4b0f9b117c92852ca04a697839')

const input = (index: number, script = pkh(OURS), units = 50_000n): TxInput => ({
  txid: `${'ab'.repeat(31)}${le(index, 1)}`,
  index,
  sequence: 0xffffffff,
  script,
  units,
})

/** 2 × 50000 in, 60000 to the payee, 39000 back, 1000 for the miner. */
const standard: TxDescription = {
  version: 2,
  inputs: [input(0), input(1)],
  outputs: [
    { units: 60_000n, script: PAYEE_SCRIPT },
    { units: 39_000n, script: wpkh(OURS) },
  ],
  locktime: 0,
}

const all = (kind: Kind, tx: TxDescription, hashType?: number) =>
  tx.inputs.map((_, position) => preimage(kind, tx, position, hashType))

function request(entries: readonly PreimageEntry[], fields: Partial<ReadableTx> = {}) {
  const amount = fromBaseUnits(60_000n, 8)
  return txRequest({
    asset: 'BTC',
    amount,
    requestedAmount: amount,
    fee: fromBaseUnits(1000n, 8),
    destAddress: PAYEE,
    rawTx: entries.map((entry) => ({ ...entry, keyDerivationPath: '[ 44, 0, 0, 0, 0 ]' })),
    ...fields,
  })
}

const verify = (
  entries: readonly PreimageEntry[],
  fields: Partial<ReadableTx> = {},
  options: RawTxOptions = {},
) => verifyRawTx(request(entries, fields), BUILT_IN_ASSETS, options)

const FEE_UNPROVEN = { status: 'unproven', unproven: ['fee'], facts: {} }

const outputs = (...list: [bigint, string][]): TxDescription => ({
  ...standard,
  outputs: list.map(([units, script]) => ({ units, script })),
})

const withPsbt = (tx: TxDescription, fields = {}) => ({
  extraParameters: { psbt: psbt(tx) },
  ...fields,
})

const record = (value: string) => `0100fd${le(value.length / 2, 2)}${value}`

const small = (value: string) => `0100${le(value.length / 2, 1)}${value}`

const path = (coin: number) => `[ 44, ${coin}, 0, 0, 0 ]`

const noise = (hex: string) => ({ rawTx: hex, payload: payloadOf('legacy', hex) })

const forkidName = (hashType: number) =>
  sighashName({ kind: 'bip143', hashType }, { hashing: 'forkid' })

describe('BIP-143: outputs are rebuilt', () => {
  it.each<[string, TxDescription]>([
    ['change last', standard],
    ['change first', { ...standard, outputs: standard.outputs.toReversed() }],
    ['change to the key, legacy form', outputs([60_000n, PAYEE_SCRIPT], [39_000n, pkh(OURS)])],
    [
      'no change, exact fee',
      {
        ...standard,
        inputs: [input(0, pkh(OURS), 61_000n)],
        outputs: standard.outputs.slice(0, 1),
      },
    ],
    [
      'no change, lower fee',
      {
        ...standard,
        inputs: [input(0, pkh(OURS), 60_500n)],
        outputs: standard.outputs.slice(0, 1),
      },
    ],
  ])('%s: verified', (_, tx) => {
    expect(verify(all('bip143', tx))).toEqual({ status: 'verified', facts: {} })
  })

  it('no change and a higher fee: mismatch', () => {
    expect(
      verify(all('bip143', { ...standard, outputs: standard.outputs.slice(0, 1) })),
    ).toMatchObject({
      status: 'mismatch',
      field: 'fee',
      found: '40000',
    })
  })

  it('outputs beyond the inputs: mismatch', () => {
    const tx = { ...standard, inputs: [input(0)], outputs: standard.outputs.slice(0, 1) }
    expect(verify(all('bip143', tx))).toMatchObject({ status: 'mismatch', field: 'fee' })
  })

  it('gross: the fee comes out of the requested amount', () => {
    const tx = outputs([59_000n, PAYEE_SCRIPT], [40_000n, wpkh(OURS)])
    expect(verify(all('bip143', tx))).toEqual({ status: 'verified', facts: { gross: true } })
  })

  it.each<[string, TxDescription]>([
    ['change to a stranger', outputs([60_000n, PAYEE_SCRIPT], [39_000n, wpkh('11'.repeat(20))])],
    ['another recipient', outputs([60_000n, LEGACY_SCRIPT], [39_000n, wpkh(OURS)])],
    ['another amount', outputs([60_001n, PAYEE_SCRIPT], [38_999n, wpkh(OURS)])],
    [
      'a third output',
      outputs([60_000n, PAYEE_SCRIPT], [38_000n, wpkh(OURS)], [1000n, LEGACY_SCRIPT]),
    ],
  ])('%s: unverifiable', (_, tx) => {
    expect(verify(all('bip143', tx))).toMatchObject({
      status: 'unverifiable',
      reason: 'the outputs cannot be rebuilt from the request',
    })
  })

  it('change to a known address of ours: verified, although the inputs have several keys', () => {
    const tx = {
      ...standard,
      inputs: [input(0), input(1, pkh('22'.repeat(20)))],
      outputs: [
        standard.outputs[0] ?? { units: 0n, script: '' },
        { units: 39_000n, script: LEGACY_SCRIPT },
      ],
    }
    const options = { changeAddresses: ['not an address', LEGACY_PAYEE] }
    expect(verify(all('bip143', tx), {}, options)).toEqual({ status: 'verified', facts: {} })
  })

  it('change to the key of one input among several keys is not provable: it may be a stranger’s input', () => {
    const tx = { ...standard, inputs: [input(0), input(1, pkh('22'.repeat(20)))] }
    expect(verify(all('bip143', tx))).toMatchObject({ status: 'unverifiable' })
  })

  it('script codes that are not a key hash prove no change', () => {
    const tx = { ...standard, inputs: [input(0, '51'), input(1, '51')] }
    expect(verify(all('bip143', tx))).toMatchObject({ status: 'unverifiable' })
  })

  it('several destinations: verified when all are paid, in their order', () => {
    const tx = outputs([60_000n, PAYEE_SCRIPT], [9_000n, LEGACY_SCRIPT], [30_000n, wpkh(OURS)])
    const fields = {
      amount: fromBaseUnits(69_000n, 8),
      requestedAmount: fromBaseUnits(69_000n, 8),
      destinations: [
        destination({ displayDstAddress: PAYEE, amountNative: fromBaseUnits(60_000n, 8) }),
        destination({ displayDstAddress: LEGACY_PAYEE, amountNative: fromBaseUnits(9_000n, 8) }),
      ],
    }
    expect(verify(all('bip143', tx), fields)).toEqual({ status: 'verified', facts: {} })
  })

  it('inputs missing from the entries, or in another order: unverifiable', () => {
    const entries = all('bip143', standard)
    expect(verify(entries.slice(0, 1))).toMatchObject({
      status: 'unverifiable',
      reason: 'the entries are not all inputs of the transaction, in order',
    })
    expect(verify(entries.toReversed())).toMatchObject({ status: 'unverifiable' })
    const other = preimage('bip143', { ...standard, inputs: [{ ...input(0), sequence: 1 }] }, 0)
    const tampered = other.rawTx.slice(0, 72) + '00'.repeat(32) + other.rawTx.slice(136)
    expect(verify([{ rawTx: tampered, payload: payloadOf('bip143', tampered) }])).toMatchObject({
      status: 'unverifiable',
    })
  })
})

describe('legacy: outputs are in the bytes', () => {
  it('destination and change to the key of the inputs: all but the fee is proven', () => {
    expect(verify(all('legacy', standard))).toEqual({
      status: 'unproven',
      unproven: ['fee'],
      facts: {},
    })
  })

  it('gross: all but the fee is proven', () => {
    const tx = outputs([59_000n, PAYEE_SCRIPT], [40_000n, wpkh(OURS)])
    expect(verify(all('legacy', tx))).toEqual({
      status: 'unproven',
      unproven: ['fee'],
      facts: { gross: true },
    })
  })

  it('change in a P2SH-wrapped witness of the key: known to be ours', () => {
    const wrapped = `a914${hash160(wpkh(OURS))}87`
    const tx = outputs([60_000n, PAYEE_SCRIPT], [39_000n, wrapped])
    expect(verify(all('legacy', tx))).toEqual(FEE_UNPROVEN)
  })

  it('another output: unverifiable, its change unproven', () => {
    const tx = outputs([60_000n, PAYEE_SCRIPT], [39_000n, wpkh('11'.repeat(20))])
    expect(verify(all('legacy', tx))).toMatchObject({
      status: 'unverifiable',
      reason: expect.stringContaining('neither a destination nor provably change'),
    })
  })

  it.each<[string, TxDescription]>([
    ['no output for the destination', outputs([60_000n, LEGACY_SCRIPT], [39_000n, wpkh(OURS)])],
    ['another amount', outputs([60_001n, PAYEE_SCRIPT], [38_999n, wpkh(OURS)])],
    ['the destination twice', outputs([60_000n, PAYEE_SCRIPT], [60_000n, PAYEE_SCRIPT])],
    ['no outputs', outputs()],
  ])('%s: mismatch', (_, tx) => {
    expect(verify(all('legacy', tx))).toMatchObject({ status: 'mismatch', field: 'rawTx.outputs' })
  })

  // Each output may serve one destination only: with the counting removed every other test passed.
  it('two destinations of one amount, the first paid twice and the second not: mismatch', () => {
    const part = fromBaseUnits(30_000n, 8)
    const fields = {
      destAddress: undefined,
      destinations: [
        destination({ displayDstAddress: PAYEE, amountNative: part }),
        destination({ displayDstAddress: LEGACY_PAYEE, amountNative: part }),
      ],
    }
    const paying = (first: string, second: string) =>
      outputs([30_000n, first], [30_000n, second], [39_000n, wpkh(OURS)])
    const right = all('legacy', paying(PAYEE_SCRIPT, LEGACY_SCRIPT))
    expect(verify(right, fields)).toEqual(FEE_UNPROVEN)
    for (const script of [PAYEE_SCRIPT, LEGACY_SCRIPT]) {
      expect(verify(all('legacy', paying(script, script)), fields)).toMatchObject({
        status: 'mismatch',
        field: 'rawTx.outputs',
      })
    }
  })

  it('entries of different transactions: mismatch', () => {
    const [first] = all('legacy', standard)
    const [, second] = all('legacy', { ...standard, locktime: 1 })
    const [, third] = all('legacy', outputs([60_000n, PAYEE_SCRIPT]))
    for (const other of [second, third, first]) {
      expect(verify([first, other].filter((each) => each !== undefined))).toMatchObject({
        status: 'mismatch',
      })
    }
  })

  it('with witness inputs: one transaction, its fee unproven', () => {
    const mixed = [preimage('legacy', standard, 0), preimage('bip143', standard, 1)]
    expect(verify(mixed)).toEqual(FEE_UNPROVEN)
  })

  it('with a witness input of another transaction: mismatch', () => {
    for (const tx of [
      outputs([60_000n, PAYEE_SCRIPT]),
      { ...standard, inputs: [input(0), input(7)] },
      { ...standard, inputs: [input(7), input(1)] },
      { ...standard, inputs: [{ ...input(0), sequence: 1 }, input(1)] },
    ]) {
      const mixed = [preimage('legacy', standard, 0), preimage('bip143', tx, 1)]
      expect(verify(mixed)).toMatchObject({ status: 'mismatch' })
    }
  })

  it('a payee that is ourselves may be paid and get change', () => {
    const tx = outputs([60_000n, wpkh(OURS)], [39_000n, wpkh(OURS)])
    const address = Address().encode({ type: 'wpkh', hash: Buffer.from(OURS, 'hex') })
    expect(verify(all('legacy', tx), { destAddress: address })).toEqual(FEE_UNPROVEN)
  })
})

describe('BIP-341', () => {
  const script = `5120${'33'.repeat(32)}`
  const taproot: TxDescription = {
    ...standard,
    inputs: [input(0, script), input(1, script)],
    outputs: [
      { units: 60_000n, script: PAYEE_SCRIPT },
      { units: 39_000n, script },
    ],
  }
  it('with the PSBT of the transaction: verified, fee and change included', () => {
    expect(verify(all('taproot', taproot), withPsbt(taproot))).toEqual({
      status: 'verified',
      facts: {},
    })
    expect(verify(all('taproot', taproot, 1), withPsbt(taproot))).toMatchObject({
      status: 'verified',
    })
  })

  it('without it: only a transaction without change can be rebuilt, its fee unproven', () => {
    const tx = { ...taproot, outputs: taproot.outputs.slice(0, 1) }
    expect(verify(all('taproot', tx))).toEqual(FEE_UNPROVEN)
    expect(verify(all('taproot', taproot))).toMatchObject({ status: 'unverifiable' })
  })

  it('a fee above the stated one: mismatch', () => {
    const fields = withPsbt(taproot, { fee: fromBaseUnits(999n, 8) })
    expect(verify(all('taproot', taproot), fields)).toMatchObject({
      status: 'mismatch',
      field: 'fee',
    })
  })

  it('inputs of several keys: change is not provable', () => {
    const tx = { ...taproot, inputs: [input(0, script), input(1, `5120${'44'.repeat(32)}`)] }
    expect(verify(all('taproot', tx), withPsbt(tx))).toMatchObject({
      status: 'unverifiable',
      reason: expect.stringContaining('neither a destination nor provably change'),
    })
  })

  it('a PSBT that does not say what is spent: outputs known, change unproven', () => {
    const fields = { extraParameters: { psbt: psbt(taproot, (position) => position > 0) } }
    expect(verify(all('taproot', taproot), fields)).toMatchObject({
      status: 'unverifiable',
      reason: expect.stringContaining('neither a destination nor provably change'),
    })
  })

  it.each<[string, TxDescription]>([
    ['other inputs', { ...taproot, inputs: [input(0, script), input(9, script)] }],
    [
      'other sequences',
      { ...taproot, inputs: [input(0, script), { ...input(1, script), sequence: 5 }] },
    ],
    ['other amounts', { ...taproot, inputs: [input(0, script), input(1, script, 1n)] }],
    ['other scripts', { ...taproot, inputs: [input(0, script), input(1, wpkh(OURS))] }],
    ['other outputs', { ...taproot, outputs: standard.outputs }],
    ['another version', { ...taproot, version: 1 }],
    ['another lock time', { ...taproot, locktime: 9 }],
  ])('a PSBT with %s: mismatch', (_, tx) => {
    expect(verify(all('taproot', taproot), withPsbt(tx))).toMatchObject({ status: 'mismatch' })
  })

  it.each([2, 7])('input %i of a transaction that has two: mismatch', (position) => {
    const entry = preimage('taproot', taproot, position)
    expect(verify([entry], withPsbt(taproot))).toMatchObject({ status: 'mismatch' })
  })

  it('beside a witness input: both commit to the same outputs', () => {
    const tx = { ...taproot, outputs: taproot.outputs.slice(0, 1) }
    const mixed = [preimage('taproot', tx, 0), preimage('bip143', tx, 1)]
    expect(verify(mixed)).toEqual(FEE_UNPROVEN)
    const given = { extraParameters: { psbt: psbt(tx) } }
    const lying = { ...tx, inputs: [input(0, script), input(1, script, 50_001n)] }
    const half = [preimage('taproot', tx, 0), preimage('bip143', lying, 1)]
    // Found by comparison with another library: the amounts that taproot commits to are those of all inputs.
    expect(verify(half, given)).toMatchObject({ status: 'mismatch', field: 'rawTx[1].amount' })
    const other = [preimage('taproot', tx, 0), preimage('bip143', standard, 1)]
    expect(verify(other)).toMatchObject({ status: 'unverifiable' })
  })

  it('script path, annex, or another epoch: unverifiable', () => {
    const { rawTx } = preimage('taproot', taproot, 0)
    const spendType = rawTx.slice(0, -10) + '02' + rawTx.slice(-8)
    for (const text of [`${rawTx}00`, `01${rawTx.slice(2)}`, spendType]) {
      expect(verify([{ rawTx: text, payload: payloadOf('taproot', text) }])).toMatchObject({
        status: 'unverifiable',
      })
    }
  })
})

const wrap = (value: string) => (value.length / 2 < 0xfd ? small(value) : record(value))

describe('PSBT beside preimages with their own data', () => {
  it('the same transaction: verified, and the fee proven by witness amounts', () => {
    const tx = outputs([39_000n, wpkh(OURS)], [60_000n, PAYEE_SCRIPT])
    const shuffled = { extraParameters: { psbt: Buffer.from(psbt(tx), 'hex').toString('base64') } }
    expect(verify(all('bip143', tx), shuffled)).toEqual({ status: 'verified', facts: {} })
    expect(verify(all('legacy', tx), shuffled)).toEqual(FEE_UNPROVEN)
  })

  it('another one: mismatch', () => {
    const other = { extraParameters: { psbt: psbt(outputs([60_000n, LEGACY_SCRIPT])) } }
    const moved = { extraParameters: { psbt: psbt({ ...standard, inputs: [input(5), input(6)] }) } }
    for (const kind of ['legacy', 'bip143'] as const) {
      for (const fields of [other, moved]) {
        expect(verify(all(kind, standard), fields)).toMatchObject({ status: 'mismatch' })
      }
    }
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 5],
    ['text that is no base64', '?'],
    ['too long', 'A'.repeat(1024 * 1024 + 4)],
    ['another magic', Buffer.from('psbx').toString('base64')],
    ['upper-case hex', psbt(standard).toUpperCase()],
    [
      'hex that goes on in upper case',
      `${psbt(standard).slice(0, 10)}${psbt(standard).slice(10).toUpperCase()}`,
    ],
    ['cut short', psbt(standard).slice(0, -2)],
    ['trailing bytes', `${psbt(standard)}00`],
    ['no transaction', '70736274ff00'],
    [
      'a transaction with trailing bytes',
      psbt(standard).replace(unsigned(standard), `${unsigned(standard)}00`),
    ],
    ['a key twice', psbt(standard).replace('70736274ff', '70736274ff01fb040102030401fb0401020304')],
  ])('%s: unverifiable', (_, text) => {
    const fields = { extraParameters: { psbt: text as string } }
    expect(verify(all('bip143', standard), fields)).toMatchObject({
      status: 'unverifiable',
      reason: '`psbt` cannot be read',
    })
  })

  it('spent outputs come from whole earlier transactions too, if they hash to the outpoint', () => {
    const script = `5120${'33'.repeat(32)}`
    const earlier = unsigned({ ...standard, outputs: [{ units: 61_000n, script }] })
    const spend: TxInput = { ...input(0, script, 61_000n), txid: sha256(sha256(earlier)) }
    const tx = { ...standard, inputs: [spend], outputs: standard.outputs.slice(0, 1) }
    const bare = psbt(tx, () => false)
    const given = (value: string) => `${bare.slice(0, -4)}${wrap(value)}0000`
    const check = (text: string) => verify(all('taproot', tx), { extraParameters: { psbt: text } })
    expect(check(given(earlier))).toEqual({ status: 'verified', facts: {} })
    expect(check(given(unsigned(standard)))).toEqual({
      status: 'unproven',
      unproven: ['fee'],
      facts: {},
    })
    const witness = `${bare.slice(0, -4)}010105${'00'.repeat(5)}0000`
    expect(check(witness)).toEqual(FEE_UNPROVEN)
  })

  it('an earlier transaction that is no transaction: not believed', () => {
    const nothing = '00'.repeat(20)
    const tx = { ...standard, inputs: [{ ...input(0), txid: sha256(sha256(nothing)) }] }
    const text = `${psbt({ ...tx, outputs: tx.outputs.slice(0, 1) }, () => false).slice(0, -4)}010014${nothing}0000`
    const fields = { extraParameters: { psbt: text } }
    expect(verify(all('taproot', { ...tx, outputs: tx.outputs.slice(0, 1) }), fields)).toEqual({
      status: 'unproven',
      unproven: ['fee'],
      facts: {},
    })
  })
})

describe('signature hash types', () => {
  const open = { allowedSighashTypes: ['ALL', 'ALL|ANYONECANPAY'] }

  it.each([
    [0x02, 'NONE'],
    [0x03, 'SINGLE'],
    [0x81, 'ALL|ANYONECANPAY'],
    [0x82, 'NONE|ANYONECANPAY'],
    [0x83, 'SINGLE|ANYONECANPAY'],
    [0x41, '0x41'],
    [0x101, '0x101'],
  ])('%i: mismatch unless the policy names it, and exposed', (hashType, name) => {
    for (const kind of ['legacy', 'bip143'] as const) {
      expect(verify(all(kind, standard, hashType))).toMatchObject({
        status: 'mismatch',
        field: 'rawTx[0].sighashType',
        expected: 'ALL',
        found: name,
        facts: { sighashTypes: [name] },
      })
    }
  })

  it('ALL|ANYONECANPAY, named: verified', () => {
    expect(verify(all('bip143', standard, 0x81), {}, open)).toEqual({
      status: 'verified',
      facts: { sighashTypes: ['ALL|ANYONECANPAY'] },
    })
    expect(verify(all('legacy', standard, 0x81), {}, open)).toMatchObject({
      status: 'unproven',
      unproven: ['fee'],
      facts: {},
    })
    const mixed = [preimage('legacy', standard, 0), preimage('bip143', standard, 1, 0x81)]
    expect(verify(mixed, {}, open)).toMatchObject({ status: 'unproven', unproven: ['fee'] })
    const psbts = { extraParameters: { psbt: psbt(standard) } }
    expect(verify(all('bip143', standard, 0x81), psbts, open)).toMatchObject({
      status: 'unproven',
      unproven: ['fee'],
      facts: {},
    })
  })

  it('ALL|ANYONECANPAY of different transactions or inputs: never verified', () => {
    const [first] = all('legacy', standard, 0x81)
    const [, second] = all('legacy', outputs([60_000n, PAYEE_SCRIPT]), 0x81)
    for (const entries of [
      [first, second],
      [first, first],
    ]) {
      const given = entries.filter((each) => each !== undefined)
      expect(verify(given, {}, open)).toMatchObject({ status: 'mismatch' })
    }
    const foreign = preimage('legacy', { ...standard, inputs: [input(9)] }, 0, 0x81)
    expect(verify([preimage('legacy', standard, 0), foreign], {}, open)).toMatchObject({
      status: 'mismatch',
    })
  })

  it('NONE, named: unverifiable, the outputs are not signed', () => {
    const options = { allowedSighashTypes: ['ALL', 'NONE'] }
    expect(verify(all('legacy', { ...standard, outputs: [] }, 2), {}, options)).toMatchObject({
      status: 'unverifiable',
      facts: { sighashTypes: ['NONE'] },
    })
  })

  it('taproot SINGLE has the length of ALL and is told apart', () => {
    expect(verify(all('taproot', standard, 3))).toMatchObject({
      status: 'mismatch',
      found: 'SINGLE',
    })
  })

  it('forkid networks need their own bit', () => {
    expect([0x41, 0xc1, 0x01, 0x7f].map(forkidName)).toEqual([
      'ALL',
      'ALL|ANYONECANPAY',
      '0x1',
      '0x7f',
    ])
  })
})

const send = (asset: string, coin: number, address: string, entries: readonly PreimageEntry[]) =>
  verifyRawTx(
    request(entries, {
      asset,
      destAddress: address,
      rawTx: entries.map((each) => ({ ...each, keyDerivationPath: path(coin) })),
    }),
    BUILT_IN_ASSETS,
  )

describe('relatives of Bitcoin', () => {
  const tx = outputs([60_000n, pkh(THEIRS)], [39_000n, pkh(OURS)])
  const address = (version: number) =>
    Address({ bech32: 'x', pubKeyHash: version, scriptHash: 5, wif: 0 }).encode({
      type: 'pkh',
      hash: Buffer.from(THEIRS, 'hex'),
    })

  it.each([
    ['DOGE', 3, 0x1e],
    ['DASH', 5, 0x4c],
    ['LTC', 2, 0x30],
  ])('%s, legacy: all but the fee is proven', (asset, coin, version) => {
    expect(send(asset, coin, address(version), all('legacy', tx))).toEqual(FEE_UNPROVEN)
  })

  it.each([
    ['BCH', 145],
    ['BSV', 236],
  ])('%s, BIP-143 with the fork bit: verified', (asset, coin) => {
    expect(send(asset, coin, address(0), all('bip143', tx, 0x41))).toEqual({
      status: 'verified',
      facts: {},
    })
  })

  it('BIP-143 without the fork bit, or a legacy preimage, on BCH: never verified', () => {
    expect(send('BCH', 145, address(0), all('bip143', tx))).toMatchObject({ status: 'mismatch' })
    expect(send('BCH', 145, address(0), all('legacy', tx, 0x41))).toMatchObject({
      status: 'unverifiable',
    })
  })

  it('a witness script is nobody’s change where there are no witnesses', () => {
    const burnt = outputs([60_000n, pkh(THEIRS)], [39_000n, wpkh(OURS)])
    expect(send('DOGE', 3, address(0x1e), all('legacy', burnt))).toMatchObject({
      status: 'unverifiable',
    })
  })

  it('BIP-143 on a network without witnesses: unverifiable', () => {
    expect(send('DOGE', 3, address(0x1e), all('bip143', tx))).toMatchObject({
      status: 'unverifiable',
    })
  })
})

describe('what cannot be read', () => {
  it.each([
    ['noise', '00'],
    ['a legacy preimage with a byte too many', `${preimage('legacy', standard, 0).rawTx}00`],
    ['a BIP-143 preimage with a byte too few', preimage('bip143', standard, 0).rawTx.slice(2)],
    ['a count of inputs that cannot be there', `01000000fe00000001${'00'.repeat(50)}`],
    ['a count of 8 bytes', `01000000ff0100000000000000${'00'.repeat(50)}`],
    ['a count in a longer form than needed', `01000000fd0100${'00'.repeat(60)}`],
    ['no script in any input', unsigned(standard) + '01000000'],
    [
      'a script in two inputs',
      preimage('legacy', standard, 0).rawTx.replace('00ffffffff02', '0151ffffffff02'),
    ],
  ])('%s: unverifiable', (_, hex) => {
    expect(verify([noise(hex)])).toMatchObject({ status: 'unverifiable' })
  })

  it('another hash: mismatch', () => {
    const [entry] = all('bip143', standard)
    expect(verify([{ rawTx: entry?.rawTx ?? '', payload: '0'.repeat(64) }])).toMatchObject({
      field: 'rawTx[0].payload',
    })
  })

  it('no fee, no amount, another operation: unverifiable', () => {
    for (const fields of [{ fee: undefined }, { amount: undefined }, { operation: 'MINT' }]) {
      expect(verify(all('bip143', standard), fields)).toMatchObject({ status: 'unverifiable' })
    }
    const { fee: _, ...fraction } = { fee: 0, amount: fromBaseUnits(1n, 9) }
    expect(
      verify(all('bip143', standard), { ...fraction, requestedAmount: undefined }),
    ).toMatchObject({
      status: 'mismatch',
    })
  })

  it('long scripts and many outputs are serialised as the network does', () => {
    for (const length of [0xfc, 0xfd, 0x10000]) {
      const script = '6a'.repeat(length)
      const tx = outputs([60_000n, PAYEE_SCRIPT], [0n, script])
      const fields = { extraParameters: { psbt: psbt(tx) } }
      expect(verify(all('bip143', tx), fields)).toMatchObject({
        status: 'unverifiable',
        reason: expect.stringContaining('neither a destination nor provably change'),
      })
    }
  })

  it('a change branch that no wallet has: unverifiable', () => {
    const rawTx = all('bip143', standard).map((each) => ({
      ...each,
      keyDerivationPath: '[ 44, 0, 0, 2, 0 ]',
    }))
    expect(verify([], { rawTx })).toMatchObject({ status: 'unverifiable' })
  })
})

/** A PSBT (version 0) whose inputs carry whole earlier transactions; undefined: nothing. */
function psbtWith(tx: TxDescription, earlier: readonly (string | undefined)[]): string {
  const maps = earlier.map((value) => (value === undefined ? '' : wrap(value)) + '00')
  const bare = psbt(tx, () => false)
  const end = tx.inputs.length + tx.outputs.length
  return bare.slice(0, -2 * end) + maps.join('') + '00'.repeat(tx.outputs.length)
}

describe('amounts of inputs', () => {
  const funding = (units: bigint, script: string) =>
    unsigned({ ...standard, outputs: [{ units, script }] })
  const spending = (earlier: string, script = pkh(OURS), units = 50_000n): TxInput => ({
    ...input(0, script, units),
    txid: sha256(sha256(earlier)),
  })
  const first = funding(50_000n, pkh(OURS))
  const second = funding(50_000n, wpkh(OURS))
  const both: TxDescription = { ...standard, inputs: [spending(first), spending(second)] }
  const given = (tx: TxDescription, earlier: readonly (string | undefined)[]) => ({
    extraParameters: { psbt: psbtWith(tx, earlier) },
  })
  const WHOLE = { status: 'verified', facts: {} }

  it('legacy inputs whose earlier transactions are all there: the fee is proven', () => {
    expect(verify(all('legacy', both), given(both, [first, second]))).toEqual(WHOLE)
  })

  it('one of them missing, or another transaction in its place: unproven', () => {
    for (const list of [
      [first, undefined],
      [undefined, second],
      [first, first],
    ]) {
      expect(verify(all('legacy', both), given(both, list))).toEqual(FEE_UNPROVEN)
    }
  })

  it('too much for the miner is then a contradiction', () => {
    const rich = funding(90_000n, pkh(OURS))
    const tx = { ...standard, inputs: [spending(rich), spending(second)] }
    expect(verify(all('legacy', tx), given(tx, [rich, second]))).toMatchObject({
      status: 'mismatch',
      field: 'fee',
      found: '41000',
    })
  })

  it('an earlier transaction with its witnesses has the id of the one without', () => {
    const witnessed = `${second.slice(0, 8)}0001${second.slice(8, -8)}${'0101aa'.repeat(2)}${second.slice(-8)}`
    expect(verify(all('legacy', both), given(both, [first, witnessed]))).toEqual(WHOLE)
    const cut = witnessed.replace('0101aa0101aa', '0101aa0501aa')
    expect(verify(all('legacy', both), given(both, [first, cut]))).toEqual(FEE_UNPROVEN)
  })

  it('an output that the earlier transaction does not have: unproven', () => {
    const tx = { ...both, inputs: [spending(first), { ...spending(second), index: 7 }] }
    expect(verify(all('legacy', tx), given(tx, [first, second]))).toEqual(FEE_UNPROVEN)
  })

  it('legacy and witness inputs together: what the PSBT and the signatures prove adds up', () => {
    const mixed = [preimage('legacy', both, 0), preimage('bip143', both, 1)]
    expect(verify(mixed, given(both, [first, undefined]))).toEqual(WHOLE)
    expect(verify(mixed, given(both, [undefined, second]))).toEqual(FEE_UNPROVEN)
  })

  it('a witness input that claims another amount than its earlier transaction holds: mismatch', () => {
    const lying = { ...both, inputs: [spending(first), spending(second, pkh(OURS), 49_000n)] }
    const mixed = [preimage('legacy', both, 0), preimage('bip143', lying, 1)]
    expect(verify(mixed, given(both, [first, second]))).toMatchObject({
      status: 'mismatch',
      field: 'rawTx[1].amount',
    })
  })
})

describe('PSBT of version 2', () => {
  type Fields = readonly (readonly [string, string])[]
  const map = (fields: Fields) =>
    `${fields.map(([key, value]) => sized(key) + sized(value)).join('')}00`
  const inputMap = ({ txid, index, sequence, units, script }: TxInput): Fields => [
    ['01', le(units, 8) + sized(script)],
    ['0e', txid],
    ['0f', le(index, 4)],
    ['10', le(sequence, 4)],
  ]
  const outputMap = ({ units, script }: TxDescription['outputs'][number]): Fields => [
    ['03', le(units, 8)],
    ['04', script],
  ]
  const globals = (tx: TxDescription): Fields => [
    ['02', le(tx.version, 4)],
    ['03', le(tx.locktime, 4)],
    ['04', le(tx.inputs.length, 1)],
    ['05', le(tx.outputs.length, 1)],
    ['fb', '02000000'],
  ]
  const psbt2 = (
    tx: TxDescription,
    global: Fields = globals(tx),
    ins: readonly Fields[] = tx.inputs.map(inputMap),
    outs: readonly Fields[] = tx.outputs.map(outputMap),
  ) => `70736274ff${map(global)}${[...ins, ...outs].map(map).join('')}`
  const taproot: TxDescription = {
    ...standard,
    inputs: [input(0, `5120${'33'.repeat(32)}`), input(1, `5120${'33'.repeat(32)}`)],
    outputs: [
      { units: 60_000n, script: PAYEE_SCRIPT },
      { units: 39_000n, script: `5120${'33'.repeat(32)}` },
    ],
  }
  const check = (text: string, tx = taproot) =>
    verify(all('taproot', tx), { extraParameters: { psbt: text } })
  const without = (fields: Fields, key: string) => fields.filter(([each]) => each !== key)
  const replaced = (fields: Fields, key: string, value: string): Fields => [
    ...without(fields, key),
    [key, value],
  ]
  const [ofFirst = [], ofSecond = []] = taproot.inputs.map(inputMap)
  const [paid = [], back = []] = taproot.outputs.map(outputMap)

  it('is read like version 0', () => {
    expect(check(psbt2(taproot))).toEqual({ status: 'verified', facts: {} })
    expect(check(Buffer.from(psbt2(taproot), 'hex').toString('base64'))).toMatchObject({
      status: 'verified',
    })
    const other = psbt2({ ...taproot, outputs: taproot.outputs.toReversed() })
    expect(check(other)).toMatchObject({ status: 'mismatch' })
  })

  it('as an independent library writes it', () => {
    const bytes = libraryTransaction(taproot, 2).toPSBT(2)
    expect(check(Buffer.from(bytes).toString('base64'))).toEqual({ status: 'verified', facts: {} })
  })

  it('a sequence and a lock time that are left out are final and 0', () => {
    const inputs = [ofFirst, ofSecond].map((fields) => without(fields, '10'))
    expect(check(psbt2(taproot, without(globals(taproot), '03'), inputs))).toMatchObject({
      status: 'verified',
    })
  })

  it('the lock time is the largest that an input requires, a height where all can have one', () => {
    const height = le(850_000, 4)
    const time = le(1_800_000_000, 4)
    const late = (locktime: number) => ({ ...taproot, locktime })
    const asks = (...fields: Fields[]) => psbt2(taproot, globals(taproot), fields)
    const heights = asks([...ofFirst, ['12', le(5, 4)]], [...ofSecond, ['12', height]])
    expect(check(heights, late(850_000))).toMatchObject({ status: 'verified' })
    const either = asks([...ofFirst, ['12', height], ['11', time]], [...ofSecond, ['12', height]])
    expect(check(either, late(850_000))).toMatchObject({ status: 'verified' })
    const times = asks([...ofFirst, ['12', height], ['11', time]], [...ofSecond, ['11', time]])
    expect(check(times, late(1_800_000_000))).toMatchObject({ status: 'verified' })
    const one = asks(ofFirst, [...ofSecond, ['12', height]])
    expect(check(one, late(850_000))).toMatchObject({ status: 'verified' })
    const neither = asks([...ofFirst, ['12', height]], [...ofSecond, ['11', time]])
    expect(check(neither)).toMatchObject({ reason: '`psbt` cannot be read' })
  })

  it.each<[string, string]>([
    ['a whole transaction beside its parts', psbt2(taproot, [...globals(taproot), ['00', '00']])],
    ['no version of the transaction', psbt2(taproot, without(globals(taproot), '02'))],
    ['no count of inputs', psbt2(taproot, without(globals(taproot), '04'))],
    ['no count of outputs', psbt2(taproot, without(globals(taproot), '05'))],
    ['more inputs than there are', psbt2(taproot, replaced(globals(taproot), '04', 'fdffff'))],
    ['a count with a byte too many', psbt2(taproot, replaced(globals(taproot), '04', '0200'))],
    ['another version', psbt2(taproot, replaced(globals(taproot), 'fb', '01000000'))],
    ['a fallback of another length', psbt2(taproot, replaced(globals(taproot), '03', '00'))],
    [
      'an input without reference',
      psbt2(taproot, globals(taproot), [without(ofFirst, '0e'), ofSecond]),
    ],
    [
      'an input without index',
      psbt2(taproot, globals(taproot), [without(ofFirst, '0f'), ofSecond]),
    ],
    [
      'a sequence of another length',
      psbt2(taproot, globals(taproot), [replaced(ofFirst, '10', 'ff'), ofSecond]),
    ],
    [
      'an output without amount',
      psbt2(taproot, globals(taproot), [ofFirst, ofSecond], [without(paid, '03'), back]),
    ],
    [
      'an output without script',
      psbt2(taproot, globals(taproot), [ofFirst, ofSecond], [paid, without(back, '04')]),
    ],
    ['cut short', psbt2(taproot).slice(0, -2)],
    ['trailing bytes', `${psbt2(taproot)}00`],
  ])('%s: unverifiable', (_, text) => {
    expect(check(text)).toMatchObject({
      status: 'unverifiable',
      reason: '`psbt` cannot be read',
    })
  })

  it('any text, and any change of a byte: never an internal error, never another transaction', () => {
    const whole = psbt2(taproot)
    fc.assert(
      fc.property(fc.nat(), fc.nat(255), fc.boolean(), (at, byte, cuts) => {
        const position = 2 * (at % (whole.length / 2))
        const changed = cuts
          ? whole.slice(0, position)
          : whole.slice(0, position) + le(byte, 1) + whole.slice(position + 2)
        const verdict = check(changed)
        expect(JSON.stringify(verdict)).not.toContain('internal error')
        if (verdict.status === 'verified')
          expect(parsePsbt(changed)?.outputs).toEqual(taproot.outputs)
      }),
      { numRuns: 400 },
    )
  })
})

describe('destinations without an address, and vault accounts', () => {
  const without = { destAddress: undefined }
  const recipient = { index: 0, address: PAYEE }

  it('the one output of that amount that nothing else explains', () => {
    expect(verify(all('legacy', standard), without)).toEqual({
      status: 'unproven',
      unproven: ['fee', 'recipient'],
      facts: { recipient },
    })
  })

  it.each<[string, TxDescription, string]>([
    ['a key hash', outputs([60_000n, LEGACY_SCRIPT], [39_000n, pkh(OURS)]), LEGACY_PAYEE],
    [
      'another output of ours with that amount',
      outputs([60_000n, PAYEE_SCRIPT], [60_000n, pkh(OURS)]),
      PAYEE,
    ],
    ['a script of no known form', outputs([60_000n, '6a00'], [39_000n, pkh(OURS)]), 'script 6a00'],
  ])('%s', (_, tx, address) => {
    expect(verify(all('legacy', tx), without)).toMatchObject({
      status: 'unproven',
      facts: { recipient: { index: 0, address } },
    })
  })

  it('no output of that amount: mismatch; several of strangers: unverifiable', () => {
    const none = outputs([60_001n, PAYEE_SCRIPT], [38_999n, pkh(OURS)])
    expect(verify(all('legacy', none), without)).toMatchObject({ status: 'mismatch' })
    const two = outputs([60_000n, PAYEE_SCRIPT], [60_000n, LEGACY_SCRIPT])
    expect(verify(all('legacy', two), without)).toMatchObject({ status: 'unverifiable' })
  })

  it('where the bytes hold only a hash of the outputs: unverifiable', () => {
    expect(verify(all('bip143', standard), without)).toMatchObject({ status: 'unverifiable' })
  })

  it('the key that signs is an address of the source account, and of no other', () => {
    const tx = outputs([60_000n, wpkh(OURS)], [39_000n, pkh(OURS)])
    const own = Address().encode({ type: 'wpkh', hash: Buffer.from(OURS, 'hex') })
    const to = (destId: string, address: string | undefined) =>
      verify(all('bip143', tx), { destType: 'VAULT', destId, destAddress: address })
    expect(to('0', own)).toEqual({ status: 'verified', facts: {} })
    expect(to('1', own)).toEqual({
      status: 'unproven',
      unproven: ['vault-address'],
      facts: {},
    })
    const named = { destType: 'VAULT', destId: '0', ...without }
    expect(verify(all('legacy', tx), named)).toEqual({
      status: 'unproven',
      unproven: ['fee'],
      facts: { recipient: { index: 0, address: own } },
    })
  })

  it('an asset whose coin types are not known: its bytes may be good on a relative', () => {
    const assets = mergeAssets({ MINE: { family: 'utxo', network: 'bitcoin' } })
    const value = request(all('bip143', standard), { asset: 'MINE' })
    expect(verifyRawTx(value, assets)).toEqual({
      status: 'unproven',
      unproven: ['chain'],
      facts: {},
    })
  })
})

describe('two readings of the same bytes', () => {
  it('an ordinary payment one byte of which lies where BIP-143 has a length: its legacy reading', () => {
    const payload = readFileSync(
      join(import.meta.dirname, '../../../fixtures/bytes/legacy-ambiguous.json'),
      'utf8',
    )
    const claims = parseStrictJson(payload)
    const parsed = isObject(claims) ? parseRequest('tx_sign_request', claims) : undefined
    if (parsed?.kind !== 'request' || parsed.request.endpoint !== 'tx_sign_request') {
      throw new Error('not a request')
    }
    expect(verifyRawTx(parsed.request, BUILT_IN_ASSETS)).toEqual(FEE_UNPROVEN)
  })

  it('two scripts that no wallet has: neither counts', () => {
    // A script of 120 bytes lies over byte 104, where BIP-143 has the length of its script code: 49.
    const script = `${'51'.repeat(62)}31${'51'.repeat(57)}`
    const tx = { ...standard, inputs: [input(0, script)], outputs: standard.outputs.slice(0, 1) }
    expect(verify(all('legacy', tx))).toMatchObject({
      status: 'unverifiable',
      reason: '`rawTx[0]` is not a known signature preimage',
    })
  })

  it('two scripts that are paid to keys: unverifiable', () => {
    // Two of three keys; where BIP-143 has its script, the second and third key look like a key's hash.
    const inner = `1976a914aabbcc2102${'dd'.repeat(15)}88ac`
    const second = `02${'11'.repeat(25)}${inner.slice(0, 14)}`
    const third = `${inner.slice(16)}${'ee'.repeat(15)}`
    const script = `522102${'99'.repeat(32)}21${second}21${third}53ae`
    const tx = {
      ...standard,
      inputs: [input(0, script)],
      outputs: [{ units: 60_000n, script: `76${'00'.repeat(12)}` }],
    }
    expect(verify(all('legacy', tx))).toMatchObject({
      status: 'unverifiable',
      reason: '`rawTx[0]` can be read as two kinds of preimage',
    })
  })
})

describe('against an independent library', () => {
  const hash20 = fc.uint8Array({ minLength: 20, maxLength: 20 })
  const units = fc.bigInt({ min: 1000n, max: 1_000_000n })

  it('transactions it hashes are verified with its hashes as payloads', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('legacy', 'bip143', 'taproot'),
        fc.array(units, { minLength: 1, maxLength: 4 }),
        hash20,
        hash20,
        units,
        (kind: Kind, amounts, ours, payee, fee) => {
          const total = amounts.reduce((sum, each) => sum + each, 0n) + fee + 1000n
          const script = kind === 'taproot' ? `5120${'33'.repeat(32)}` : pkh(hexOf(ours))
          const paid = total - fee - 500n
          const tx: TxDescription = {
            version: 2,
            inputs: amounts.map((each, index) =>
              input(index, script, index === 0 ? each + fee + 1000n : each),
            ),
            outputs: [
              { units: paid, script: wpkh(hexOf(payee)) },
              { units: 500n, script: kind === 'taproot' ? script : wpkh(hexOf(ours)) },
            ],
            locktime: 0,
          }
          const fields = {
            amount: fromBaseUnits(paid, 8),
            requestedAmount: fromBaseUnits(paid, 8),
            fee: fromBaseUnits(fee, 8),
            destAddress: Address().encode({ type: 'wpkh', hash: payee }),
            ...(kind === 'taproot' ? { extraParameters: { psbt: libraryPsbt(tx) } } : {}),
          }
          const entries = all(kind, tx).map((entry, position) => ({
            ...entry,
            payload: libraryHash(kind, tx, position),
          }))
          const whole = { status: 'verified', facts: {} }
          expect(verify(entries, fields)).toEqual(kind === 'legacy' ? FEE_UNPROVEN : whole)
        },
      ),
      { numRuns: 120 },
    )
  })
})

function libraryTransaction(tx: TxDescription, version: 0 | 2 = 0): Transaction {
  const made = new Transaction({
    PSBTVersion: version,
    version: tx.version,
    lockTime: tx.locktime,
    allowUnknownOutputs: true,
  })
  for (const { txid, index, sequence, units, script } of tx.inputs) {
    const witnessUtxo = { amount: units, script: Buffer.from(script, 'hex') }
    made.addInput({
      txid: Uint8Array.from(Buffer.from(txid, 'hex')).toReversed(),
      index,
      sequence,
      witnessUtxo,
    })
  }
  for (const { units, script } of tx.outputs) {
    made.addOutput({ amount: units, script: Buffer.from(script, 'hex') })
  }
  return made
}

function libraryHash(kind: Kind, tx: TxDescription, position: number): string {
  const made = libraryTransaction(tx)
  const scripts = tx.inputs.map(({ script }) => Buffer.from(script, 'hex'))
  const script = scripts[position] ?? Buffer.alloc(0)
  const units = tx.inputs.map((each) => each.units)
  if (kind === 'bip143')
    return hexOf(made.preimageWitnessV0(position, script, 1, units[position] ?? 0n))
  if (kind === 'taproot') return hexOf(made.preimageWitnessV1(position, scripts, 0, units))
  // The library keeps its legacy hash to itself; tests may look.
  const open = made as unknown as {
    preimageLegacy(i: number, s: Uint8Array, t: number): Uint8Array
  }
  return hexOf(open.preimageLegacy(position, script, 1))
}

function libraryPsbt(tx: TxDescription): string {
  return Buffer.from(libraryTransaction(tx).toPSBT(0)).toString('base64')
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function hash160(script: string): string {
  return hexOf(ripemd160(Buffer.from(sha256(script), 'hex')))
}
