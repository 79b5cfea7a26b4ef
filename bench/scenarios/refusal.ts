/** What it costs to refuse a forged request, and to answer a request again: both must stay far below a decision. */
import type { Section } from '../report.ts'
import { alternate, COST_COLUMNS, costRow, createLane, requestsFor } from '../rig.ts'
import type { Rig } from '../rig.ts'
import { startCountersign } from '../servers/countersign.ts'

/** Measures refused signatures and repeated requests on one core. */
export async function refusal(rig: Rig): Promise<Section> {
  rig.say('refused and repeated requests')
  const count = rig.quick ? 1_500 : 3_000
  const rounds = 3
  const pool = await rig.pool(requestsFor([count, ...Array<number>(rounds).fill(count)]))
  const server = await startCountersign(rig.world, { cores: 'first' })
  const lane = createLane('Countersign', server, rig.generator('second'), pool)
  await lane.run(16, 'repeated')
  await lane.run(count, 'tampered')
  await lane.run(count, 'repeated')
  const { measured } = await alternate(rig, rounds, [
    { label: 'refused signature', run: () => lane.run(count, 'tampered') },
    { label: 'repeated request', run: () => lane.run(count, 'repeated') },
  ])
  await server.stop()
  const goals: Record<string, number> = { 'refused signature': 0.3, 'repeated request': 0.2 }
  return {
    title: 'Refused and repeated requests',
    notes: [
      'One core, 16 connections. A repeated request is answered with the decision on record.',
    ],
    columns: ['request', ...COST_COLUMNS],
    rows: measured.map(costRow),
    figures: measured.map(({ label, ratio }) => ({
      name: `${label} / floor`,
      value: ratio,
      unit: '',
      goal: { atMost: goals[label] ?? 0 },
    })),
  }
}
