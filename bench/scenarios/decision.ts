/** The main table: what one durable decision costs, against the floor and against other ways to build a handler. */
import { rssOf } from '../machine.ts'
import type { Figure, Section } from '../report.ts'
import { text } from '../report.ts'
import { alternate, CONNECTIONS, createLane, requestsFor, TOKEN_CHARS } from '../rig.ts'
import type { Lane, Measured, Rig } from '../rig.ts'
import { metric, startCountersign } from '../servers/countersign.ts'
import { startReference } from '../servers/start.ts'
import type { Server } from '../servers/start.ts'

const OURS = 'Countersign, durable decision'
const VENDOR = "vendor's sample style"
const JOSE = 'Express + jose, keys cached'

/** Measures all three handlers, on one core and on two. */
export async function decision(rig: Rig): Promise<Section> {
  const counts = rig.quick
    ? { rounds: 3, warmUp: 3_000, ours: 1_000, vendor: 300, jose: 800 }
    : { rounds: 5, warmUp: 12_000, ours: 2_000, vendor: 600, jose: 1_500 }
  const { rounds, warmUp } = counts
  const pool = await rig.pool(requestsFor([warmUp, ...Array<number>(rounds).fill(counts.ours)]))
  const one = await measure('first')
  const two = await measure('any')

  const ours = find(one.measured, OURS)
  const vendor = find(one.measured, VENDOR)
  const goal = Number(process.versions.node.split('.')[0]) >= 22 ? 3 : 4
  const figures: Figure[] = [
    {
      name: 'CPU per durable decision / floor',
      value: ours.ratio,
      unit: '',
      goal: { atMost: 1.35 },
    },
    {
      name: `vendor's sample style / Countersign, CPU, Node ${process.versions.node}`,
      value: vendor.cpuUs / ours.cpuUs,
      unit: '',
      goal: { atLeast: goal },
    },
    {
      name: 'throughput with two cores / with one',
      value: find(two.measured, OURS).perSecond / ours.perSecond,
      unit: '',
      goal: { atLeast: 1.6 },
    },
    { name: 'event-loop delay p99 under full load, one core', value: one.lagMs, unit: 'ms' },
  ]
  const floorRow = ['floor: verify + sign, keys cached', '', text(one.floorUs), '1', '', '', '', '']
  return {
    title: 'One decision',
    notes: [
      `HTTPS keep-alive, ${CONNECTIONS} connections per core, ${text(TOKEN_CHARS)}-character tokens, every request a new one;`,
      `medians of ${rounds} alternating rounds after ${text(warmUp)} requests of warm-up; ± is half the range.`,
      'Countersign: 100 rules of which the last one matches, one allowed address, hash-chained record synced to disk',
      'before the answer;',
      'the other two have no policy and keep no record.',
      'One core: server bound to the first core, load generator to the second.',
      `Two cores: neither is bound, so the generator (${text(ours.loadCpuUs)} µs of CPU per request) takes its share of`,
      'both and the server never has two cores for itself.',
    ],
    columns: ['handler', 'cores', 'CPU µs', '× floor', 'per second', 'p50 ms', 'p99 ms', 'RSS MiB'],
    rows: [floorRow, ...one.rows, ...two.rows],
    figures,
  }

  async function measure(cores: 'first' | 'any') {
    rig.say(`one decision, ${cores === 'first' ? 'one core' : 'two cores'}`)
    const generator = rig.generator(cores === 'first' ? 'second' : 'any')
    const connections = cores === 'first' ? CONNECTIONS : 2 * CONNECTIONS
    const laneTo = (label: string, server: Server) =>
      createLane(label, server, generator, pool, connections)
    const countersign = await startCountersign(rig.world, { cores })
    const sample = await startReference(rig.world, 'vendor-sample', cores)
    const jose = await startReference(rig.world, 'express-jose', cores)
    const lanes: [Lane, number][] = [
      [laneTo(OURS, countersign), counts.ours],
      [laneTo(VENDOR, sample), counts.vendor],
      [laneTo(JOSE, jose), counts.jose],
    ]
    for (const [lane, count] of lanes) await lane.run(lane.label === OURS ? warmUp : count)
    await metric(countersign, LAG)
    const runs = lanes.map(([lane, count]) => ({ label: lane.label, run: () => lane.run(count) }))
    const { floorUs, measured } = await alternate(rig, rounds, runs)
    const lagMs = (await metric(countersign, LAG)) * 1000
    const rows = measured.map((result, i) =>
      row(result, cores === 'first' ? 'one' : 'two', rssOf(lanes[i]?.[0].server.pid ?? 0)),
    )
    for (const [{ server }] of lanes) await server.stop()
    return { floorUs, measured, rows, lagMs }
  }
}

const LAG = 'countersign_nodejs_eventloop_lag_p99_seconds'

function row(result: Measured, cores: string, rss: number): string[] {
  const { label, cpuUs, ratio, ratioSpread, perSecond, p50Ms, p99Ms } = result
  const times = `${text(ratio)} ± ${text(ratioSpread * ratio)}`
  return [
    label,
    cores,
    text(cpuUs),
    times,
    text(perSecond),
    text(p50Ms),
    text(p99Ms),
    text(rss / 2 ** 20),
  ]
}

function find(measured: readonly Measured[], label: string): Measured {
  const found = measured.find((entry) => entry.label === label)
  if (found === undefined) throw new Error(`nothing was measured for ${label}`)
  return found
}
