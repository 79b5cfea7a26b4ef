/** RS256 and ES256 side by side: the floor of each, a bare server with each, and Countersign with each. */
import { ANSWER_ALGORITHMS, type AnswerAlgorithm } from '../../common/answer-algorithm.ts'
import type { FloorResult } from '../floor.ts'
import type { Section } from '../report.ts'
import { text } from '../report.ts'
import { alternate, CONNECTIONS, createLane, requestsFor } from '../rig.ts'
import type { Lane, Measured, Rig } from '../rig.ts'
import { startCountersign } from '../servers/countersign.ts'
import { startReference } from '../servers/start.ts'
import type { Server } from '../servers/start.ts'
import { median } from '../stats.ts'

/** What cannot be told from nothing even on a quiet machine. */
const SEAM_TOLERANCE = 0.01

/** Measures both algorithms on one core, in the same alternating rounds. */
export async function answerKeys(rig: Rig): Promise<Section> {
  rig.say('answer keys, RS256 and ES256')
  const counts = rig.quick
    ? { rounds: 3, warmUp: 2_000, ours: 1_000, bare: 800 }
    : { rounds: 7, warmUp: 8_000, ours: 2_000, bare: 1_500 }
  const { rounds, warmUp } = counts
  const pool = await rig.pool(requestsFor([warmUp, ...Array<number>(rounds).fill(counts.ours)]))
  const generator = rig.generator('second')
  const lanes: { lane: Lane; count: number }[] = []
  const add = (label: string, server: Server, count: number) =>
    lanes.push({ lane: createLane(label, server, generator, pool), count })
  for (const algorithm of ANSWER_ALGORITHMS) {
    const ours = await startCountersign(rig.world, { cores: 'first', algorithm })
    add(countersign(algorithm), ours, counts.ours)
    const server = await startReference(rig.world, 'bare-https', 'first', algorithm)
    add(bare(algorithm), server, counts.bare)
  }
  for (const { lane, count } of lanes) {
    await lane.run(lane.label.startsWith('Countersign') ? warmUp : count)
  }
  const floors: FloorResult[] = []
  const { measured } = await alternate(
    rig,
    rounds,
    lanes.map(({ lane, count }) => ({ label: lane.label, run: () => lane.run(count) })),
    (floor) => floors.push(floor),
  )
  for (const { lane } of lanes) await lane.server.stop()
  const seam = await rig.seam()
  const find = (label: string) => measured.find((each) => each.label === label)
  const [rs, es] = ANSWER_ALGORITHMS.map((algorithm) => find(countersign(algorithm)))
  if (rs === undefined || es === undefined) throw new Error('an algorithm was not measured')
  const floorOf = (pick: (floor: FloorResult) => number) => median(floors.map(pick))
  const rsFloor = floorOf(({ cpuUs }) => cpuUs)
  return {
    title: 'RS256 and ES256',
    notes: [
      `One core, ${CONNECTIONS} connections, ${rounds} alternating rounds; requests are RS256 in all of them, because co-signers`,
      'sign so; × floor is always of the RS256 floor. Countersign records each decision durably; the bare servers keep nothing.',
    ],
    columns: ['', 'CPU µs', '× RS256 floor', 'per second', 'p99 ms'],
    rows: [
      ['floor RS256: verify RSA + sign RSA', text(rsFloor), '1', '', ''],
      [
        'floor ES256: verify RSA + sign P-256',
        text(floorOf(({ verifyUs, signEs256Us }) => verifyUs + signEs256Us)),
        text(floorOf(({ verifyUs, signEs256Us, cpuUs }) => (verifyUs + signEs256Us) / cpuUs)),
        '',
        '',
      ],
      ...measured.map(row),
    ],
    figures: [
      {
        name: 'CPU that ES256 saves per durable decision / RS256 floor',
        value: rs.ratio - es.ratio,
        unit: '',
        goal: { atLeast: 0.7 },
      },
      {
        name: 'durable decision, ES256 / RS256, CPU',
        value: es.cpuUs / rs.cpuUs,
        unit: '',
        goal: { atMost: 0.65 },
      },
      {
        name: 'signature P-256 / RSA-2048, CPU',
        value: floorOf(({ signUs, signEs256Us }) => signEs256Us / signUs),
        unit: '',
      },
      {
        name: 'RS256 signature, through the port to answer keys / node:crypto alone, CPU',
        value: seam.ratio,
        unit: '',
        goal: { atMost: 1 + Math.max(seam.noise, SEAM_TOLERANCE) },
      },
      { name: 'noise: two runs of node:crypto alone, difference', value: seam.noise, unit: '' },
    ],
  }
}

function countersign(algorithm: AnswerAlgorithm): string {
  return `Countersign, durable decision, ${algorithm}`
}

function bare(algorithm: AnswerAlgorithm): string {
  return `bare node:https, ${algorithm}`
}

function row({ label, cpuUs, ratio, ratioSpread, perSecond, p99Ms }: Measured): string[] {
  const times = `${text(ratio)} ± ${text(ratioSpread * ratio)}`
  return [label, text(cpuUs), times, text(perSecond), text(p99Ms)]
}
