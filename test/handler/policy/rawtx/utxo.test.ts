import { describe, expect, it } from '@jest/globals'
import { ripemd160 } from '@noble/hashes/legacy.js'
import { Address, Transaction } from '@scure/btc-signer'
import * as fc from 'fast-check'
import { BUILT_IN_ASSETS } from '../../../../handler/policy/chains/assets.ts'
import type { RawTxOptions } from '../../../../handler/policy/rawtx/verify.ts'
import { verifyRawTx } from '../../../../handler/policy/rawtx/verify.ts'
import { sighashName } from '../../../../handler/policy/rawtx/sighash-type.ts'
import { fromBaseUnits } from '../../../../handler/protocol/decimal.ts'
import type { TxSignRequest } from '../../../../handler/protocol/request.ts'
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

function request(entries: readonly PreimageEntry[], fields: Partial<TxSignRequest> = {}) {
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
  fields: Partial<TxSignRequest> = {},
  options: RawTxOptions = {},
) => verifyRawTx(request(entries, fields), BUILT_IN_ASSETS, options)

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
  it('destination and change to the key of the inputs: verified, the fee unproven', () => {
    expect(verify(all('legacy', standard))).toEqual({
      status: 'verified',
      facts: { unproven: ['fee'] },
    })
  })

  it('gross: verified', () => {
    const tx = outputs([59_000n, PAYEE_SCRIPT], [40_000n, wpkh(OURS)])
    expect(verify(all('legacy', tx))).toEqual({
      status: 'verified',
      facts: { gross: true, unproven: ['fee'] },
    })
  })

  it('change in a P2SH-wrapped witness of the key: verified', () => {
    const wrapped = `a914${hash160(wpkh(OURS))}87`
    const tx = outputs([60_000n, PAYEE_SCRIPT], [39_000n, wrapped])
    expect(verify(all('legacy', tx))).toMatchObject({ status: 'verified' })
  })

  it('another output: unverifiable, its change unproven', () => {
    const tx = outputs([60_000n, PAYEE_SCRIPT], [39_000n, wpkh('11'.repeat(20))])
    expect(verify(all('legacy', tx))).toMatchObject({
      status: 'unverifiable',
      facts: { unproven: ['change output'] },
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
    expect(verify(all('legacy', paying(PAYEE_SCRIPT, LEGACY_SCRIPT)), fields)).toMatchObject({
      status: 'verified',
    })
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

  it('with witness inputs: one transaction, verified', () => {
    const mixed = [preimage('legacy', standard, 0), preimage('bip143', standard, 1)]
    expect(verify(mixed)).toEqual({ status: 'verified', facts: { unproven: ['fee'] } })
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
    expect(verify(all('legacy', tx), { destAddress: address })).toMatchObject({
      status: 'verified',
    })
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
    expect(verify(all('taproot', tx))).toEqual({ status: 'verified', facts: { unproven: ['fee'] } })
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
      facts: { unproven: ['change output'] },
    })
  })

  it('a PSBT that does not say what is spent: outputs known, change unproven', () => {
    const fields = { extraParameters: { psbt: psbt(taproot, (position) => position > 0) } }
    expect(verify(all('taproot', taproot), fields)).toMatchObject({
      status: 'unverifiable',
      facts: { unproven: ['change output'] },
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

  it('an input beyond the transaction: mismatch', () => {
    const entry = preimage('taproot', taproot, 7)
    expect(verify([entry], withPsbt(taproot))).toMatchObject({ status: 'mismatch' })
  })

  it('beside a witness input: both commit to the same outputs', () => {
    const tx = { ...taproot, outputs: taproot.outputs.slice(0, 1) }
    const mixed = [preimage('taproot', tx, 0), preimage('bip143', tx, 1)]
    expect(verify(mixed)).toEqual({ status: 'verified', facts: { unproven: ['fee'] } })
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
    expect(verify(all('legacy', tx), shuffled)).toMatchObject({ status: 'verified' })
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
      status: 'verified',
      facts: { unproven: ['fee'] },
    })
    const witness = `${bare.slice(0, -4)}010105${'00'.repeat(5)}0000`
    expect(check(witness)).toMatchObject({ facts: { unproven: ['fee'] } })
  })

  it('an earlier transaction that is no transaction: not believed', () => {
    const nothing = '00'.repeat(20)
    const tx = { ...standard, inputs: [{ ...input(0), txid: sha256(sha256(nothing)) }] }
    const text = `${psbt({ ...tx, outputs: tx.outputs.slice(0, 1) }, () => false).slice(0, -4)}010014${nothing}0000`
    const fields = { extraParameters: { psbt: text } }
    expect(verify(all('taproot', { ...tx, outputs: tx.outputs.slice(0, 1) }), fields)).toEqual({
      status: 'verified',
      facts: { unproven: ['fee'] },
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
      status: 'verified',
      facts: { unproven: ['fee'] },
    })
    const mixed = [preimage('legacy', standard, 0), preimage('bip143', standard, 1, 0x81)]
    expect(verify(mixed, {}, open)).toMatchObject({ status: 'verified' })
    const psbts = { extraParameters: { psbt: psbt(standard) } }
    expect(verify(all('bip143', standard, 0x81), psbts, open)).toMatchObject({
      status: 'verified',
      facts: { unproven: ['fee'] },
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
  ])('%s, legacy: verified', (asset, coin, version) => {
    expect(send(asset, coin, address(version), all('legacy', tx))).toMatchObject({
      status: 'verified',
    })
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

  it('bytes that are both a legacy and a BIP-143 preimage: unverifiable', () => {
    // A script of 120 bytes lies over byte 104, where BIP-143 has the length of its script code: 49.
    const script = `${'51'.repeat(62)}31${'51'.repeat(57)}`
    const tx = { ...standard, inputs: [input(0, script)], outputs: standard.outputs.slice(0, 1) }
    expect(verify(all('legacy', tx))).toMatchObject({
      status: 'unverifiable',
      reason: '`rawTx[0]` can be read as two kinds of preimage',
    })
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
        facts: { unproven: ['change output'] },
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
          expect(verify(entries, fields)).toEqual({
            status: 'verified',
            facts: kind === 'legacy' ? { unproven: ['fee'] } : {},
          })
        },
      ),
      { numRuns: 120 },
    )
  })
})

function libraryTransaction(tx: TxDescription): Transaction {
  const made = new Transaction({
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
