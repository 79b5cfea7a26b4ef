/** EVM transactions that ethers and viem serialise alike, honest and tampered with, against the raw transaction check. */
import { getAddress, Interface, keccak256, Transaction, Wallet } from 'ethers'
import { serializeTransaction } from 'viem'
import { createTally, decimalText, NOT, numbers } from './harness.mjs'

const CHAINS = {
  ETH: 1,
  BNB_BSC: 56,
  MATIC_POLYGON: 137,
  AVAX: 43_114,
  'ETH-AETH': 42_161,
  BASECHAIN_ETH: 8453,
  USDC: 1,
  DAI: 1,
}
const TOKENS = {
  USDC: { contract: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48', decimals: 6 },
  DAI: { contract: '0x6b175474e89094c44da98b954eedeac495271d0f', decimals: 18 },
}
const METHODS = new Interface([
  'function transfer(address,uint256)',
  'function approve(address,uint256)',
  'function transferFrom(address,address,uint256)',
  'function permit(address,address,uint256,uint256,uint8,bytes32,bytes32)',
  'function multicall(bytes[])',
])
const authorizer = new Wallet(`0x${'11'.repeat(32)}`)

export async function runEvm(count, seed) {
  const random = numbers(seed)
  const tally = createTally('EVM against ethers and viem')
  for (let i = 0; i < count; i += 1) {
    const { label, payload, expected, isHonest } = await oneCase(random)
    tally.check(label, payload, expected, isHonest)
  }
  return tally.report()
}

async function oneCase(random) {
  const asset = random.pick(Object.keys(CHAINS))
  const token = TOKENS[asset]
  const decimals = token?.decimals ?? 18
  const to = getAddress(`0x${random.hex(20)}`)
  const units = BigInt(`0x${random.hex(1 + random.below(10))}`)
  const call =
    token === undefined ? nativeCall(random, to, units) : tokenCall(random, token, to, units)
  const type = random.pick([0, 0, 1, 2, 2, 3, 4])
  const fields = await fieldsOf(random, type, CHAINS[asset], call)
  const bound = fields.gasLimit * (fields.gasPrice ?? fields.maxFeePerGas)
  const isPlain = type <= 2 && fields.chainId !== 0n
  const payload = {
    txId: 'a',
    requestId: 'a',
    operation: call.operation,
    sourceType: 'VAULT',
    sourceId: '3',
    destType: 'ONE_TIME_ADDRESS',
    asset,
    amountStr: decimalText(units, decimals),
    requestedAmountStr: decimalText(units, decimals),
    fee: decimalText(bound, 18),
    ...addressed(to, decimalText(units, decimals)),
    ...(call.asked === undefined ? {} : { extraParameters: { contractCallData: call.asked } }),
    rawTx: [entry(fields)],
  }
  if (!isPlain || !call.isHonest) {
    // Types 3 and 4 are not decoded: honest, and unverifiable. Without a chain id a signature is good everywhere.
    const isHonest = call.isHonest && type > 2
    return { label: `type ${type} ${call.kind}`, payload, expected: NOT, isHonest }
  }
  if (random.chance(0.5)) {
    return { label: `type ${type} ${call.kind}`, payload, expected: 'verified', isHonest: true }
  }
  return tampered(random, { payload, fields, call, token, units, decimals, bound, to })
}

function addressed(to, amount) {
  const given = { amountNativeStr: amount, dstAddress: to, displayDstAddress: to }
  return { destAddress: to, destinations: [{ ...given, dstType: 'ONE_TIME_ADDRESS' }] }
}

function nativeCall(random, to, value) {
  const kind = random.pick([
    'plain',
    'plain',
    'plain',
    'data',
    'call',
    'call',
    'other call',
    'create',
  ])
  const data = `0x${random.hex(4 + 32 * random.below(4))}`
  const call = { kind, to, value, data: '0x', operation: 'TRANSFER', isHonest: true }
  if (kind === 'plain') return call
  if (kind === 'data') return { ...call, data, isHonest: false }
  if (kind === 'create') return { ...call, to: null, data, isHonest: false }
  const asked = random.pick([data, data.slice(2), `0x${data.slice(2).toUpperCase()}`])
  const honest = { ...call, data, asked, operation: 'CONTRACT_CALL' }
  return kind === 'call' ? honest : { ...honest, asked: `0x${random.hex(68)}`, isHonest: false }
}

function tokenCall(random, { contract }, to, units) {
  const other = getAddress(`0x${random.hex(20)}`)
  const data = METHODS.encodeFunctionData('transfer', [to, units])
  const call = { kind: 'transfer', to: contract, value: 0n, data, operation: 'TRANSFER' }
  const twisted = {
    transferFrom: { data: METHODS.encodeFunctionData('transferFrom', [other, to, units]) },
    approve: { data: METHODS.encodeFunctionData('approve', [to, units]) },
    permit: {
      data: METHODS.encodeFunctionData('permit', [
        other,
        to,
        units,
        1,
        27,
        `0x${random.hex(32)}`,
        `0x${random.hex(32)}`,
      ]),
    },
    multicall: { data: METHODS.encodeFunctionData('multicall', [[data]]) },
    trailing: { data: data + random.hex(1 + random.below(32)) },
    dirty: { data: `${data.slice(0, 10)}01${data.slice(12)}` },
    short: { data: data.slice(0, -2) },
    'other token': { to: other },
    'with value': { value: 1n },
  }
  if (random.chance(0.5)) return { ...call, isHonest: true }
  const kind = random.pick(Object.keys(twisted))
  return { ...call, ...twisted[kind], kind, isHonest: false }
}

async function fieldsOf(random, type, chainId, { to, value, data }) {
  const price = BigInt(1 + random.below(2_000_000_000))
  const isOld = type === 0 && random.chance(0.1)
  const fields = {
    type,
    chainId: isOld ? 0n : BigInt(chainId),
    nonce: random.below(1_000_000),
    gasLimit: 21_000n + BigInt(random.below(500_000)),
    to: to ?? (type > 2 ? getAddress(`0x${random.hex(20)}`) : null),
    value,
    data,
  }
  if (type < 2) fields.gasPrice = price
  else {
    fields.maxFeePerGas = price
    fields.maxPriorityFeePerGas = BigInt(random.below(Number(price)))
  }
  if ((type === 1 || type === 2) && random.chance(0.3)) {
    const address = getAddress(`0x${random.hex(20)}`)
    fields.accessList = [{ address, storageKeys: [`0x${random.hex(32)}`] }]
  }
  if (type === 3) {
    fields.maxFeePerBlobGas = 5n
    fields.blobVersionedHashes = [`0x01${random.hex(31)}`]
  }
  if (type === 4) {
    const address = getAddress(`0x${random.hex(20)}`)
    fields.authorizationList = [await authorizer.authorize({ address, chainId: 1n, nonce: 1n })]
  }
  return fields
}

/** One entry; both libraries must make the same bytes of the types that viem has under the same names. */
function entry(fields) {
  const bytes = Transaction.from(fields).unsignedSerialized
  if (fields.type <= 2 && fields.chainId !== 0n && viemBytes(fields) !== bytes) {
    throw new Error(`ethers and viem disagree: ${bytes}`)
  }
  return {
    rawTx: bytes.slice(2),
    payload: keccak256(bytes).slice(2),
    keyDerivationPath: '[ 44, 60, 3, 0, 0 ]',
  }
}

function viemBytes({ type, chainId, nonce, gasLimit, to, value, data, gasPrice, ...rest }) {
  const common = {
    chainId: Number(chainId),
    nonce,
    gas: gasLimit,
    to: to ?? undefined,
    value,
    data: data === '0x' ? undefined : data,
  }
  if (type === 0) return serializeTransaction({ ...common, type: 'legacy', gasPrice })
  const accessList = rest.accessList ?? []
  if (type === 1) {
    return serializeTransaction({ ...common, type: 'eip2930', gasPrice, accessList })
  }
  const { maxFeePerGas, maxPriorityFeePerGas } = rest
  return serializeTransaction({
    ...common,
    type: 'eip1559',
    maxFeePerGas,
    maxPriorityFeePerGas,
    accessList,
  })
}

function tampered(random, { payload, fields, call, token, units, decimals, bound, to }) {
  const stranger = getAddress(`0x${random.hex(20)}`)
  const signed = (changes) => ({ ...payload, rawTx: [entry({ ...fields, ...changes })] })
  const first = payload.rawTx[0]
  const next = entry({ ...fields, nonce: fields.nonce + 1 })
  const twice = { fee: decimalText(2n * bound, 18) }
  const amount = decimalText(units + 1n, decimals)
  const path = random.pick(['[ 44, 60, 4, 0, 0 ]', '[ 44, 60, 3, 0, 1 ]', '[ 49, 60, 3, 0, 0 ]'])
  const paid = METHODS.encodeFunctionData('transfer', [stranger, units])
  const cases = {
    amount: [
      { ...payload, amountStr: amount, requestedAmountStr: amount, ...addressed(to, amount) },
    ],
    recipient: [signed(token === undefined ? { to: stranger } : { data: paid })],
    request: [{ ...payload, ...addressed(stranger, payload.amountStr) }],
    chain: [signed({ chainId: 9999n })],
    fee: [{ ...payload, fee: decimalText(bound - 1n, 18) }, 'unproven: fee'],
    payload: [{ ...payload, rawTx: [{ ...first, payload: random.hex(32) }] }],
    path: [{ ...payload, rawTx: [{ ...first, keyDerivationPath: path }] }],
    data: [signed({ data: `${call.data}00` })],
    value: [signed({ value: call.value + 1n })],
    two: [{ ...payload, ...twice, rawTx: [first, next] }],
    repeated: [{ ...payload, ...twice, rawTx: [first, first] }],
    spelling: [
      {
        ...payload,
        destAddress: `0x${to.slice(2).toUpperCase()}`,
        amountStr: padded(payload.amountStr),
      },
      'verified',
    ],
  }
  const kind = random.pick(Object.keys(cases))
  const [changed, expected = NOT] = cases[kind]
  return { label: `${call.kind}, ${kind}`, payload: changed, expected, isHonest: expected !== NOT }
}

function padded(text) {
  return text.includes('.') ? `${text}000` : `${text}.000`
}
