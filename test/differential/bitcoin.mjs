/**
 * Transactions of Bitcoin and its relatives, whose signature hashes bitcoinjs-lib computes, honest and tampered with, against
 * the raw transaction check. What must come of each is predicted from what its signatures commit to.
 */
import { address as addresses, Psbt, Transaction } from 'bitcoinjs-lib'
import { Transaction as OtherTransaction } from '@scure/btc-signer'
import { createTally, decimalText, NOT, numbers } from './harness.mjs'
import { bytesOf, preimageOf, scriptsOf } from './preimages.mjs'

/** Coin type, version bytes, prefix of witness addresses, and how its inputs are signed. */
const NETWORKS = {
  BTC: { coin: 0, keys: 0x00, scripts: 0x05, bech32: 'bc', hashing: 'segwit' },
  BTC_TEST: { coin: 1, keys: 0x6f, scripts: 0xc4, bech32: 'tb', hashing: 'segwit' },
  LTC: { coin: 2, keys: 0x30, scripts: 0x32, bech32: 'ltc', hashing: 'segwit' },
  LTC_TEST: { coin: 1, keys: 0x6f, scripts: 0x3a, bech32: 'tltc', hashing: 'segwit' },
  DOGE: { coin: 3, keys: 0x1e, scripts: 0x16, hashing: 'legacy' },
  DASH: { coin: 5, keys: 0x4c, scripts: 0x10, hashing: 'legacy' },
  BCH: { coin: 145, keys: 0x00, scripts: 0x05, hashing: 'forkid' },
  BSV: { coin: 236, keys: 0x00, scripts: 0x05, hashing: 'forkid' },
}
const SEGWIT_KINDS = ['p2pkh', 'p2wpkh', 'p2sh-p2wpkh', 'p2tr']

export function runBitcoin(count, seed) {
  const random = numbers(seed)
  const tally = createTally('Bitcoin and relatives against bitcoinjs-lib')
  for (let i = 0; i < count; i += 1) {
    const made = madeUp(random, random.chance(0.6) ? 'BTC' : random.pick(Object.keys(NETWORKS)))
    const { label, payload, expected, isHonest } = random.chance(0.55)
      ? { label: 'honest', payload: payloadOf(made), expected: predicted(made), isHonest: true }
      : tampered(random, made)
    const kinds = [...new Set(made.inputs.map(({ kind }) => kind))]
      .toSorted((a, b) => (String(a) < String(b) ? -1 : 1))
      .join('+')
    tally.check(`${made.asset} ${kinds}, ${label}`, payload, expected, isHonest)
  }
  return tally.report()
}

/** A transaction with everything that is known about it. */
function madeUp(random, asset) {
  const network = NETWORKS[asset]
  const isSegwit = network.hashing === 'segwit'
  const key = random.hex(20)
  const hasOneKey = random.chance(0.75)
  const kinds = isSegwit
    ? random.chance(0.7)
      ? [random.pick(SEGWIT_KINDS)]
      : SEGWIT_KINDS
    : ['p2pkh']
  const taprootKey = random.hex(32)
  const tx = new Transaction()
  tx.version = random.pick([1, 2])
  tx.locktime = random.pick([0, 0, 850_000])
  const inputs = Array.from({ length: 1 + random.below(6) }, () => {
    const kind = random.pick(kinds)
    const own = hasOneKey
      ? { key, taprootKey }
      : { key: random.hex(20), taprootKey: random.hex(32) }
    const units = BigInt(100_000 + random.below(100_000_000))
    const script = scriptsOf(own)[kind]
    return { kind, ...own, units, script, ...funded(random, units, script) }
  })
  for (const { funding, index, sequence } of inputs) tx.addInput(funding.getHash(), index, sequence)
  const total = inputs.reduce((sum, { units }) => sum + units, 0n)
  const destinations = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => {
    const payee = { key: random.hex(20), taprootKey: random.hex(32) }
    const kind = random.pick(isSegwit ? SEGWIT_KINDS : ['p2pkh'])
    return { ...paid(payee, kind, network), units: BigInt(600 + random.below(20_000)) }
  })
  const sum = destinations.reduce((all, { units }) => all + units, 0n)
  const change = random.pick(['last', 'first', 'none'])
  const isForeign = change !== 'none' && random.chance(0.15)
  const fee = change === 'none' ? total - sum : BigInt(200 + random.below(4000))
  const first = inputs[0]
  const changeKind =
    first.kind === 'p2tr' ? 'p2tr' : random.pick(isSegwit ? SEGWIT_KINDS.slice(0, 3) : ['p2pkh'])
  const changeKey = isForeign ? { key: random.hex(20), taprootKey: random.hex(32) } : first
  const back = { script: scriptsOf(changeKey)[changeKind], units: total - sum - fee }
  const outputs = {
    last: [...destinations, back],
    first: [back, ...destinations],
    none: destinations,
  }
  for (const { script, units } of outputs[change]) tx.addOutput(bytesOf(script), units)
  const psbt = random.chance(0.5) ? random.pick(['witness', 'earlier']) : undefined
  const psbtVersion = random.pick([0, 2])
  return {
    asset,
    network,
    tx,
    inputs,
    destinations,
    sum,
    change,
    isForeign,
    fee,
    psbt,
    psbtVersion,
  }
}

