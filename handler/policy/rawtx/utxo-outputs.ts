/** Who a Bitcoin-like transaction pays: its outputs are the request's payments and provable change, or they are not. */
import { addressOfScript } from '../chains/script-address.ts'
import type { NetworkRules } from '../chains/utxo-networks.ts'
import type { Asked, Reading } from './payments.ts'
import { missingRecipients } from './payments.ts'
import type { Output } from './preimage.ts'
import { serializeOutputs } from './preimage.ts'
import type { Recipient } from './recipient.ts'
import type { Finding } from './verdict.ts'
import { mismatch, proven, unverifiable } from './verdict.ts'

/** What is known beside the outputs. */
export interface Circumstances {
  readonly readings: readonly Reading[]
  /** Scripts that are certainly ours: an output to one of them is change. */
  readonly own: ReadonlySet<string>
  /** The request's fee, in base units. */
  readonly fee: bigint
  /** Sum of all inputs; undefined when no signature commits to it. */
  readonly total: bigint | undefined
  readonly rules: NetworkRules
  /** Says whether an address is known to be of the vault account that a payment names. */
  readonly isOwn: Parameters<typeof missingRecipients>[2]
}

/** The verdict on outputs that are known. */
export function judgeOutputs(outputs: readonly Output[], around: Circumstances): Finding {
  const filled = around.readings.flatMap((reading) => withRecipient(reading, outputs, around))
  const matches = filled.flatMap((reading) => {
    const rest = without(outputs, reading.payments)
    return rest === undefined ? [] : [{ reading, strays: rest.filter(isStray(around.own)) }]
  })
  const best = matches.find(({ strays }) => strays.length === 0) ?? matches[0]
  if (best === undefined) return unpaid(outputs, around.readings)
  const { reading, strays } = best
  const [stray] = strays
  if (stray !== undefined) {
    return reading.payments.some(({ target }) => target === stray.script)
      ? mismatch('rawTx.outputs', 'one output per destination', show(stray))
      : unverifiable(`an output is neither a destination nor provably change: ${show(stray)}`)
  }
  const spent = outputs.reduce((sum, { units }) => sum + units, 0n)
  return judgeFee(spent, reading, around)
}

/** A reading whose every payment has a target. */
interface FilledReading extends Reading {
  readonly payments: readonly (Asked & { readonly target: string })[]
  /** Who is paid where the request leaves it open. */
  readonly recipient?: Recipient
}

/**
 * The reading with the recipient that the outputs name, where the request names none: the one output of that amount which
 * nothing else explains, or else our own.
 */
function withRecipient(
  reading: Reading,
  outputs: readonly Output[],
  { own, rules }: Circumstances,
): FilledReading[] {
  const named = reading.payments.filter(hasTarget)
  const open = reading.payments.find((payment) => !hasTarget(payment))
  if (open === undefined) return [{ ...reading, payments: named }]
  const fits = (without(outputs, named) ?? []).filter(({ units }) => units === open.units)
  const [script, ...more] = new Set(fits.map((output) => output.script))
  const target = more.length === 0 ? script : (fits.find(isStray(own))?.script ?? script)
  if (target === undefined) return []
  const payments = reading.payments.map((each) => ({ ...each, target: each.target ?? target }))
  // A script of no known form has no address; the text is none either, so that no list has it.
  const address = addressOfScript(target, rules) ?? `script ${target}`
  return [{ ...reading, payments, recipient: { index: open.index, address } }]
}

function hasTarget(payment: Asked): payment is Asked & { readonly target: string } {
  return payment.target !== undefined
}

/**
 * The verdict when only a hash of the outputs is signed: destinations, and change to one of our scripts before or after
 * them, are serialised and hashed. No match proves nothing. Linear: two orders per script of ours and reading.
 */
export function rebuildOutputs(
  matches: (serialized: string) => boolean,
  around: Circumstances,
): Finding {
  const { readings, own, fee, total } = around
  for (const each of readings) {
    const payments = each.payments.filter(hasTarget)
    if (payments.length < each.payments.length) continue
    const reading = { ...each, payments }
    const outputs = reading.payments.map(({ target, units }) => ({ script: target, units }))
    const paid = outputs.reduce((sum, { units }) => sum + units, 0n)
    if (matches(serializeOutputs(outputs))) return judgeFee(paid, reading, around)
    const change = total === undefined ? 0n : total - paid - fee
    for (const script of change > 0n ? own : []) {
      const back = { script, units: change }
      if (
        matches(serializeOutputs([...outputs, back])) ||
        matches(serializeOutputs([back, ...outputs]))
      ) {
        return judgeFee(paid + change, reading, around)
      }
    }
  }
  return unverifiable('the outputs cannot be rebuilt from the request')
}

/** What the inputs leave for the miner must not be more than the request's fee. */
function judgeFee(
  spent: bigint,
  { payments, gross, dispute, recipient }: FilledReading,
  { fee, total, isOwn }: Circumstances,
): Finding {
  if (dispute !== undefined) return unverifiable(dispute)
  const facts = {
    ...(gross ? ({ gross } as const) : {}),
    ...(recipient === undefined ? {} : { recipient }),
  }
  const missing = missingRecipients(payments, recipient, isOwn)
  if (total === undefined) return proven([...missing, 'fee'], facts)
  const found = total - spent
  if (found < 0n || found > fee) return mismatch('fee', `at most ${fee}`, String(found))
  return proven(missing, facts)
}

/** The outputs that are left when each payment has taken one; undefined when one finds none. */
function without(
  outputs: readonly Output[],
  payments: readonly Pick<Asked, 'target' | 'units'>[],
): readonly Output[] | undefined {
  const wanted = new Map<string, number>()
  for (const { target, units } of payments) {
    const key = `${target} ${units}`
    wanted.set(key, (wanted.get(key) ?? 0) + 1)
  }
  const rest = outputs.filter(({ script, units }) => {
    const key = `${script} ${units}`
    const count = wanted.get(key) ?? 0
    wanted.set(key, count - 1)
    return count <= 0
  })
  return outputs.length - rest.length === payments.length ? rest : undefined
}

function isStray(own: ReadonlySet<string>) {
  return ({ script }: Output) => !own.has(script)
}

function unpaid(outputs: readonly Output[], readings: readonly Reading[]): Finding {
  const payments = readings.flatMap((reading) => reading.payments)
  const targets = new Set(payments.map(({ target }) => target))
  const near = outputs.find(({ script }) => targets.has(script))
  const expected = payments
    .map(({ target, units }) =>
      target === undefined ? `${units}` : show({ script: target, units }),
    )
    .join(', ')
  return mismatch('rawTx.outputs', expected, near === undefined ? 'no such output' : show(near))
}

function show({ script, units }: Output): string {
  return `${units} to script ${script}`
}
