/** Who a Bitcoin-like transaction pays: its outputs are the request's payments and provable change, or they are not. */
import type { Payment, Reading } from './payments.ts'
import type { Output } from './preimage.ts'
import { serializeOutputs } from './preimage.ts'
import type { Finding } from './verdict.ts'
import { mismatch, unverifiable, verified } from './verdict.ts'

/** What is known beside the outputs. */
export interface Circumstances {
  readonly readings: readonly Reading[]
  /** Scripts that are certainly ours: an output to one of them is change. */
  readonly own: ReadonlySet<string>
  /** The request's fee, in base units. */
  readonly fee: bigint
  /** Sum of all inputs; undefined when no signature commits to it. */
  readonly total: bigint | undefined
}

/** The verdict on outputs that are known. */
export function judgeOutputs(outputs: readonly Output[], around: Circumstances): Finding {
  const matches = around.readings.flatMap((reading) => {
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
      : unverifiable(`an output is neither a destination nor provably change: ${show(stray)}`, {
          unproven: ['change output'],
        })
  }
  const spent = outputs.reduce((sum, { units }) => sum + units, 0n)
  return judgeFee(spent, reading, around)
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
  for (const reading of readings) {
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
function judgeFee(spent: bigint, { gross }: Reading, { fee, total }: Circumstances): Finding {
  const facts = gross ? ({ gross } as const) : {}
  if (total === undefined) return verified({ ...facts, unproven: ['fee'] })
  const found = total - spent
  if (found < 0n || found > fee) return mismatch('fee', `at most ${fee}`, String(found))
  return verified(facts)
}

/** The outputs that are left when each payment has taken one; undefined when one finds none. */
function without(
  outputs: readonly Output[],
  payments: readonly Payment[],
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
  const expected = payments.map(({ target, units }) => show({ script: target, units })).join(', ')
  return mismatch('rawTx.outputs', expected, near === undefined ? 'no such output' : show(near))
}

function show({ script, units }: Output): string {
  return `${units} to script ${script}`
}
