/** Bitcoin-like transactions against the request: every entry's hash, one transaction, its outputs, change and fee. */
import { baseUnits } from '../../protocol/decimal.ts'
import type { UtxoAsset } from '../chains/assets.ts'
import { bytesToHex, hash160, hexToBytes } from './bytes.ts'
import type { Entry } from './entries.ts'
import type { OwnAddress } from './own-address.ts'
import { readPayments } from './payments.ts'
import type { Preimage } from './preimage.ts'
import { parseBip143, parseLegacy, parseTaproot, sighash, tapSighash } from './preimage.ts'
import { parsePsbt } from './psbt.ts'
import { commitsToOutputs, sighashName } from './sighash-type.ts'
import { p2pkh, p2sh, scriptOfAddress, witnessScript } from '../chains/utxo-address.ts'
import type { Frame, Signed } from './utxo-frame.ts'
import { frameOf, sumOf } from './utxo-frame.ts'
import type { NetworkRules } from '../chains/utxo-networks.ts'
import { NETWORK_RULES } from '../chains/utxo-networks.ts'
import type { Circumstances } from './utxo-outputs.ts'
import { judgeOutputs, rebuildOutputs } from './utxo-outputs.ts'
import type { ReadableTx } from './readable.ts'
import type { Finding, RawTxFacts } from './verdict.ts'
import { gravest, lacking, mismatch, unverifiable } from './verdict.ts'

/** What the policy adds. */
export interface UtxoOptions {
  /** Names as in `sighashName`. */
  readonly allowedSighashTypes: readonly string[]
  readonly changeAddresses: readonly string[]
  readonly isOwn: OwnAddress
}

const DECIMALS = 8

/** The verdict on entries of a Bitcoin-like asset. */
export function verifyUtxo(
  request: ReadableTx,
  asset: UtxoAsset,
  entries: readonly Entry[],
  options: UtxoOptions,
): Finding {
  const rules = NETWORK_RULES[asset.network]
  const read = entries.map((entry) => readEntry(entry, rules))
  const signed = read.filter((each) => 'preimage' in each)
  const others = [...new Set(signed.map((each) => each.sighash))].filter((name) => name !== 'ALL')
  const facts: RawTxFacts = others.length === 0 ? {} : { sighashTypes: others }
  const finding =
    gravest(read.filter((each) => 'status' in each)) ??
    checkTypes(signed, options.allowedSighashTypes) ??
    checkTransaction(request, rules, signed, options)
  // The bytes of one network are good on its relatives: the coin type of the key tells them apart.
  const bound = asset.coinTypes === undefined ? lacking(finding, ['chain']) : finding
  return { ...bound, facts: { ...facts, ...bound.facts } }
}

function readEntry({ name, bytes, payload }: Entry, rules: NetworkRules): Signed | Finding {
  const hash = sighash(bytes)
  const parsers = hash === payload ? parsersOf(rules) : taprootParser(bytes, payload, rules)
  if (parsers.length === 0) return mismatch(`${name}.payload`, hash, payload)
  const readings = parsers.map((parse) => parse(bytes)).filter((each) => each !== undefined)
  // By chance a random byte of one kind lies where another has a length: then the script must be one that is paid to keys.
  const [preimage, ...more] = readings.length > 1 ? readings.filter(paysToKeys) : readings
  if (preimage === undefined) return unverifiable(`\`${name}\` is not a known signature preimage`)
  if (more.length > 0) return unverifiable(`\`${name}\` can be read as two kinds of preimage`)
  return { name, preimage, sighash: sighashName(preimage, rules) }
}

/** A key's hash, a key, or several keys of which some must sign. */
const PAID_TO_KEYS =
  /^(?:76a914[0-9a-f]{40}88ac|(?:210[23][0-9a-f]{64}|4104[0-9a-f]{128})ac|5[1-9a-f](?:210[23][0-9a-f]{64}|4104[0-9a-f]{128})+5[1-9a-f]ae)$/

/** The script that is in place could be one of a wallet. */
function paysToKeys(preimage: Preimage): boolean {
  return preimage.kind !== 'taproot' && PAID_TO_KEYS.test(preimage.scriptCode)
}

type Parser = (bytes: Uint8Array) => Preimage | undefined

function taprootParser(bytes: Uint8Array, payload: string, { hashing }: NetworkRules): Parser[] {
  return hashing === 'segwit' && tapSighash(bytes) === payload ? [parseTaproot] : []
}

function parsersOf({ hashing }: NetworkRules): Parser[] {
  if (hashing === 'legacy') return [parseLegacy]
  return hashing === 'forkid' ? [parseBip143] : [parseLegacy, parseBip143]
}

