/** More load than the handler can bear: what is decided in time, what is turned away, and how soon it is over. */
import { goodput, recoveryMs } from '../load/ledger.ts'
import type { OpenResult, PhaseResult } from '../load/job.ts'
import type { Figure, Section } from '../report.ts'
import { text } from '../report.ts'
import { createLane } from '../rig.ts'
import type { Rig } from '../rig.ts'
import { startCountersign } from '../servers/countersign.ts'

/** The handler's default, and the least that it accepts: only that can be missed within a short run. */
const DEADLINES = { usual: 25_000, least: 1_000 }
/** As few as carry half of capacity, as a co-signer would; and just below the handler's own limit for a crowd. */
const CONNECTIONS = { few: 64, many: 2_000 }
const OVERLOAD_SECONDS = 5
const AFTER_SECONDS = 6
/** Requests in the pool; one that was turned away is offered again. */
const POOL = 40_000
const WARM_UP = 4_000

/** How much is offered, what share of capacity must be decided, and how long an answer may take. */
const CASES = [
  { factor: 0.5, share: 0.5, deadlineMs: DEADLINES.usual },
  { factor: 2, share: 0.95, deadlineMs: DEADLINES.usual },
  { factor: 4, share: 0.9, deadlineMs: DEADLINES.usual },
  { factor: 2, share: 0.95, deadlineMs: DEADLINES.least },
  { factor: 4, share: 0.9, deadlineMs: DEADLINES.least },
]

/** Offers half, twice and four times the capacity, each to a fresh handler. */
export async function overload(rig: Rig): Promise<Section> {
  const pool = await rig.pool(POOL)
  const runs: Run[] = []
  for (const each of CASES) {
    rig.say(`overload, ${nameOf(each)}`)
    runs.push(await offer(rig, pool, each))
  }
  return {
    title: 'Overload',
    notes: [
      `Open loop on one core: Poisson arrivals for ${OVERLOAD_SECONDS} s, then half of capacity for ${AFTER_SECONDS} s.`,
      `Capacity is the closed loop's rate of the same process. ${CONNECTIONS.few} connections at half of capacity, otherwise`,
      `${text(CONNECTIONS.many)} (the handler's own limit is 2,048): an arrival that finds all of them busy is not sent`,
      'and stands under "no connection". Late: later than `HANDLER_DEADLINE_MS` after it was sent. Full again: time after',
      'the overload until every quarter of a second decides 99 % of what it is offered. A lag of the generator',
      'above a few milliseconds means that the generator was short of CPU.',
    ],
    columns: [...COLUMNS],
    rows: runs.map(row),
    figures: runs.flatMap(figuresOf),
  }
}

const COLUMNS = [
  'offered',
  'capacity/s',
  'offered/s',
  'decided/s',
  'RETRY',
  '503',
  'late',
  'unanswered',
  'no connection',
  'p50 ms',
  'p99 ms',
  '503 p99 ms',
  'full again s',
  'generator lag p99 ms',
] as const

type Case = (typeof CASES)[number]

interface Run {
  readonly offered: Case
  readonly capacity: number
  readonly phase: PhaseResult
  readonly result: OpenResult
}

function nameOf({ factor, deadlineMs }: Case): string {
  const name = `${factor} × capacity`
  return deadlineMs === DEADLINES.usual ? name : `${name}, deadline ${deadlineMs / 1000} s`
}

async function offer(rig: Rig, pool: string, offered: Case): Promise<Run> {
  const { factor, deadlineMs } = offered
  const generator = rig.generator('second')
  const server = await startCountersign(rig.world, { cores: 'first', deadlineMs })
  const lane = createLane('Countersign', server, generator, pool)
  await lane.run(WARM_UP)
  const { answered, elapsedMs } = await lane.run(WARM_UP)
  const capacity = (answered * 1000) / elapsedMs
  const result = await generator.open({
    target: server.target,
    serverPid: server.pid,
    tokens: { pool, from: 2 * (WARM_UP + 100) },
    connections: factor < 1 ? CONNECTIONS.few : CONNECTIONS.many,
    phases: [
      { perSecond: factor * capacity, seconds: OVERLOAD_SECONDS },
      { perSecond: 0.5 * capacity, seconds: AFTER_SECONDS },
    ],
    deadlineMs,
  })
  await server.stop()
  const [phase] = result.phases
  if (phase === undefined) throw new Error('the overload has no result')
  return { offered, capacity, phase, result }
}

function figuresOf(run: Run): Figure[] {
  if (run.offered.factor > 1) return goals(run)
  const { p99Ms } = run.phase
  return [{ name: 'p99 at half of capacity', value: p99Ms, unit: 'ms', goal: { atMost: 25 } }]
}

function goals({ offered, capacity, phase, result }: Run): Figure[] {
  const name = nameOf(offered)
  return [
    {
      name: `goodput / capacity at ${name}`,
      value: goodputOf(result) / capacity,
      unit: '',
      goal: { atLeast: offered.share },
    },
    { name: `late at ${name}`, value: phase.late, unit: '', goal: { atMost: 0 } },
    { name: `unanswered at ${name}`, value: phase.unanswered, unit: '', goal: { atMost: 0 } },
    {
      name: `full goodput again after ${name}`,
      value: recoverySeconds(result),
      unit: 's',
      goal: { atMost: 5 },
    },
  ]
}

function row({ offered: each, capacity, phase, result }: Run): string[] {
  const { retried, shed, late, unanswered, blocked, p50Ms, p99Ms, shedP99Ms } = phase
  const [offered, good] = [phase.offered / OVERLOAD_SECONDS, goodputOf(result)]
  const counts = [capacity, offered, good, retried, shed, late, unanswered, blocked]
  const times = [p50Ms, p99Ms, shedP99Ms, recoverySeconds(result), result.generatorLagMs]
  return [nameOf(each), ...counts.map(text), ...times.map(text)]
}

/** The first second is left out: the queue is still being filled. */
function goodputOf({ windows }: OpenResult): number {
  return goodput(windows, 1_000, OVERLOAD_SECONDS * 1000)
}

function recoverySeconds({ windows }: OpenResult): number {
  return recoveryMs(windows, OVERLOAD_SECONDS * 1000) / 1000
}
