/** Whether targets that take no events disturb callbacks: a thousand events wait for each while decisions are made. */
import { createServer } from 'node:http'
import { createAdminClient } from '../../common/admin-client.ts'
import { listen } from '../../common/http.ts'
import { freePorts } from '../processes.ts'
import type { Section } from '../report.ts'
import { alternate, CONNECTIONS, COST_COLUMNS, costRow, createLane, requestsFor } from '../rig.ts'
import type { Rig } from '../rig.ts'
import { metric, startCountersign } from '../servers/countersign.ts'

/** Freezes and their ends, each an event. */
const EVENTS = 1_000

/** Measures a handler with three targets beside one without, on one core, in the same alternating rounds. */
export async function events(rig: Rig): Promise<Section> {
  rig.say(`${EVENTS} events for targets that take none`)
  const { rounds, count } = rig.quick ? { rounds: 3, count: 600 } : { rounds: 7, count: 1_500 }
  const pool = await rig.pool(requestsFor(Array<number>(rounds + 1).fill(count)))
  const generator = rig.generator('second')
  const silent = createServer(() => undefined)
  const failing = createServer((_request, response) => response.writeHead(500).end())
  const targets = await freePorts(3)
  const [first = 0, second = 0] = targets
  await listen(silent, { host: '127.0.0.1', port: first })
  await listen(failing, { host: '127.0.0.1', port: second })
  const without = await startCountersign(rig.world, { cores: 'first' })
  const beside = await startCountersign(rig.world, { cores: 'first', targets })
  try {
    await freezeAgainAndAgain(without.stateDir)
    await freezeAgainAndAgain(beside.stateDir)
    const lanes = [
      { label: 'without targets', lane: createLane('without', without, generator, pool) },
      {
        label: 'one silent, one failing, one away',
        lane: createLane('beside', beside, generator, pool),
      },
    ]
    for (const { lane } of lanes) await lane.run(count)
    const { measured } = await alternate(
      rig,
      rounds,
      lanes.map(({ label, lane }) => ({ label, run: () => lane.run(count) })),
    )
    for (const port of targets) {
      const waiting = await metric(beside, `countersign_events_waiting{target="t${port}"}`)
      if (!(waiting > 0)) throw new Error('no event waits any more')
    }
    const [alone, disturbed] = measured
    if (alone === undefined || disturbed === undefined) throw new Error('nothing was measured')
    return {
      title: 'Events that nobody takes',
      notes: [
        `One core, ${CONNECTIONS} connections, ${rounds} alternating rounds. ${EVENTS} events wait in the chain for each of three targets.`,
      ],
      columns: ['targets', ...COST_COLUMNS],
      rows: measured.map(costRow),
      figures: [
        {
          name: 'durable decision beside failing targets / without targets, CPU',
          value: disturbed.cpuUs / alone.cpuUs,
          unit: '',
          goal: { atMost: 1.1 },
        },
      ],
    }
  } finally {
    await without.stop()
    await beside.stop()
    for (const target of [silent, failing]) {
      target.closeAllConnections()
      target.close()
    }
  }
}

async function freezeAgainAndAgain(stateDir: string): Promise<void> {
  const client = createAdminClient(`${stateDir}/admin.sock`)
  const act = { by: 'bench', reason: 'an event' }
  for (let n = 0; n < EVENTS; n += 2) {
    await client.ask('freeze', {}, { ...act, action: 'RETRY' })
    await client.ask('unfreeze', {}, { by: 'bench', note: '' })
  }
}