/** A type the policy does not name is a mismatch; one that leaves outputs open can be named, but proves nothing. */
function checkTypes(signed: readonly Signed[], allowed: readonly string[]): Finding | undefined {
  const refused = signed.find((each) => !allowed.includes(each.sighash))
  if (refused !== undefined) {
    return mismatch(`${refused.name}.sighashType`, allowed.join(' or '), refused.sighash)
  }
  const open = signed.find((each) => !commitsToOutputs(each.sighash))
  return open === undefined
    ? undefined
    : unverifiable(`signature hash type ${open.sighash} lets others change the outputs`)
}

function checkTransaction(
  request: ReadableTx,
  rules: NetworkRules,
  signed: readonly Signed[],
  { changeAddresses, isOwn }: UtxoOptions,
): Finding {
  const { operation, extraParameters, asset = '', sourceId } = request
  if (operation !== 'TRANSFER') return unverifiable(`operation \`${operation}\` is not decoded`)
  const text = extraParameters?.['psbt']
  const psbt = typeof text === 'string' ? parsePsbt(text) : undefined
  if (text !== undefined && psbt === undefined) return unverifiable('`psbt` cannot be read')
  const frame = frameOf(signed, psbt)
  if ('status' in frame) return frame
  const total = totalOf(signed, frame)
  if (typeof total === 'object') return total
  const fee = request.fee ? baseUnits(request.fee, DECIMALS) : undefined
  if (fee === undefined) return unverifiable('`fee` is absent or not a whole number of base units')
  const scriptOf = (address: string) => scriptOfAddress(address, rules)
  const readings = readPayments(request, { decimals: DECIMALS, fee, target: scriptOf })
  if ('status' in readings) return readings
  const changeScripts = changeAddresses.flatMap((address) => scriptOf(address) ?? [])
  const own = new Set([...ownScripts(signed, frame, rules), ...changeScripts])
  const around: Circumstances = {
    readings,
    own,
    fee,
    total,
    rules,
    isOwn: ({ vault, address, target }) =>
      isOwn(vault, asset ?? '', address) || (vault === sourceId && own.has(target ?? '')),
  }
  return frame.outputs === undefined
    ? rebuildOutputs((serialized) => commitTo(serialized, signed), around)
    : judgeOutputs(frame.outputs, around)
}

/**
 * Scripts of the key that signs. INVARIANT: only when every entry is for one key. Of several keys one could be a
 * stranger's, brought in with an input of the stranger's own, and change to it would be theirs; that the request calls
 * it ours proves nothing. If all entries are for one key, it is ours or nothing of ours is spent.
 */
function ownScripts(signed: readonly Signed[], frame: Frame, rules: NetworkRules): string[] {
  const keys = new Set(signed.map(({ preimage }) => keyOf(preimage, frame)))
  const [key] = keys
  if (key === undefined || keys.size > 1) return []
  if (key.length !== 40) return [key]
  const witness = witnessScript(0, key)
  // Where there are no witnesses, a witness script would belong to anyone.
  return rules.hashing === 'segwit'
    ? [witness, p2pkh(key), p2sh(bytesToHex(hash160(hexToBytes(witness))))]
    : [p2pkh(key)]
}

/** The key hash of a pay-to-key script; a taproot input's whole script; undefined for other scripts. */
function keyOf(preimage: Preimage, { spent }: Frame): string | undefined {
  return preimage.kind === 'taproot'
    ? spent?.[preimage.index]?.script
    : /^76a914([0-9a-f]{40})88ac$/.exec(preimage.scriptCode)?.[1]
}

/**
 * What all inputs are worth, when that is proved: a BIP-143 signature commits to its own input, a BIP-341 one to all, and
 * an earlier transaction whose hash is the input's reference says what its outputs hold.
 */
function totalOf(
  signed: readonly Signed[],
  { inputs, outputs, spent, earlier, open }: Frame,
): bigint | Finding | undefined {
  // Others may add to known outputs; when only we pay, the entries alone must cover destinations, change and fee.
  const isOpen = spent === undefined && open && outputs !== undefined
  if (inputs === undefined || isOpen) return undefined
  const committed = inputs.flatMap(({ outpoint }, index) => {
    const output = spent?.[index]
    return output === undefined ? [] : [[outpoint, output.units] as const]
  })
  const amounts = new Map([...earlier, ...committed])
  for (const { name, preimage } of signed) {
    if (preimage.kind !== 'bip143') continue
    const known = amounts.get(preimage.outpoint) ?? preimage.units
    if (known !== preimage.units) {
      return mismatch(`${name}.amount`, String(known), String(preimage.units))
    }
    amounts.set(preimage.outpoint, known)
  }
  let total = 0n
  for (const { outpoint } of inputs) {
    const units = amounts.get(outpoint)
    if (units === undefined) return undefined
    total += units
  }
  return total
}

function commitTo(serialized: string, signed: readonly Signed[]): boolean {
  const sum = sumOf([serialized])
  return signed.every(({ preimage }) => {
    if (preimage.kind === 'bip143') return preimage.hashOutputs === sum?.twice
    return preimage.kind === 'taproot' && preimage.shaOutputs === sum?.once
  })
}
