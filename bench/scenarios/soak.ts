/** Steady load for a long time: memory and files must not grow. */
import { systemSleep } from '../../common/clock.ts'
import { fdsOf, rssOf } from '../machine.ts'
import type { Options } from '../options.ts'
import type { Section } from '../report.ts'
import { text } from '../report.ts'
import { createLane, requestsFor, TOKEN_CHARS } from '../rig.ts'
import type { Rig } from '../rig.ts'
import { metric, startCountersign } from '../servers/countersign.ts'
import type { CountersignServer } from '../servers/countersign.ts'
import { slope } from '../stats.ts'
import type { Sample } from '../stats.ts'

const PER_SECOND = 200
const CONNECTIONS = 256
const DEADLINE_MS = 25_000
/** Samples per run, whatever its length. */
const SAMPLES = 300
/** Requests of full load before the steady one: the heap and the caches grow to what they need at most. */
const BURST = 20_000
/** Part of the run that does not count: what the burst left is collected. */
const WARM_UP = 0.1
const MIB = 2 ** 20
/** Bytes of the event loop's heap, garbage included. */
const HEAP = 'countersign_nodejs_heap_size_used_bytes'

/** Runs for `soakMinutes`. */
export async function soak(rig: Rig, { soakMinutes }: Options): Promise<Section> {
  rig.say(`soak for ${soakMinutes} minutes`)
  const server = await startCountersign(rig.world)
  const pool = await rig.pool(requestsFor([BURST]))
  await createLane('Countersign', server, rig.generator('any'), pool).run(BURST)
  const seconds = soakMinutes * 60
  const done = new AbortController()
  const sampling = sample(server, (seconds * 1000) / SAMPLES, done.signal)
  const { phases, outcomes } = await rig.generator('any').open({
    target: server.target,
    serverPid: server.pid,
    tokens: { keyFile: rig.world.cosignerKeyFile, chars: TOKEN_CHARS },
    connections: CONNECTIONS,
    phases: [{ perSecond: PER_SECOND, seconds }],
    deadlineMs: DEADLINE_MS,
  })
  done.abort()
  const { rss, heap, fds } = await sampling
  await server.stop()
  const [phase] = phases
  const counted = <T>(samples: readonly T[]) => samples.slice(Math.floor(samples.length * WARM_UP))
  const mibPerHour = (slope(counted(rss)) * 3_600_000) / MIB
  const filesPerHour = slope(counted(fds)) * 3_600_000
  return {
    title: 'Soak',
    notes: [
      `${text(BURST)} requests under full load, then ${PER_SECOND} new ones a second for ${soakMinutes} minutes. First and last`,
      `are of the steady load; slopes are medians over all pairs of its samples but the first ${WARM_UP * 100} %. RSS and the`,
      'heap go up and down with garbage; the smallest heap of many samples is what is in use. An arrival that found all',
      `${CONNECTIONS} connections busy was not sent.`,
    ],
    columns: [
      'requests',
      'no connection',
      'outcomes',
      'p99 ms',
      'RSS first MiB',
      'RSS last MiB',
      'files first',
      'files last',
    ],
    rows: [
      [
        text(phase?.offered ?? 0),
        text(phase?.blocked ?? 0),
        JSON.stringify(outcomes),
        text(phase?.p99Ms ?? Number.NaN),
        text(firstOf(rss) / MIB),
        text(lastOf(rss) / MIB),
        text(firstOf(fds)),
        text(lastOf(fds)),
      ],
    ],
    figures: [
      { name: 'RSS slope', value: mibPerHour, unit: 'MiB/h' },
      {
        name: 'smallest heap, last third / first third',
        value: leastOf(heap.slice((2 * heap.length) / 3)) / leastOf(heap.slice(0, heap.length / 3)),
        unit: '',
        goal: { atMost: 1.1 },
      },
      { name: 'open files slope', value: filesPerHour, unit: '/h', goal: { atMost: 0 } },
    ],
  }
}

function firstOf(samples: readonly Sample[]): number {
  return samples[0]?.value ?? Number.NaN
}

function lastOf(samples: readonly Sample[]): number {
  return samples.at(-1)?.value ?? Number.NaN
}

/** What is in use however often garbage was collected before. */
function leastOf(samples: readonly Sample[]): number {
  return Math.min(...samples.map(({ value }) => value))
}

async function sample(server: CountersignServer, everyMs: number, signal: AbortSignal) {
  const rss: Sample[] = []
  const heap: Sample[] = []
  const fds: Sample[] = []
  const beganAt = performance.now()
  while (!signal.aborted) {
    const at = performance.now() - beganAt
    rss.push({ at, value: rssOf(server.pid) })
    heap.push({ at, value: await metric(server, HEAP) })
    fds.push({ at, value: fdsOf(server.pid) })
    await systemSleep(everyMs, signal)
  }
  return { rss, heap, fds }
}
