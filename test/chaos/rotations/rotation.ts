/** One rotation while the co-signer keeps asking: what people decide is drawn up front, what callbacks got is counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Knobs } from '../../../emulator/knobs.ts'
import type { TrafficCounts } from '../../../emulator/traffic.ts'
import type { Rotation } from './matrix.ts'
import { complaint } from './rig.ts'
import type { Rig } from './rig.ts'

/** Callbacks per second. */
export const RATE = 200

/** Bounds every stream. */
const MAX_SECONDS = 120

export interface Outcome {
  readonly counts: TrafficCounts
  /** Callbacks per second that were really sent. */
  readonly rate: number
  /** What did not hold. */
  readonly problems: readonly string[]
}

interface Approval {
  readonly id: string
  readonly status: string
}

/** Makes one rotation of the generation that is paired now; `ms` is how far the switch is from COMPLETED. */
export async function rotate(rig: Rig, rotation: Rotation, ms: number): Promise<Outcome> {
  const { decision } = rotation
  const before = shownUrl(rig)
  rig.turn(knobsOf(rotation, ms))
  const problems: string[] = []
  await rig.control('POST', '/traffic', { ratePerSecond: RATE, seconds: MAX_SECONDS })
  const startedAt = performance.now()
  await sleep(200)
  const patient = decision === 'never' || decision === 'late' ? '2s' : `${60 + (2 * ms) / 1_000}s`
  const result = await rig.boot('rotate', '--yes', '--drain', '1s', '--wait', patient)
  const expected = { approved: 0, rejected: 6, cancelled: 6, never: 5, late: 5 }[decision]
  if (result.exitCode !== expected) problems.push(complaint('rotate', result))
  if (decision === 'never' || decision === 'late') {
    const abandoned = await rig.boot('rotate', '--abandon', '--yes')
    if (abandoned.exitCode !== 0) problems.push(complaint('rotate --abandon', abandoned))
    await decideLater(rig, decision === 'late' ? 'approve' : 'reject')
    if (decision === 'late') await untilShown(rig, before, ms)
    const pair = await rig.boot('pair', '--drain', '1s')
    if (pair.exitCode !== 0) problems.push(complaint('pair', pair))
  }
  // Both sides of the switch are seen, whichever comes first.
  await sleep(ms + 300)
  const rate = await rateSince(rig, startedAt)
  const counts = await rig.control<TrafficCounts>('DELETE', '/traffic')
  problems.push(...(await misplaced(rig, rotation, before, counts)))
  return { counts, rate, problems }
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
