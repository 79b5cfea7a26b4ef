/** How long the programs take to start, with keys that exist already. */
import { once } from 'node:events'
import { join } from 'node:path'
import { rssOf } from '../machine.ts'
import { start } from '../processes.ts'
import type { Section } from '../report.ts'
import { text } from '../report.ts'
import type { Rig } from '../rig.ts'
import { startCountersign } from '../servers/countersign.ts'
import { median, quantile } from '../stats.ts'

/** Starts the handler and the bootstrapper's help several times. */
export async function startUp(rig: Rig): Promise<Section> {
  rig.say('start-up')
  const times = rig.quick ? 5 : 11
  const stateDir = join(await rig.world.makeDirectory('start-up'), 'state')
  await (await startCountersign(rig.world, { stateDir })).stop()
  const handler: number[] = []
  const help: number[] = []
  let rss = 0
  for (let i = 0; i < times; i += 1) {
    const server = await startCountersign(rig.world, { stateDir })
    handler.push(server.startMs)
    rss = rssOf(server.pid)
    await server.stop()
    help.push(await helpMs())
  }
  const rows = [
    ['handler, process start to `ready`', handler, rss],
    ['`countersign-bootstrap status --help`', help, Number.NaN],
  ] as const
  return {
    title: 'Start-up',
    notes: [
      `Medians of ${times} starts, existing keys, 100 rules, empty store; files in the page cache.`,
    ],
    columns: ['program', 'median ms', 'worst ms', 'RSS MiB'],
    rows: rows.map(([name, ms, bytes]) => [
      name,
      text(median(ms)),
      text(quantile(ms, 1)),
      text(bytes / 2 ** 20),
    ]),
    figures: [
      {
        name: 'process start to `ready`',
        value: median(handler),
        unit: 'ms',
        goal: { atMost: 400 },
      },
      {
        name: '`countersign-bootstrap status --help`',
        value: median(help),
        unit: 'ms',
        goal: { atMost: 250 },
      },
    ],
  }
}

async function helpMs(): Promise<number> {
  const beganAt = performance.now()
  const child = start('bootstrap/main.js', { args: ['status', '--help'], silent: true })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`\`countersign-bootstrap status --help\` ended with ${code}`)
  return performance.now() - beganAt
}
