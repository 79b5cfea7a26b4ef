/** One rotation while the co-signer keeps asking: what people decide is drawn up front, what callbacks got is counted. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as requestTls } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { connectHandler } from '../../../bootstrap/handler-socket.ts'
import type { GenerationInfo } from '../../../common/admin-api.ts'
import type { Knobs } from '../../../emulator/knobs.ts'
import type { TrafficCounts } from '../../../emulator/traffic.ts'
import { APPROVED_DRAIN_S, drainSeconds, moves } from './matrix.ts'
import type { Rotation } from './matrix.ts'
import { complaint } from './rig.ts'
import type { Rig } from './rig.ts'

/** Bounds every stream. */
const MAX_SECONDS = 400

/** A machine that is not done by then is not slow but stuck. */
const MAX_WAIT_MS = 60_000

export interface Outcome {
  readonly counts: TrafficCounts
  /** Callbacks per second that were really sent. */
  readonly rate: number
  /** What did not hold. */
  readonly problems: readonly string[]
  /** The answers took so long that the machine, not the rotation, decided what became of them. */
  readonly saturated: boolean
  /** Generations that nobody needed any more and that answered 410 after their drain. */
  readonly retired: number
}

/** Half of the time in which the handler wants a handshake done, in milliseconds. */
const SATURATED_P99_MS = 1_000

interface Approval {
  readonly id: string
  readonly status: string
}

/** Makes one rotation of the generation that is paired now. */
export async function rotate(
  rig: Rig,
  rotation: Rotation,
  ratePerSecond: number,
): Promise<Outcome> {
  const { decision, skewMs } = rotation
  await settleDown(rig)
  const before = shownUrl(rig)
  const known = (await rig.handler()).generations.length
  rig.turn(knobsOf(rotation))
  const problems: string[] = []
  const boot = async (right: number, ...argv: string[]) => {
    const result = await rig.boot(...argv)
    if (result.exitCode !== right) problems.push(complaint(argv.join(' '), result))
  }
  await rig.control('POST', '/traffic', { ratePerSecond, seconds: MAX_SECONDS })
  const startedAt = performance.now()
  await sleep(200)
  const drain = ['--drain', `${drainSeconds(rotation)}s`]
  const givesUp = decision === 'never' || decision === 'late'
  const patience = givesUp ? 2 : 60 + (2 * skewMs) / 1_000
  const exit = { approved: 0, rejected: 6, cancelled: 6, never: 5, late: 5 }[decision]
  await boot(exit, 'rotate', '--yes', ...drain, '--wait', `${patience}s`)
  if (givesUp) {
    await boot(0, 'rotate', '--abandon', '--yes', ...drain)
    await decideLater(rig, decision === 'late' ? 'approve' : 'reject')
    if (decision === 'late') await until(() => shownUrl(rig) !== before)
    await shortenDrain(rig)
    await boot(0, 'pair', '--drain', `${APPROVED_DRAIN_S}s`)
  }
  // Both sides of the switch are seen, whichever comes first.
  if (moves(rotation)) await until(() => hasSwitched(rig))
  await sleep(500)
  const rate = await rateSince(rig, startedAt)
  const counts = await rig.control<TrafficCounts>('DELETE', '/traffic')
  problems.push(...(await misplaced(rig, rotation, before, counts)))
  const retired = await retire(rig, known, moves(rotation) ? before : undefined, problems)
  const saturated = counts.skipped > 0 || (counts.latencyMs?.p99 ?? 0) > SATURATED_P99_MS
  return { counts, rate, problems, saturated, retired }
}

function knobsOf({ decision, skew, skewMs: ms, torn }: Rotation): Partial<Knobs> {
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

/** Nothing waits for people, and nothing drains: what an attempt on a saturated machine has left is tidied up. */
async function settleDown(rig: Rig): Promise<void> {
  rig.turn({})
  await decideLater(rig, 'reject')
  const { pairings } = await rig.handler()
  if (Object.values(pairings).some(({ pending }) => pending !== null)) {
    await rig.boot('rotate', '--abandon', '--yes', '--drain', '1s')
  }
  await until(async () => !(await rig.handler()).generations.some(drains))
}

/** The old generation shall not drain for as long as the abandoned one: the longer of the last two times counts. */
async function shortenDrain({ emulator, stateDir }: Rig): Promise<void> {
  const handler = connectHandler(join(stateDir, 'admin.sock'))
  const [pairing] = emulator.state.pairings.values()
  if (pairing === undefined) throw new Error('nothing is paired')
  const { cosignerId, apiKeyId } = pairing
  const needs = (await handler.status()).pairings[`${cosignerId}/${apiKeyId}`]
  if (needs === undefined) throw new Error('the handler knows of no pairing')
  await handler.declare(cosignerId, apiKeyId, { ...needs, drainMs: APPROVED_DRAIN_S * 1_000 })
}

/** Waits until nothing drains: one more generation is known, one is served, and the one dropped answers 410. */
async function retire(
  rig: Rig,
  known: number,
  before: string | undefined,
  problems: string[],
): Promise<number> {
  await until(async () => !(await rig.handler()).generations.some(drains))
  const { generations } = await rig.handler()
  const served = generations.filter(({ state }) => state !== 'retired')
  if (served.length !== 1 || generations.length !== known + 1) {
    const states = generations.map(({ generation, state }) => `${generation} ${state}`)
    problems.push(`not one generation more, or not one served: ${states.join(', ')}`)
  }
  // The one before, or the one that was made and refused.
  const dropped = before ?? generations.at(-1)?.url ?? ''
  const status = await statusOf(rig, dropped)
  if (status !== 410) problems.push(`${dropped} answers ${status}`)
  return status === 410 ? 1 : 0
}

function drains({ state }: GenerationInfo): boolean {
  return state === 'draining'
}

/** What a callback to a generation is answered, whatever its certificate. */
async function statusOf({ mode }: Rig, url: string): Promise<number | undefined> {
  const path = mode === 'certificate' ? 'tx_sign_request' : 'v2/tx_sign_request'
  const request = requestTls(`${url}/${path}`, { method: 'POST', rejectUnauthorized: false })
  request.end('{}')
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.destroy()
  return response.statusCode
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + MAX_WAIT_MS
  while (!(await holds()) && performance.now() < limit) await sleep(50)
}

/** Every machine uses what the API shows. */
function hasSwitched({ emulator }: Rig): boolean {
  const [pairing] = emulator.state.pairings.values()
  return pairing?.used.every((changes) => (changes.at(-1)?.at ?? 0) <= Date.now()) ?? false
}

async function decideLater(rig: Rig, decision: string): Promise<void> {
  const approvals = await rig.control<readonly Approval[]>('GET', '/approvals')
  for (const { id, status } of approvals) {
    if (status !== 'WAITING_FOR_APPROVAL') continue
    await rig.control('POST', `/approvals/${id}`, { decision })
  }
}

/** The rate up to now; the stream is open loop, so that a slow handler does not lower it. */
async function rateSince(rig: Rig, startedAt: number): Promise<number> {
  const { sent } = await rig.control<TrafficCounts>('GET', '/traffic')
  return sent / ((performance.now() - startedAt) / 1_000)
}

/** The end state that does not fit the decision. */
async function misplaced(
  rig: Rig,
  rotation: Rotation,
  before: string | undefined,
  { byUrl }: TrafficCounts,
): Promise<string[]> {
  const now = shownUrl(rig)
  const problems: string[] = []
  if ((now !== before) !== moves(rotation)) problems.push(`the API shows ${now} after ${before}`)
  if (Object.keys(byUrl).length !== (moves(rotation) ? 2 : 1)) {
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
