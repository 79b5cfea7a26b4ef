/** One rotation while the co-signer keeps asking: what people decide is drawn up front, what callbacks got is counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Knobs } from '../../../emulator/knobs.ts'
import type { TrafficCounts } from '../../../emulator/traffic.ts'
import type { Rotation } from './matrix.ts'
import { complaint } from './rig.ts'
import type { Rig } from './rig.ts'

/** Bounds every stream. */
const MAX_SECONDS = 120

export interface Outcome {
  readonly counts: TrafficCounts
  /** Callbacks per second that were really sent. */
  readonly rate: number
  /** What did not hold. */
  readonly problems: readonly string[]
  /** The answers took so long that the machine, not the rotation, decided what became of them. */
  readonly saturated: boolean
}

/** Half of the time in which the handler wants a handshake done, in milliseconds. */
const SATURATED_P99_MS = 1_000

/** So that the slot of an old generation is soon free for the next rotation. */
const DRAIN = ['--drain', '1s'] as const

/** An approval that comes later than this would find the abandoned generation retired. */
const LATE_DRAIN = ['--drain', '5s'] as const

interface Approval {
  readonly id: string
  readonly status: string
}

/** Makes one rotation of the generation that is paired now; `ms` is how far the switch is from COMPLETED. */
export async function rotate(
  rig: Rig,
  rotation: Rotation,
  ms: number,
  ratePerSecond: number,
): Promise<Outcome> {
  const { decision } = rotation
  await settleDown(rig)
  const before = shownUrl(rig)
  rig.turn(knobsOf(rotation, ms))
  const problems: string[] = []
  await rig.control('POST', '/traffic', { ratePerSecond, seconds: MAX_SECONDS })
  const startedAt = performance.now()
  await sleep(200)
  const drain = decision === 'late' ? LATE_DRAIN : DRAIN
  const patient = decision === 'never' || decision === 'late' ? '2s' : `${60 + (2 * ms) / 1_000}s`
  const result = await rig.boot('rotate', '--yes', ...drain, '--wait', patient)
  const expected = { approved: 0, rejected: 6, cancelled: 6, never: 5, late: 5 }[decision]
  if (result.exitCode !== expected) problems.push(complaint('rotate', result))
  if (decision === 'never' || decision === 'late') {
    const abandoned = await rig.boot('rotate', '--abandon', '--yes', ...drain)
    if (abandoned.exitCode !== 0) problems.push(complaint('rotate --abandon', abandoned))
    await decideLater(rig, decision === 'late' ? 'approve' : 'reject')
    if (decision === 'late') await untilShown(rig, before, ms)
    const pair = await rig.boot('pair', ...DRAIN)
    if (pair.exitCode !== 0) problems.push(complaint('pair', pair))
  }
  // Both sides of the switch are seen, whichever comes first.
  await sleep(ms + 300)
  const rate = await rateSince(rig, startedAt)
  const counts = await rig.control<TrafficCounts>('DELETE', '/traffic')
  problems.push(...(await misplaced(rig, rotation, before, counts)))
  const saturated = counts.skipped > 0 || (counts.latencyMs?.p99 ?? 0) > SATURATED_P99_MS
  return { counts, rate, problems, saturated }
}

function knobsOf({ decision, skew, torn }: Rotation, ms: number): Partial<Knobs> {
  const outcomes = { approved: 'approve', rejected: 'reject', cancelled: 'cancel' } as const
  const decided = decision === 'never' || decision === 'late' ? undefined : outcomes[decision]
  const skews = { before: -ms, with: 0, after: ms, apart: [-ms, ms] as [number, number] }
  return {
    APPROVAL_DELAY_S: 0.3,
    APPROVAL_OUTCOME: decided ?? 'never',
    COMPLETION_DELAY_MS: 200,
    SWITCH_SKEW_MS: skews[skew],
    HA_COSIGNERS: skew === 'apart' ? 2 : 1,
    TORN_CONFIG: torn ?? 'off',
    // Every third switch meets a client that opens a connection for each callback, the others reuse theirs.
    KEEP_ALIVE: skew !== 'with',
  }
}

/** Nothing waits for people, and no generation drains any more. */
async function settleDown(rig: Rig): Promise<void> {
  rig.turn({ APPROVAL_DELAY_S: 0 })
  await decideLater(rig, 'reject')
  const { generations: known } = await rig.handler()
  if (known.find(({ url }) => url === shownUrl(rig))?.state === 'retired') {
    // A late approval that a saturated machine made too late.
    await rig.boot('rotate', '--yes', ...DRAIN, '--wait', '30s')
  }
  const limit = performance.now() + 20_000
  for (;;) {
    const { pairings, generations } = await rig.handler()
    if (Object.values(pairings).some(({ pending }) => pending !== null)) {
      await rig.boot('rotate', '--abandon', '--yes', ...DRAIN)
    } else if (generations.every(({ state }) => state !== 'draining')) return
    if (performance.now() > limit) return
    await sleep(200)
  }
}

async function decideLater(rig: Rig, decision: string): Promise<void> {
  const approvals = await rig.control<readonly Approval[]>('GET', '/approvals')
  for (const { id, status } of approvals) {
    if (status !== 'WAITING_FOR_APPROVAL') continue
    await rig.control('POST', `/approvals/${id}`, { decision })
  }
}

async function untilShown(rig: Rig, before: string | undefined, ms: number): Promise<void> {
  const limit = performance.now() + 2 * ms + 5_000
  while (shownUrl(rig) === before && performance.now() < limit) await sleep(50)
}

/** The rate up to now; the stream is open loop, so that a slow handler does not lower it. */
async function rateSince(rig: Rig, startedAt: number): Promise<number> {
  const { sent } = await rig.control<TrafficCounts>('GET', '/traffic')
  return sent / ((performance.now() - startedAt) / 1_000)
}

/** The end state that does not fit the decision. */
async function misplaced(
  rig: Rig,
  { decision }: Rotation,
  before: string | undefined,
  { byUrl }: TrafficCounts,
): Promise<string[]> {
  const moves = decision === 'approved' || decision === 'late'
  const now = shownUrl(rig)
  const problems: string[] = []
  if ((now !== before) !== moves) problems.push(`the API shows ${now} after ${before}`)
  if (Object.keys(byUrl).length !== (moves ? 2 : 1)) {
    problems.push(`called: ${Object.keys(byUrl).join(', ')}`)
  }
  const { pairings, generations } = await rig.handler()
  const live = generations.find(({ url }) => url === now)
  const needs = Object.values(pairings)
  if (needs.some((need) => need.live !== live?.generation || need.pending !== null)) {
    problems.push(`the handler was told ${JSON.stringify(needs)}`)
  }
  return problems
}

/** What the API shows now. */
function shownUrl({ emulator }: Rig): string | undefined {
  const [pairing] = emulator.state.pairings.values()
  return pairing?.shown.findLast(({ at }) => at <= Date.now())?.handler?.url
}
