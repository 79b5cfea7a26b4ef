/** How the cost of one decision grows with everything that can grow. */
import { join } from 'node:path'
import { CHARGED_EVERY, writeHistory } from '../history.ts'
import type { ClosedResult } from '../load/job.ts'
import { policyYaml } from '../policies.ts'
import type { Figure, Section } from '../report.ts'
import { text } from '../report.ts'
import { alternate, createLane, requestsFor } from '../rig.ts'
import type { Lane, Measured, Rig } from '../rig.ts'
import { sampleFacts, samplePolicy, sampleRequest } from '../sample.ts'
import { startCountersign } from '../servers/countersign.ts'
import type { Variant } from '../servers/countersign.ts'
import { evaluate } from '../../handler/policy/evaluate.ts'

interface Growth {
  readonly dimension: string
  readonly label: string
  readonly variant: Variant
  /** Set for payloads: they share one server and differ in their requests. */
  readonly chars?: number
}

const PAYLOADS = [1_400, 2_200, 16_000, 60_000, 250_000, 1_000_000]
const RULES = [1, 100, 1_000, 10_000]
const ROUNDS = 3
const COUNT = 1_000
const WARM_UP = 5_000
/** Large payloads are sent less often: this many characters per round are enough. */
const CHARS_PER_ROUND = 20_000_000
/** Flat means: within this factor. */
const FLAT = 1.1

/** Measures each dimension by itself; everything else as in the main table. */
export async function growth(rig: Rig): Promise<Section> {
  const history = rig.quick ? 10_000 : 1_000_000
  rig.say(`growth: writing a history of ${history.toLocaleString('en-US')} decisions`)
  const past = join(await rig.world.makeDirectory('history'), 'state')
  const prepared = await prepareHistory(rig, past, history)
  rig.say('growth: payload')
  const payload = await payloads(rig)
  const cases: Growth[][] = [
    RULES.map((rules) => ({ dimension: 'rules', label: text(rules), variant: { rules } })),
    [
      { dimension: 'history', label: '0', variant: { limits: true } },
      { dimension: 'history', label: text(history), variant: { limits: true, stateDir: past } },
    ],
    [1, 10].map((n) => ({ dimension: 'generations', label: text(n), variant: { generations: n } })),
    [1, 10].map((n) => ({
      dimension: 'co-signer keys',
      label: text(n),
      variant: { cosignerKeys: n },
    })),
  ]
  const measured = [payload]
  for (const group of cases) {
    rig.say(`growth: ${group[0]?.dimension}`)
    measured.push(await compare(rig, group))
  }
  return {
    title: 'Growth',
    notes: [
      `CPU per decision on one core, ${ROUNDS} alternating rounds; one thing grows at a time. Payload is the token's`,
      'length in characters. The history was written beforehand in',
      `${text(prepared / 1000)} s, with short evidence, over 23 hours; one decision in ${CHARGED_EVERY} of it spent of the daily limit that the`,
      'approving rule spends of. Of ten co-signer keys the last in the alphabet signs.',
    ],
    columns: ['what grows', 'to', 'CPU µs', '× floor', 'against the smallest'],
    rows: measured.flatMap(({ dimension, results }) =>
      results.map((result) => [
        dimension,
        result.label,
        text(result.cpuUs),
        text(result.ratio),
        text(against(results, result)),
      ]),
    ),
    figures: measured.map(figureOf),
  }
}

interface Compared {
  readonly dimension: string
  readonly results: readonly Measured[]
}

async function compare(rig: Rig, group: readonly Growth[]): Promise<Compared> {
  const pool = await rig.pool(requestsFor([WARM_UP, ...Array<number>(ROUNDS).fill(COUNT)]))
  const generator = rig.generator('second')
  const lanes: Lane[] = []
  for (const { label, variant } of group) {
    const server = await startCountersign(rig.world, { cores: 'first', ...variant })
    lanes.push(createLane(label, server, generator, pool))
  }
  for (const lane of lanes) await lane.run(WARM_UP)
  const runs = lanes.map((lane) => ({ label: lane.label, run: () => lane.run(COUNT) }))
  const { measured } = await alternate(rig, ROUNDS, runs)
  for (const { server } of lanes) await server.stop()
  return { dimension: group[0]?.dimension ?? '', results: measured }
}

async function payloads(rig: Rig): Promise<Compared> {
  const server = await startCountersign(rig.world, { cores: 'first' })
  const generator = rig.generator('second')
  const warm = await rig.pool(WARM_UP + 100)
  await createLane('warm-up', server, generator, warm).run(WARM_UP)
  const runs: { label: string; run: () => Promise<ClosedResult> }[] = []
  for (const chars of PAYLOADS) {
    const count = Math.min(COUNT, Math.ceil(CHARS_PER_ROUND / chars))
    // Sizes of their own, or the requests of the warm-up would be sent again.
    const pool = await rig.world.pool(
      requestsFor([...Array<number>(ROUNDS).fill(count)]),
      chars + 1,
    )
    const lane = createLane(text(chars), server, generator, pool)
    runs.push({ label: text(chars), run: () => lane.run(count) })
  }
  const { measured } = await alternate(rig, ROUNDS, runs)
  await server.stop()
  return { dimension: 'payload', results: measured }
}

/** Fills the store of a new state directory; the milliseconds it took. */
async function prepareHistory(rig: Rig, stateDir: string, decisions: number): Promise<number> {
  await (await startCountersign(rig.world, { stateDir })).stop()
  const beganAt = performance.now()
  const request = sampleRequest('4b1c9b58-5f3c-4b5e-9a52-f4a7f0f5a0c1')
  const loaded = samplePolicy(policyYaml({ rules: 1, limits: true }))
  await writeHistory(
    stateDir,
    decisions,
    request,
    evaluate(loaded, request, sampleFacts(new Date())),
  )
  return performance.now() - beganAt
}

function against(results: readonly Measured[], result: Measured): number {
  return result.ratio / (results[0]?.ratio ?? Number.NaN)
}

/** Payload must be linear: twice the bytes, at most twice the additional cost. All else must be flat. */
function figureOf({ dimension, results }: Compared): Figure {
  const last = results.at(-1)
  if (last === undefined) throw new Error(`nothing was measured for ${dimension}`)
  if (dimension !== 'payload') {
    const name = `${dimension}, largest / smallest`
    return { name, value: against(results, last), unit: '', goal: { atMost: FLAT } }
  }
  const [first] = results
  const middle = results[PAYLOADS.indexOf(250_000)]
  if (first === undefined || middle === undefined) throw new Error('payload sizes are missing')
  const slope = (last.ratio - first.ratio) / (middle.ratio - first.ratio)
  return {
    name: 'payload, added cost of 1,000,000 / of 250,000',
    value: slope,
    unit: '',
    goal: { atMost: 4.4 },
  }
}
