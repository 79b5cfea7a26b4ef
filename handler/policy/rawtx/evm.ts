/** EVM transactions against the request: every entry's hash, chain, fee bound, and the payments they make. */
import { baseUnits, fromBaseUnits } from '../../protocol/decimal.ts'
import type { EvmAsset } from '../chains/assets.ts'
import { bytesToHex, keccak_256, prefixed } from './bytes.ts'
import type { Entry } from './entries.ts'
import { decodeErc20, selectorOf } from './erc20.ts'
import { parseEvmAddress } from '../chains/evm-address.ts'
import type { EvmTransaction } from './evm-transaction.ts'
import { decodeEvmTransaction } from './evm-transaction.ts'
import type { OwnAddress } from './own-address.ts'
import type { Asked, Payment, Reading } from './payments.ts'
import { missingRecipients, readPayments } from './payments.ts'
import type { ReadableTx } from './readable.ts'
import type { Recipient } from './recipient.ts'
import type { Finding, RawTxFacts } from './verdict.ts'
import { gravest, lacking, mismatch, proven, unverifiable } from './verdict.ts'

/** A decoded entry that calls or pays an address. */
interface Call extends EvmTransaction {
  readonly name: string
  readonly to: string
}

/** The native coin of every EVM chain counts in 10^-18. */
const NATIVE_DECIMALS = 18

/** The verdict on entries of an EVM asset. */
export function verifyEvm(
  request: ReadableTx,
  asset: EvmAsset,
  entries: readonly Entry[],
  isOwn: OwnAddress,
): Finding {
  const read = entries.map((entry) => readEntry(entry, asset))
  const calls = read.filter((each) => 'nonce' in each)
  const bad = gravest(read.filter((each) => 'status' in each))
  const facts = factsOf(calls, calls.length < entries.length)
  if (bad !== undefined) return { ...bad, facts }
  const fee = feeOf(request)
  const finding =
    checkNonces(calls) ??
    (fee === undefined
      ? unverifiable('`fee` is absent or not a whole number of base units')
      : withFee(checkOperation(request, asset, calls, isOwn), fee, calls))
  return { ...finding, facts: { ...facts, ...finding.facts } }
}

function readEntry({ name, bytes, payload }: Entry, asset: EvmAsset): Call | Finding {
  const hash = bytesToHex(keccak_256(bytes))
  if (hash !== payload) return mismatch(`${name}.payload`, hash, payload)
  const transaction = decodeEvmTransaction(bytes)
  if (typeof transaction === 'string') return unverifiable(`\`${name}\`: ${transaction}`)
  const { chainId, to } = transaction
  // Without a chain id (before EIP-155) the signature is good on every chain: more than what was asked.
  if (chainId !== BigInt(asset.chainId)) {
    return mismatch(`${name}.chainId`, String(asset.chainId), String(chainId ?? 'none'))
  }
  if (to === undefined) return mismatch(`${name}.to`, 'an address', 'a contract creation')
  return { ...transaction, name, to }
}

/** What every entry calls; `isPartial`: there are entries that could not be decoded. */
function factsOf(calls: readonly Call[], isPartial: boolean): RawTxFacts {
  const selectors = new Set(
    calls.filter(({ data }) => data.length > 0).map(({ data }) => selectorOf(data)),
  )
  return {
    ...(selectors.size === 0 ? {} : { selectors: [...selectors] }),
    ...(isPartial ? { undecoded: true as const } : {}),
  }
}

/** Two transactions of one account with one nonce: only one of them can happen. */
function checkNonces(calls: readonly Call[]): Finding | undefined {
  const nonces = new Set(calls.map(({ nonce }) => nonce))
  return nonces.size === calls.length
    ? undefined
    : mismatch('rawTx.nonce', 'one nonce per transaction', 'a nonce twice')
}

/**
 * All gas at the highest price should not cost more than the request's fee; in the samples it is exactly the fee. More is no
 * contradiction, since the fee is documented as an estimate, but then the fee is not what bounds the cost.
 */
function withFee(finding: Finding, fee: bigint, calls: readonly Call[]): Finding {
  const bound = calls.reduce((sum, { gasLimit, gasPrice }) => sum + gasLimit * gasPrice, 0n)
  if (bound <= fee) return finding
  const feeBound = fromBaseUnits(bound, NATIVE_DECIMALS)
  return lacking({ ...finding, facts: { ...finding.facts, feeBound } }, ['fee'])
}

function feeOf({ fee }: ReadableTx): bigint | undefined {
  return fee === undefined || fee === null ? undefined : baseUnits(fee, NATIVE_DECIMALS)
}

