/** The one transaction that all entries must belong to, put together from everything they and a PSBT commit to. */
import { bytesToHex, hexToBytes, sha256 } from './bytes.ts'
import type { Input, Output, Preimage, TaprootPreimage } from './preimage.ts'
import { littleEndian, serializeOutputs, withSize } from './preimage.ts'
import type { Psbt } from './psbt.ts'
import { ALL_ANYONECANPAY } from './sighash-type.ts'
import type { Finding } from './verdict.ts'
import { mismatch, unverifiable } from './verdict.ts'

/** One entry, decoded. */
export interface Signed {
  /** `rawTx[<index>]`. */
  readonly name: string
  readonly preimage: Preimage
  /** Name of the hash type: one that commits to all outputs. */
  readonly sighash: string
}

/** What is known of the transaction. */
export interface Frame {
  /** All inputs in order, or those that are ours when others may add some; undefined when only hashes are known. */
  readonly inputs: readonly Input[] | undefined
  readonly outputs: readonly Output[] | undefined
  /** What the inputs spend, when a signature commits to all of it. */
  readonly spent: readonly Output[] | undefined
  /** What inputs hold, by their reference: proved by the whole earlier transaction. */
  readonly earlier: ReadonlyMap<string, bigint>
  /** Others may add inputs. */
  readonly open: boolean
}

/** The frame, or the contradiction. Linear: every whole is hashed once, not once per entry. */
export function frameOf(signed: readonly Signed[], psbt: Psbt | undefined): Frame | Finding {
  const several = checkShared(signed)
  if (several !== undefined) return several
  const legacy = signed.map(({ preimage }) => preimage).filter((each) => each.kind === 'legacy')
  const whole = signed.find((each) => each.preimage.kind === 'legacy' && !isOpen(each))?.preimage
  const listed = whole?.kind === 'legacy' ? whole.inputs : psbt?.inputs
  const inputs = listed ?? inputsOf(signed)
  const outputs = legacy[0]?.outputs ?? psbt?.outputs
  if (psbt !== undefined && !isTransaction(psbt, signed[0]?.preimage, inputs, outputs)) {
    return mismatch('extraParameters.psbt', 'the transaction of `rawTx`', 'another')
  }
  const known = psbt?.spent.filter((each) => each !== undefined)
  const spent = known?.length === psbt?.inputs.length ? known : undefined
  const sums = sumsOf(inputs, outputs, spent)
  const members = new Set(inputs?.map(textOf))
  for (const each of signed) {
    const part = differenceOf(each, inputs === undefined ? undefined : members, sums)
    if (part === undefined) continue
    // A hash over inputs that nobody listed proves nothing: there may be more inputs than entries.
    return listed === undefined && part === 'inputs'
      ? unverifiable('the entries are not all inputs of the transaction, in order')
      : mismatch(`${each.name}.${part}`, 'the same transaction throughout', 'another')
  }
  const committed = signed.some(({ preimage }) => preimage.kind === 'taproot')
  return {
    inputs,
    outputs,
    spent: committed ? spent : undefined,
    earlier: provenBy(psbt),
    open: signed.some(isOpen),
  }
}

function provenBy(psbt: Psbt | undefined): ReadonlyMap<string, bigint> {
  const amounts = new Map<string, bigint>()
  for (const [index, { outpoint }] of (psbt?.inputs ?? []).entries()) {
    const output = psbt?.spent[index]
    if (output?.isProven === true) amounts.set(outpoint, output.units)
  }
  return amounts
}

/** Entries of one kind agree on everything that they share, and no input is signed twice. */
function checkShared(signed: readonly Signed[]): Finding | undefined {
  const spends = new Set(signed.map(({ preimage }) => spendOf(preimage)))
  if (spends.size !== signed.length) {
    return mismatch('rawTx', 'one entry per input', 'an input twice')
  }
  const shared = new Map<string, string>()
  for (const each of signed) {
    for (const [part, value] of sharedParts(each)) {
      const first = shared.get(part) ?? value
      if (first !== value) return mismatch(`${each.name}.${part}`, first, value)
      shared.set(part, first)
    }
  }
  return undefined
}

/** What is equal in all entries of a transaction, by name; parts of different kinds have different names. */
function sharedParts(signed: Signed): Iterable<readonly [string, string]> {
  const { preimage } = signed
  const { version, locktime } = preimage
  if (preimage.kind === 'legacy') {
    const outputs = serializeOutputs(preimage.outputs)
    const inputs = preimage.inputs.map(textOf).join('')
    return Object.entries({ version, locktime, outputs, ...(isOpen(signed) ? {} : { inputs }) })
  }
  if (preimage.kind === 'bip143') {
    const { hashPrevouts, hashSequence, hashOutputs } = preimage
    const hashes = isOpen(signed) ? {} : { hashPrevouts, hashSequence }
    return Object.entries({ version, locktime, hashOutputs, ...hashes })
  }
  const { shaPrevouts, shaAmounts, shaScripts, shaSequences, shaOutputs } = preimage
  const hashes = { shaPrevouts, shaAmounts, shaScripts, shaSequences, shaOutputs }
  return Object.entries({ version, locktime, ...hashes })
}

