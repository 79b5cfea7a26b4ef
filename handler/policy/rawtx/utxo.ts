/** Bitcoin-like transactions against the request: every entry's hash, one transaction, its outputs, change and fee. */
import { baseUnits } from '../../protocol/decimal.ts'
import type { TxSignRequest } from '../../protocol/request.ts'
import type { UtxoAsset } from '../chains/assets.ts'
import { bytesToHex, hash160, hexToBytes } from './bytes.ts'
import type { Entry } from './entries.ts'
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
import { judgeOutputs, rebuildOutputs } from './utxo-outputs.ts'
import type { Finding, RawTxFacts } from './verdict.ts'
import { gravest, mismatch, unverifiable } from './verdict.ts'

/** What the policy adds. */
export interface UtxoOptions {
  /** Names as in `sighashName`. */
  readonly allowedSighashTypes: readonly string[]
  readonly changeAddresses: readonly string[]
}

const DECIMALS = 8

/** The verdict on entries of a Bitcoin-like asset. */
export function verifyUtxo(
  request: TxSignRequest,
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
  return { ...finding, facts: { ...facts, ...finding.facts } }
}

function readEntry({ name, bytes, payload }: Entry, rules: NetworkRules): Signed | Finding {
  const hash = sighash(bytes)
  const parsers = hash === payload ? parsersOf(rules) : taprootParser(bytes, payload, rules)
  if (parsers.length === 0) return mismatch(`${name}.payload`, hash, payload)
  const [preimage, ...more] = parsers
    .map((parse) => parse(bytes))
    .filter((each) => each !== undefined)
  if (preimage === undefined) return unverifiable(`\`${name}\` is not a known signature preimage`)
  if (more.length > 0) return unverifiable(`\`${name}\` can be read as two kinds of preimage`)
  return { name, preimage, sighash: sighashName(preimage, rules) }
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
  request: TxSignRequest,
  rules: NetworkRules,
  signed: readonly Signed[],
  { changeAddresses }: UtxoOptions,
): Finding {
  const { operation, extraParameters } = request
  if (operation !== 'TRANSFER') return unverifiable(`operation \`${operation}\` is not decoded`)
  const text = extraParameters?.['psbt']
  const psbt = typeof text === 'string' ? parsePsbt(text) : undefined
  if (text !== undefined && psbt === undefined) return unverifiable('`psbt` cannot be read')
  const frame = frameOf(signed, psbt)
  if ('status' in frame) return frame
  const fee = request.fee ? baseUnits(request.fee, DECIMALS) : undefined
  if (fee === undefined) return unverifiable('`fee` is absent or not a whole number of base units')
  const target = (address: string) => scriptOfAddress(address, rules)
  const readings = readPayments(request, { decimals: DECIMALS, fee, target })
  if ('status' in readings) return readings
  const changeScripts = changeAddresses.flatMap((address) => target(address) ?? [])
  const own = new Set([...ownScripts(signed, frame, rules), ...changeScripts])
  const around = { readings, own, fee, total: totalOf(signed, frame) }
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

/** What all inputs are worth, when signatures commit to it: each BIP-143 one to its own, a BIP-341 one to all. */
function totalOf(signed: readonly Signed[], { inputs, outputs, spent, open }: Frame) {
  if (spent !== undefined) return spent.reduce((sum, { units }) => sum + units, 0n)
  // Others may add to known outputs; when only we pay, the entries alone must cover destinations, change and fee.
  if (inputs?.length !== signed.length || (open && outputs !== undefined)) return undefined
  let total = 0n
  for (const { preimage } of signed) {
    if (preimage.kind !== 'bip143') return undefined
    total += preimage.units
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