/** An earlier transaction that holds the output. */
function funded(random, units, script) {
  const funding = new Transaction()
  funding.addInput(bytesOf(random.hex(32)), 0, 0xffffffff)
  const index = random.below(3)
  for (let i = 0; i < index; i += 1) funding.addOutput(bytesOf(`0014${random.hex(20)}`), 1000n)
  funding.addOutput(bytesOf(script), units)
  return { funding, index, sequence: random.pick([0xffffffff, 0xfffffffd]) }
}

function paid(payee, kind, { keys, scripts, bech32 }) {
  const script = scriptsOf(payee)[kind]
  const addressOf = {
    p2pkh: () => addresses.toBase58Check(bytesOf(payee.key), keys),
    p2wpkh: () => addresses.toBech32(bytesOf(payee.key), 0, bech32),
    'p2sh-p2wpkh': () => addresses.toBase58Check(bytesOf(script.slice(4, 44)), scripts),
    p2tr: () => addresses.toBech32(bytesOf(payee.taprootKey), 1, bech32),
  }
  return { script, address: addressOf[kind]() }
}

function payloadOf(made, changes = {}) {
  const { asset, network, tx, inputs, destinations, sum, fee } = made
  const hashType = network.hashing === 'forkid' ? 0x41 : 1
  const text = (units) => decimalText(units, 8)
  const psbt = made.psbt === undefined ? undefined : psbtOf(made)
  return {
    txId: 'a',
    requestId: 'a',
    operation: 'TRANSFER',
    asset,
    sourceType: 'VAULT',
    sourceId: '0',
    destType: 'ONE_TIME_ADDRESS',
    amountStr: text(sum),
    requestedAmountStr: text(sum),
    fee: text(fee),
    destinations: destinations.map(({ address, units }) => ({
      amountNativeStr: text(units),
      dstType: 'ONE_TIME_ADDRESS',
      dstAddress: address,
      displayDstAddress: address,
    })),
    ...(psbt === undefined ? {} : { extraParameters: { psbt } }),
    rawTx: inputs.map((_, index) => entryOf(tx, index, inputs, network, hashType)),
    ...changes,
  }
}

/** An entry whose payload is the hash of bitcoinjs-lib, which must be that of the bytes. */
function entryOf(tx, index, inputs, { hashing, coin }, hashType) {
  const entry = preimageOf(tx, index, inputs, hashing, hashType)
  return { ...entry, keyDerivationPath: `[ 44, ${coin}, 0, 0, 0 ]` }
}

function psbtOf({ tx, inputs, psbt, psbtVersion }) {
  const isWhole = psbt === 'earlier'
  if (psbtVersion === 2) {
    const made = new OtherTransaction({
      version: tx.version,
      PSBTVersion: 2,
      lockTime: tx.locktime,
      allowUnknownOutputs: true,
      allowUnknownInputs: true,
    })
    for (const { funding, index, sequence, kind, script, units } of inputs) {
      const witnessUtxo = { script: bytesOf(script), amount: units }
      made.addInput({
        txid: bytesOf(funding.getId()),
        index,
        sequence,
        ...(isWhole ? { nonWitnessUtxo: funding.toBuffer() } : {}),
        ...(!isWhole && kind !== 'p2pkh' ? { witnessUtxo } : {}),
      })
    }
    for (const { script, value } of tx.outs) made.addOutput({ script, amount: value })
    return Buffer.from(made.toPSBT(2)).toString('base64')
  }
  const made = new Psbt()
  made.setVersion(tx.version)
  made.setLocktime(tx.locktime)
  for (const { funding, index, sequence, kind, script, units } of inputs) {
    const witnessUtxo = { script: bytesOf(script), value: units }
    made.addInput({
      hash: funding.getHash(),
      index,
      sequence,
      ...(isWhole ? { nonWitnessUtxo: funding.toBuffer() } : {}),
      ...(!isWhole && kind !== 'p2pkh' ? { witnessUtxo } : {}),
    })
  }
  for (const { script, value } of tx.outs) made.addOutput({ script, value })
  return made.toBase64()
}

