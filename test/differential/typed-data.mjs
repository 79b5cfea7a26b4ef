/** EIP-712 digests of ethers against our own: structs, arrays, every kind of value, several chains. */
import { getAddress, TypedDataEncoder } from 'ethers'
import { createTally, NOT, numbers } from './harness.mjs'

const DOMAIN = [
  { name: 'name', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
]

export function runTypedData(count, seed) {
  const random = numbers(seed)
  const tally = createTally('typed data against ethers')
  for (let i = 0; i < count; i += 1) {
    const types = { Leaf: members(random), Root: [...members(random), ...nested(random)] }
    const message = valueOf(random, types, 'Root')
    const chainId = random.pick([1, 1, 1, 137, undefined])
    const verifyingContract = getAddress(`0x${random.hex(20)}`)
    const domain = { name: random.hex(4), ...(chainId ? { chainId } : {}), verifyingContract }
    const digest = TypedDataEncoder.hash(domain, types, message).slice(2)
    const isTampered = random.chance(0.3)
    const content = {
      types: { EIP712Domain: DOMAIN.filter(({ name }) => name in domain), ...types },
      primaryType: 'Root',
      domain,
      message: isTampered ? { ...message, extra: 1 } : message,
    }
    const payload = {
      txId: 'a',
      requestId: 'a',
      operation: 'TYPED_MESSAGE',
      asset: 'ETH',
      sourceType: 'VAULT',
      sourceId: '0',
      extraParameters: { rawMessageData: { messages: [{ type: 'EIP712', content }] } },
      rawTx: [{ rawTx: '', payload: digest, keyDerivationPath: '[ 44, 60, 0, 0, 0 ]' }],
    }
    if (!isTampered && random.chance(0.2)) {
      payload.rawTx[0].payload = random.hex(32)
      tally.check('other payload', payload, NOT, false)
      continue
    }
    const proven = chainId === 1 ? 'verified' : 'unproven: chain'
    tally.check(`chain ${chainId}`, payload, isTampered ? NOT : proven, !isTampered)
  }
  return tally.report()
}

const ATOMS = [
  'bool',
  'uint8',
  'uint256',
  'int16',
  'int256',
  'bytes4',
  'bytes32',
  'bytes',
  'string',
]

function members(random) {
  return Array.from({ length: 1 + random.below(4) }, (_, index) => ({
    name: `m${index}`,
    type: random.pick([...ATOMS, 'address', 'uint16[]', 'bool[2]', 'string[]']),
  }))
}

function nested(random) {
  return [{ name: 'leaf', type: random.pick(['Leaf', 'Leaf[]', 'Leaf[2]']) }]
}

function valueOf(random, types, type) {
  const [, element, size] = /^(.+)\[([0-9]*)\]$/.exec(type) ?? []
  if (element !== undefined) {
    const length = size === '' ? random.below(4) : Number(size)
    return Array.from({ length }, () => valueOf(random, types, element))
  }
  if (types[type] !== undefined) {
    return Object.fromEntries(
      types[type].map((each) => [each.name, valueOf(random, types, each.type)]),
    )
  }
  if (type === 'bool') return random.chance(0.5)
  if (type === 'string') return `${random.hex(random.below(8))}é`
  if (type === 'address') return getAddress(`0x${random.hex(20)}`)
  if (type === 'bytes') return `0x${random.hex(random.below(70))}`
  const [, fixed] = /^bytes([0-9]+)$/.exec(type) ?? []
  if (fixed !== undefined) return `0x${random.hex(Number(fixed))}`
  const [, unsigned, bits] = /^(u?)int([0-9]+)$/.exec(type)
  const value = BigInt(`0x${random.hex(Number(bits) / 8)}`)
  return String(unsigned === 'u' ? value : BigInt.asIntN(Number(bits), value))
}