function checkOperation(
  request: ReadableTx,
  asset: EvmAsset,
  calls: readonly Call[],
  isOwn: OwnAddress,
): Finding {
  const native = asset.contract === undefined
  const readings = readPayments(request, {
    decimals: asset.decimals,
    fee: native && request.operation === 'TRANSFER' ? feeOf(request) : undefined,
    target: parseEvmAddress,
  })
  if ('status' in readings) return readings
  const { asset: id } = request
  const finish = (found: readonly (Payment | Finding)[]) =>
    settle(readings, calls, found, ({ vault, address }) => isOwn(vault, id ?? '', address))
  switch (request.operation) {
    case 'TRANSFER':
      return native
        ? finish(calls.map(nativePayment))
        : finish(calls.map((call) => tokenPayment(call, asset, 'transfer')))
    case 'APPROVE':
      return native
        ? unverifiable('the native coin has no allowances')
        : finish(calls.map((call) => tokenPayment(call, asset, 'approve')))
    case 'CONTRACT_CALL':
      return finish(calls.map((call) => contractCall(call, asset, request)))
    default:
      return unverifiable(`operation \`${request.operation}\` is not decoded`)
  }
}

function nativePayment({ name, to, value, data }: Call): Payment | Finding {
  if (data.length > 0) return mismatch(`${name}.data`, 'empty', selectorOf(data))
  return { target: to, units: value }
}

function tokenPayment(
  { name, to, value, data }: Call,
  { contract = '' }: EvmAsset,
  method: 'transfer' | 'approve',
): Payment | Finding {
  if (to !== contract) return mismatch(`${name}.to`, contract, to)
  if (value !== 0n) return mismatch(`${name}.value`, '0', String(value))
  const call = decodeErc20(data)
  if (call === undefined) return unverifiable(`\`${name}\`: not a canonical ERC-20 call`)
  if (call.method === 'transferFrom' && method === 'transfer') {
    return unverifiable(
      `\`${name}\`: transferFrom takes tokens of an owner the request does not name`,
    )
  }
  if (call.method !== method) return mismatch(`${name}.data`, method, call.method)
  return { target: call.recipient, units: call.units }
}

/** A call is what was asked when its data is the request's own, byte for byte. */
function contractCall(
  { name, to, value, data }: Call,
  asset: EvmAsset,
  request: ReadableTx,
): Payment | Finding {
  const asked = request.extraParameters?.['contractCallData']
  if (asset.contract !== undefined) {
    return unverifiable('a contract call is compared for the native coin only')
  }
  if (typeof asked !== 'string') return unverifiable('`contractCallData` is absent')
  const found = prefixed(data)
  const expected = asked.startsWith('0x') ? asked.toLowerCase() : `0x${asked.toLowerCase()}`
  if (found !== expected) return mismatch(`${name}.data`, expected, found)
  return { target: to, units: value }
}

/** Every entry makes exactly one of the request's payments, and every payment is made once. */
function settle(
  readings: readonly Reading[],
  calls: readonly Call[],
  found: readonly (Payment | Finding)[],
  isOwn: Parameters<typeof missingRecipients>[2],
): Finding {
  const bad = gravest(found.filter((each) => 'status' in each))
  if (bad !== undefined) return bad
  const paid = found.filter((each) => 'target' in each)
  for (const { payments, gross, dispute } of readings) {
    const recipient = recipientOf(payments, paid)
    if (recipient === undefined) continue
    if (dispute !== undefined) return unverifiable(dispute)
    const { length } = recipient
    return proven(missingRecipients(payments, recipient[0], isOwn), {
      ...(gross ? { gross: true as const } : {}),
      ...(length === 0 ? {} : { recipient: recipient[0] }),
    })
  }
  const [expected] = readings.flatMap(({ payments }) => payments)
  const [only] = paid
  const [call] = calls
  if (expected === undefined || only === undefined || call === undefined || paid.length > 1) {
    return mismatch('rawTx', 'one entry for each payment of the request', describe(paid))
  }
  return expected.target === undefined || expected.target === only.target
    ? mismatch(`${call.name}.amount`, String(expected.units), String(only.units))
    : mismatch(`${call.name}.to`, expected.target, only.target)
}

/** Who gets the payment without address, as a list of at most one; undefined when the bytes make other payments. */
function recipientOf(
  asked: readonly Asked[],
  paid: readonly Payment[],
): readonly Recipient[] | undefined {
  const open = asked.find(({ target }) => target === undefined)
  if (open === undefined) return keyOf(asked) === keyOf(paid) ? [] : undefined
  const { units, index } = open
  const fits = paid.find(
    (each) =>
      each.units === units &&
      keyOf([...asked.filter((other) => other !== open), each]) === keyOf(paid),
  )
  return fits === undefined ? undefined : [{ index, address: fits.target }]
}

/** The payments as a multiset. */
function keyOf(payments: readonly Pick<Asked, 'target' | 'units'>[]): string {
  return payments
    .map(({ target, units }) => `${target} ${units}`)
    .toSorted()
    .join()
}

function describe(payments: readonly Payment[]): string {
  return payments.map(({ target, units }) => `${units} to ${target}`).join(', ')
}