/** Identity of the input that an entry signs. */
function spendOf(preimage: Preimage): string {
  if (preimage.kind === 'legacy') return preimage.signed.outpoint
  return preimage.kind === 'bip143' ? preimage.outpoint : `input ${preimage.index}`
}

/** The inputs as the entries list them, when each entry lists its own. */
function inputsOf(signed: readonly Signed[]): readonly Input[] | undefined {
  const inputs = signed.flatMap(({ preimage }): Input[] => {
    if (preimage.kind === 'taproot') return []
    return [preimage.kind === 'legacy' ? preimage.signed : preimage]
  })
  return inputs.length === signed.length ? inputs : undefined
}

function isTransaction(
  psbt: Psbt,
  preimage: Preimage | undefined,
  inputs: Frame['inputs'],
  outputs: Frame['outputs'],
): boolean {
  return (
    psbt.version === preimage?.version &&
    psbt.locktime === preimage.locktime &&
    psbt.inputs.map(textOf).join('') === inputs?.map(textOf).join('') &&
    psbt.outputs.map(outputText).join() === outputs?.map(outputText).join()
  )
}

/** SHA-256 once (BIP-341) and twice (BIP-143) of the same bytes, in hex. */
interface Sum {
  readonly once: string
  readonly twice: string
}

type Sums = Readonly<
  Record<'prevouts' | 'sequences' | 'outputs' | 'amounts' | 'scripts', Sum | undefined>
>

function sumsOf(inputs: Frame['inputs'], outputs: Frame['outputs'], spent: Frame['spent']): Sums {
  return {
    prevouts: sumOf(inputs?.map(({ outpoint }) => outpoint)),
    sequences: sumOf(inputs?.map(({ sequence }) => sequence)),
    outputs: sumOf(outputs === undefined ? undefined : [serializeOutputs(outputs)]),
    amounts: sumOf(spent?.map(({ units }) => littleEndian(units, 8))),
    scripts: sumOf(spent?.map(({ script }) => withSize(script))),
  }
}

/** The sum of concatenated hex texts. */
export function sumOf(parts: readonly string[] | undefined): Sum | undefined {
  if (parts === undefined) return undefined
  const once = sha256(hexToBytes(parts.join('')))
  return { once: bytesToHex(once), twice: bytesToHex(sha256(once)) }
}

const ZEROS = '0'.repeat(64)

/** The first part of an entry that does not belong to the frame; what the frame does not know is not compared. */
function differenceOf(
  signed: Signed,
  inputs: ReadonlySet<string> | undefined,
  sums: Sums,
): string | undefined {
  const { preimage } = signed
  if (preimage.kind === 'taproot') return taprootDifference(preimage, inputs, sums)
  const input = preimage.kind === 'legacy' ? preimage.signed : preimage
  if (inputs?.has(textOf(input)) === false) return 'inputs'
  if (preimage.kind === 'legacy') return undefined
  const open = isOpen(signed)
  const prevouts = open ? ZEROS : sums.prevouts?.twice
  const sequences = open ? ZEROS : sums.sequences?.twice
  if (differs(prevouts, preimage.hashPrevouts)) return 'inputs'
  if (differs(sequences, preimage.hashSequence)) return 'inputs'
  return differs(sums.outputs?.twice, preimage.hashOutputs) ? 'outputs' : undefined
}

function taprootDifference(
  preimage: TaprootPreimage,
  inputs: ReadonlySet<string> | undefined,
  sums: Sums,
): string | undefined {
  if (differs(sums.prevouts?.once, preimage.shaPrevouts)) return 'inputs'
  if (differs(sums.sequences?.once, preimage.shaSequences)) return 'inputs'
  if (inputs !== undefined && preimage.index >= inputs.size) return 'inputs'
  if (differs(sums.amounts?.once, preimage.shaAmounts)) return 'amounts'
  if (differs(sums.scripts?.once, preimage.shaScripts)) return 'scripts'
  return differs(sums.outputs?.once, preimage.shaOutputs) ? 'outputs' : undefined
}

function differs(known: string | undefined, found: string): boolean {
  return known !== undefined && known !== found
}

function textOf({ outpoint, sequence }: Input): string {
  return outpoint + sequence
}

function outputText({ units, script }: Output): string {
  return `${units} ${script}`
}

function isOpen({ sighash }: Signed): boolean {
  return sighash === ALL_ANYONECANPAY
}