/** What signatures and the PSBT say about a transaction. */
function known({ inputs, network, psbt }) {
  const isOf = (kind) => inputs.some((input) => input.kind === kind)
  const hasPsbt = psbt !== undefined
  const statesAll = psbt === 'earlier' || (hasPsbt && !isOf('p2pkh'))
  const isCommitted = isOf('p2tr') && statesAll
  const commits = ({ kind }) =>
    network.hashing === 'forkid' || kind === 'p2wpkh' || kind === 'p2sh-p2wpkh'
  const amounts = isCommitted || psbt === 'earlier' || inputs.every(commits)
  const keys = new Set(
    inputs.map((input) => (input.kind === 'p2tr' ? (isCommitted ? input.script : '') : input.key)),
  )
  const outputs = hasPsbt || (isOf('p2pkh') && network.hashing !== 'forkid')
  const ownKey = keys.size === 1 && !keys.has('')
  return { amounts, outputs, ownKey, isListed: outputs, commits }
}

/** The verdict on an honest request. */
function predicted(made) {
  const { amounts, outputs, ownKey } = known(made)
  const fee = amounts ? 'verified' : 'unproven: fee'
  if (made.change === 'none') return fee
  const isOurs = ownKey && !made.isForeign
  return isOurs && (outputs || amounts) ? fee : 'unverifiable'
}

function tampered(random, made) {
  const payload = payloadOf(made)
  const { tx, inputs, network, destinations, sum, fee } = made
  const { amounts, isListed, commits } = known(made)
  const base = predicted(made)
  const [entry, ...others] = payload.rawTx
  const [destination, ...more] = payload.destinations
  const [first] = inputs
  const hashType = network.hashing === 'forkid' ? 0x41 : 1
  const text = (units) => decimalText(units, 8)
  const stranger = paid({ key: random.hex(20), taprootKey: '' }, 'p2pkh', network).address
  const one = destinations[0].units + 1n
  const withFirst = (changed) => [changed, ...others]
  const richer = [{ ...first, units: first.units + 1000n }, ...inputs.slice(1)]
  const paysMore = tx.clone()
  paysMore.outs[made.change === 'first' ? 1 : 0].value += 7n
  const inOrder = isListed || first.kind === 'p2tr' || inputs.some(({ kind }) => kind === 'p2tr')
  const cases = {
    amount: {
      amountStr: text(sum + 1n),
      requestedAmountStr: text(sum + 1n),
      destinations: [{ ...destination, amountNativeStr: text(one) }, ...more],
    },
    recipient: {
      destinations: [
        { ...destination, dstAddress: stranger, displayDstAddress: stranger },
        ...more,
      ],
    },
    payload: { rawTx: withFirst({ ...entry, payload: random.hex(32) }) },
    path: { rawTx: withFirst({ ...entry, keyDerivationPath: `[ 44, ${network.coin}, 1, 0, 0 ]` }) },
    repeated: { rawTx: [...payload.rawTx, entry] },
    outputs: { rawTx: withFirst(entryOf(paysMore, 0, inputs, network, hashType)) },
    'hash type': { rawTx: withFirst(entryOf(tx, 0, inputs, network, hashType + 1)) },
    'fee too low': { fee: text(fee - 1n), expected: amounts ? NOT : base },
    'amount of an input': commits(first)
      ? {
          rawTx: withFirst(entryOf(tx, 0, richer, network, hashType)),
          expected: amounts ? NOT : base,
        }
      : undefined,
    'another order':
      inputs.length > 1
        ? { rawTx: payload.rawTx.toReversed(), expected: inOrder ? base : NOT }
        : undefined,
    'another PSBT':
      made.psbt === undefined
        ? undefined
        : { extraParameters: { psbt: psbtOf({ ...made, tx: paysMore }) } },
  }
  const kind = random.pick(Object.keys(cases).filter((each) => cases[each] !== undefined))
  const { expected = NOT, ...changes } = cases[kind]
  return { label: kind, payload: { ...payload, ...changes }, expected, isHonest: false }
}
