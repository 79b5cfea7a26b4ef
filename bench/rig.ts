/** What every scenario works with, and how servers are compared: in alternating rounds, each with its own floor. */
import type { FloorJob, FloorResult } from './floor.ts'
import { startGenerator } from './load/generator.ts'
import type { Generator } from './load/generator.ts'
import type { ClosedJob, ClosedResult, Outcomes } from './load/job.ts'
import { ask, start, stop } from './processes.ts'
import type { Cores } from './processes.ts'
import { text } from './report.ts'
import type { Server } from './servers/start.ts'
import type { SeamJob, SeamResult } from './seam.ts'
import { median, spread } from './stats.ts'
import type { World } from './world.ts'

/** Characters of the usual request token; real ones have 2,100 to 2,500. */
export const TOKEN_CHARS = 2_200

/** Requests that serve every scenario of a complete run, so that they are signed once. */
const USUAL_POOL = 40_000

/** Connections of the closed loop, per core that the server may use. */
export const CONNECTIONS = 16

export interface Rig {
  readonly world: World
  readonly quick: boolean
  /** Tells on stderr what is being measured. */
  readonly say: (text: string) => void
  /** Verify + sign with cached keys, now, on the servers' core. */
  floor(): Promise<FloorResult>
  /** Signatures through the port to answer keys and without it, on the same core. */
  seam(): Promise<SeamResult>
  /** A file of at least `count` requests of the usual size; none of them is twice in it. */
  pool(count: number): Promise<string>
  /** The load generator on the other core, or on both. */
  generator(cores: 'second' | 'any'): Generator
}

/** One server, with the requests that are still unknown to it. */
export interface Lane {
  readonly label: string
  readonly server: Server
  /** Runs a closed loop of new requests; throws unless every answer has the expected outcome. */
  run(count: number, change?: ClosedJob['change']): Promise<ClosedResult>
}

/** What came out for one server: medians over the rounds. */
export interface Measured {
  readonly label: string
  readonly cpuUs: number
  /** CPU per request as a multiple of the floor of the same round. */
  readonly ratio: number
  readonly ratioSpread: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly loadCpuUs: number
}

/** Columns of `costRow`, behind the label. */
export const COST_COLUMNS = ['CPU µs', '× floor', 'per second', 'p99 ms'] as const

/** What came out for one server, as a row of a table. */
export function costRow({ label, cpuUs, ratio, perSecond, p99Ms }: Measured): string[] {
  return [label, text(cpuUs), text(ratio), text(perSecond), text(p99Ms)]
}

/** Sets up what the scenarios share. */
export async function createRig(
  world: World,
  quick: boolean,
  say: (text: string) => void,
): Promise<Rig> {
  const generators = new Map<Cores, Generator>()
  const floorProcess = start('bench/floor.js', { ipc: true, cores: 'first' })
  return {
    world,
    quick,
    say,
    pool: (count) => world.pool(Math.max(count, quick ? 0 : USUAL_POOL), TOKEN_CHARS),
    floor: async () => {
      const iterations = quick ? 600 : 1_500
      const pool = await world.pool(1, TOKEN_CHARS)
      const job: FloorJob = { keyFile: world.cosignerKeyFile, pool, iterations }
      return ask(floorProcess, job)
    },
    async seam() {
      const job: SeamJob = { keyFile: world.cosignerKeyFile, pairs: quick ? 10 : 40 }
      const child = start('bench/seam.js', { ipc: true, cores: 'first' })
      const result: SeamResult = await ask(child, job)
      await stop(child)
      return result
    },
    generator(cores) {
      const generator = generators.get(cores) ?? startGenerator(cores)
      generators.set(cores, generator)
      return generator
    },
  }
}

/** A lane on requests from line `from` of the pool on. */
export function createLane(
  label: string,
  server: Server,
  generator: Generator,
  pool: string,
  connections = CONNECTIONS,
): Lane {
  let from = 0
  return {
    label,
    server,
    async run(count, change) {
      const warmUp = Math.min(100, count)
      const result = await generator.closed({
        target: server.target,
        serverPid: server.pid,
        tokens: { pool, from },
        connections,
        warmUp,
        count,
        limitMs: 30_000,
        ...(change === undefined ? {} : { change }),
      })
      if (change !== 'repeated') from += warmUp + count
      expectOnly(result.outcomes, change === 'tampered' ? '401' : 'APPROVE', label)
      return result
    },
  }
}

/** Requests that a lane uses for this many measured ones in so many runs. */
export function requestsFor(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count + 100, 0)
}

/** Runs all lanes in turn, round by round, the floor first in each. */
export async function alternate(
  rig: Rig,
  rounds: number,
  runs: readonly { readonly label: string; readonly run: () => Promise<ClosedResult> }[],
  onFloor: (floor: FloorResult) => void = () => undefined,
): Promise<{ readonly floorUs: number; readonly measured: readonly Measured[] }> {
  const floors: number[] = []
  const results = new Map<string, { result: ClosedResult; floorUs: number }[]>()
  for (let round = 0; round < rounds; round += 1) {
    const floor = await rig.floor()
    const { cpuUs } = floor
    onFloor(floor)
    floors.push(cpuUs)
    for (const { label, run } of runs) {
      const list = results.get(label) ?? []
      list.push({ result: await run(), floorUs: cpuUs })
      results.set(label, list)
    }
  }
  const measured = [...results].map(([label, list]) => summary(label, list))
  return { floorUs: median(floors), measured }
}

function summary(
  label: string,
  list: readonly { result: ClosedResult; floorUs: number }[],
): Measured {
  const medianOf = (pick: (result: ClosedResult) => number) =>
    median(list.map(({ result }) => pick(result)))
  const ratios = list.map(({ result, floorUs }) => cpuUsOf(result) / floorUs)
  return {
    label,
    cpuUs: medianOf(cpuUsOf),
    ratio: median(ratios),
    ratioSpread: spread(ratios),
    perSecond: medianOf(({ answered, elapsedMs }) => (answered * 1000) / elapsedMs),
    p50Ms: medianOf(({ p50Ms }) => p50Ms),
    p99Ms: medianOf(({ p99Ms }) => p99Ms),
    loadCpuUs: medianOf(({ loadCpuMs, answered }) => (loadCpuMs * 1000) / answered),
  }
}

function cpuUsOf({ serverCpuMs, answered }: ClosedResult): number {
  return (serverCpuMs * 1000) / answered
}

/** A figure over wrong answers would be worthless, so they end the run. */
function expectOnly(outcomes: Outcomes, expected: string, label: string): void {
  const others = Object.keys(outcomes).filter((outcome) => outcome !== expected)
  if (others.length === 0) return
  throw new Error(`${label} gave other answers than ${expected}: ${JSON.stringify(outcomes)}`)
}
