/** What connections cost that do no work: silent ones, ones with the largest body, ones that dawdle. */
import { systemSleep } from '../../common/clock.ts'
import { fdsOf, rssOf } from '../machine.ts'
import type { Section } from '../report.ts'
import { text } from '../report.ts'
import type { Rig } from '../rig.ts'
import { startCountersign } from '../servers/countersign.ts'

/** Characters of a token just below the default `HANDLER_MAX_BODY_BYTES`. */
const MAXIMAL_CHARS = 8 * 1024 * 1024 - 4_096
const HOLD_MS = 8_000
const SAMPLE_MS = 50
const MIB = 2 ** 20

/** Holds the connections against one handler and watches its memory. */
export async function memory(rig: Rig): Promise<Section> {
  rig.say('memory')
  const burden = rig.quick
    ? { idle: 100, maximal: 20, slow: 20 }
    : { idle: 1_000, maximal: 200, slow: 200 }
  const pool = await rig.world.pool(1, MAXIMAL_CHARS)
  const server = await startCountersign(rig.world)
  const before = rssOf(server.pid)
  const done = new AbortController()
  const watching = watch(server.pid, done.signal)
  const result = await rig.generator('any').burden({
    target: server.target,
    serverPid: server.pid,
    idle: burden.idle,
    slow: burden.slow,
    maximal: { count: burden.maximal, pool },
    holdMs: HOLD_MS,
  })
  done.abort()
  const peak = await watching
  await systemSleep(2_000)
  const after = rssOf(server.pid)
  const fds = fdsOf(server.pid)
  await server.stop()
  const outcomes = Object.entries(result.outcomes).map(([name, count]) => `${count} × ${name}`)
  return {
    title: 'Memory',
    notes: [
      `${text(burden.idle)} silent connections, ${burden.maximal} that send a genuine request of 8 MiB (the largest body`,
      `allowed) at the same time, ${burden.slow} that send a byte every half second, for ${HOLD_MS / 1000} s.`,
      'The server may use both cores. 503: no room in the byte budget; failed: cut off while still sending.',
    ],
    columns: [
      'RSS before MiB',
      'peak MiB',
      'after MiB',
      'files after',
      'maximal bodies',
      'slow ones cut',
    ],
    rows: [
      [
        text(before / MIB),
        text(peak / MIB),
        text(after / MIB),
        text(fds),
        outcomes.join(', '),
        `${result.slowCut} of ${burden.slow}`,
      ],
    ],
    figures: [{ name: 'peak RSS under that burden', value: peak / MIB, unit: 'MiB' }],
  }
}

async function watch(pid: number, signal: AbortSignal): Promise<number> {
  let peak = 0
  while (!signal.aborted) {
    peak = Math.max(peak, rssOf(pid))
    await systemSleep(SAMPLE_MS, signal)
  }
  return peak
}
