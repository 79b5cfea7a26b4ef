/** More load than the handler can bear: what is decided in time, what is turned away, and how soon it is over. */
import { goodput, recoveryMs } from '../load/ledger.ts'
import type { OpenResult, PhaseResult } from '../load/job.ts'
import type { Figure, Section } from '../report.ts'
import { text } from '../report.ts'
import { createLane } from '../rig.ts'
import type { Rig } from '../rig.ts'
import { startCountersign } from '../servers/countersign.ts'

/** The least that the handler accepts: only a short deadline can be missed within a short run. */
const DEADLINE_MS = 1_000
/** Just below the handler's own limit. */
const CONNECTIONS = 2_000
const OVERLOAD_SECONDS = 5
const AFTER_SECONDS = 6
/** Requests in the pool; enough for twice the capacity measured so far. */
const POOL = 40_000
const WARM_UP = 2_000

/** Offers half, twice and four times the capacity, each to a fresh handler. */
export async function overload(rig: Rig): Promise<Section> {
  const pool = await rig.pool(POOL)
  const runs: Run[] = []
  for (const factor of [0.5, 2, 4]) {
    rig.say(`overload, ${factor} × capacity`)
    runs.push(await offer(rig, pool, factor))
  }
  const [half, twice, fourfold] = runs
  return {
    title: 'Overload',
    notes: [
      `Open loop on one core: Poisson arrivals for ${OVERLOAD_SECONDS} s, then half of capacity for ${AFTER_SECONDS} s;`,
      `\`HANDLER_DEADLINE_MS=${DEADLINE_MS}\`, the least there is. Capacity is the closed loop's`,
      'rate of the same process. Up to',
      `${CONNECTIONS} connections (the handler's own limit is 2,048); an arrival that finds all of them busy is not sent`,
      'and stands under "no connection". Full again: time after the overload until every quarter of a second decides 99 %',
      'of what it is offered.',
    ],
    columns: [
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
    ],
    rows: runs.map(row),
    figures: [
      ...(half === undefined
        ? []
        : [
            {
              name: 'p99 at half of capacity',
              value: half.phase.p99Ms,
              unit: 'ms',
              goal: { atMost: 25 },
            },
          ]),
      ...(twice === undefined ? [] : goals(twice, 0.95)),
      ...(fourfold === undefined ? [] : goals(fourfold, 0.9)),
    ],
  }
}

interface Run {
  readonly factor: number
  readonly capacity: number
  readonly phase: PhaseResult
  readonly result: OpenResult
}

async function offer(rig: Rig, pool: string, factor: number): Promise<Run> {
  const generator = rig.generator('second')
  const server = await startCountersign(rig.world, { cores: 'first', deadlineMs: DEADLINE_MS })
  const lane = createLane('Countersign', server, generator, pool)
  await lane.run(WARM_UP)
  const { answered, elapsedMs } = await lane.run(WARM_UP)
  const capacity = (answered * 1000) / elapsedMs
  const result = await generator.open({
    target: server.target,
    serverPid: server.pid,
    tokens: { pool, from: 2 * (WARM_UP + 100) },
    connections: CONNECTIONS,
    phases: [
      { perSecond: factor * capacity, seconds: OVERLOAD_SECONDS },
      { perSecond: 0.5 * capacity, seconds: AFTER_SECONDS },
    ],
    deadlineMs: DEADLINE_MS,
  })
  await server.stop()
  const [phase] = result.phases
  if (phase === undefined) throw new Error('the overload has no result')
  return { factor, capacity, phase, result }
}

function goals({ factor, capacity, phase, result }: Run, share: number): Figure[] {
  return [
    {
      name: `goodput at ${factor} × capacity / capacity`,
      value: goodputOf(result) / capacity,
      unit: '',
      goal: { atLeast: share },
    },
    { name: `late at ${factor} ×`, value: phase.late, unit: '', goal: { atMost: 0 } },
    { name: `unanswered at ${factor} ×`, value: phase.unanswered, unit: '', goal: { atMost: 0 } },
    {
      name: `full goodput again after ${factor} ×`,
      value: recoverySeconds(result),
      unit: 's',
      goal: { atMost: 5 },
    },
  ]
}

function row({ factor, capacity, phase, result }: Run): string[] {
  const { retried, shed, late, unanswered, blocked, p50Ms, p99Ms, shedP99Ms } = phase
  const [offered, good] = [phase.offered / OVERLOAD_SECONDS, goodputOf(result)]
  const counts = [capacity, offered, good, retried, shed, late, unanswered, blocked]
  const times = [p50Ms, p99Ms, shedP99Ms, recoverySeconds(result), result.generatorLagMs]
  return [`${factor} ×`, ...counts.map(text), ...times.map(text)]
}

/** The first second is left out: the queue is still being filled. */
function goodputOf({ windows }: OpenResult): number {
  return goodput(windows, 1_000, OVERLOAD_SECONDS * 1000)
}

function recoverySeconds({ windows }: OpenResult): number {
  return recoveryMs(windows, OVERLOAD_SECONDS * 1000) / 1000
}
