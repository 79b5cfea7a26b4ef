/** Signature preimages written from the standards; their hashes must be those that bitcoinjs-lib computes. */
import { createHash } from 'node:crypto'

export function bytesOf(hex) {
  return Buffer.from(hex, 'hex')
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest()
const twice = (bytes) => sha256(sha256(bytes))
const TAG = sha256(Buffer.from('TapSighash'))

/** The hash that is signed, of an algorithm's preimage. */
export function hashOf(kind, bytes) {
  return kind === 'p2tr' ? sha256(Buffer.concat([TAG, TAG, bytes])) : twice(bytes)
}

/** Output scripts of a key, by kind. */
export function scriptsOf({ key, taprootKey }) {
  const witness = `0014${key}`
  const wrapped = createHash('ripemd160')
    .update(sha256(bytesOf(witness)))
    .digest('hex')
  return {
    p2pkh: `76a914${key}88ac`,
    p2wpkh: witness,
    'p2sh-p2wpkh': `a914${wrapped}87`,
    p2tr: `5120${taprootKey}`,
  }
}

function number(value, length) {
  const bytes = Buffer.alloc(length)
  let rest = BigInt(value)
  for (let i = 0; i < length; i += 1) {
    bytes[i] = Number(rest & 255n)
    rest >>= 8n
  }
  return bytes
}

const sized = (bytes) => Buffer.concat([Buffer.from([bytes.length]), bytes])
const outpoint = ({ hash, index }) => Buffer.concat([hash, number(index, 4)])
const outputsOf = (tx) =>
  Buffer.concat(
    tx.outs.map(({ value, script }) => Buffer.concat([number(value, 8), sized(script)])),
  )

/** `rawTx` and `payload` of one input. */
export function preimageOf(tx, index, inputs, hashing, hashType) {
  const { kind } = inputs[index]
  const isWitness = hashing === 'forkid' || kind === 'p2wpkh' || kind === 'p2sh-p2wpkh'
  const build = isWitness ? bip143 : kind === 'p2tr' ? bip341 : legacy
  const { bytes, expected } = build(tx, index, inputs, hashType)
  const hash = hashOf(isWitness ? 'p2wpkh' : kind, bytes)
  // With other types the transaction is written as for ALL, so that only the type differs; the library hashes less.
  const isAll = [0, 1, 0x41].includes(hashType)
  if (isAll && !hash.equals(Buffer.from(expected))) throw new Error(`another hash of ${kind}`)
  return { rawTx: bytes.toString('hex'), payload: hash.toString('hex') }
}

function legacy(tx, index, inputs, hashType) {
  const script = bytesOf(inputs[index].script)
  const bytes = Buffer.concat([
    number(tx.version, 4),
    Buffer.from([tx.ins.length]),
    ...tx.ins.map((input, each) =>
      Buffer.concat([
        outpoint(input),
        each === index ? sized(script) : Buffer.from([0]),
        number(input.sequence, 4),
      ]),
    ),
    Buffer.from([tx.outs.length]),
    outputsOf(tx),
    number(tx.locktime, 4),
    number(hashType, 4),
  ])
  return { bytes, expected: tx.hashForSignature(index, script, hashType) }
}

function bip143(tx, index, inputs, hashType) {
  const { key, units } = inputs[index]
  const script = bytesOf(`76a914${key}88ac`)
  const input = tx.ins[index]
  const bytes = Buffer.concat([
    number(tx.version, 4),
    twice(Buffer.concat(tx.ins.map(outpoint))),
    twice(Buffer.concat(tx.ins.map(({ sequence }) => number(sequence, 4)))),
    outpoint(input),
    sized(script),
    number(units, 8),
    number(input.sequence, 4),
    twice(outputsOf(tx)),
    number(tx.locktime, 4),
    number(hashType, 4),
  ])
  return { bytes, expected: tx.hashForWitnessV0(index, script, units, hashType) }
}

function bip341(tx, index, inputs, hashType) {
  const scripts = inputs.map(({ script }) => bytesOf(script))
  const amounts = inputs.map(({ units }) => units)
  const bytes = Buffer.concat([
    Buffer.from([0, hashType]),
    number(tx.version, 4),
    number(tx.locktime, 4),
    sha256(Buffer.concat(tx.ins.map(outpoint))),
    sha256(Buffer.concat(amounts.map((units) => number(units, 8)))),
    sha256(Buffer.concat(scripts.map(sized))),
    sha256(Buffer.concat(tx.ins.map(({ sequence }) => number(sequence, 4)))),
    sha256(outputsOf(tx)),
    Buffer.from([0]),
    number(index, 4),
  ])
  return { bytes, expected: tx.hashForWitnessV1(index, scripts, amounts, hashType) }
}
