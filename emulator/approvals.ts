/**
 * What people decide, and what follows from it in time; nothing here waits, `settle` catches up
 * with the clock.
 */
import { drawOne, drawWithin } from './chaos.ts'
import {
  type Change,
  type ChangeRequest,
  type Decision,
  type EmulatorState,
  enter,
  type Instant,
  type Pairing,
} from './state.ts'

/**
 * Both machines of a co-signer are kept up to date, whether or not `HA_COSIGNERS` lets the second
 * one work.
 */
const MACHINES = 2

const OUTCOMES = ['approve', 'reject', 'cancel', 'never'] as const

/** Opens a request that waits for approval; it gets the next number. */
export function openRequest(
  state: EmulatorState,
  subject: Pick<ChangeRequest, 'type' | 'target' | 'user'>,
  now: Instant,
): ChangeRequest {
  const request: ChangeRequest = {
    ...subject,
    id: String(state.nextRequestId),
    requestedAt: now,
    status: 'WAITING_FOR_APPROVAL',
    decideAt: undefined,
    outcome: 'approve',
    completesAt: undefined,
    switchesAt: [],
    forgotten: false,
  }
  state.nextRequestId += 1
  state.requests.push(request)
  schedule(state, request, now)
  return request
}

/**
 * Decides a waiting request when it should decide by itself: `APPROVAL_DELAY_S` first, then
 * `/auto-approve`.
 */
export function schedule(state: EmulatorState, request: ChangeRequest, now: Instant): void {
  const { APPROVAL_DELAY_S: delay, APPROVAL_OUTCOME: setting } = state.chaos.knobs
  if (request.status !== 'WAITING_FOR_APPROVAL') return
  if (delay === null && state.autoApproveMs === undefined) {
    request.decideAt = undefined
    return
  }
  const outcome = setting === 'mixed' ? drawOne(state.chaos, 'APPROVAL_OUTCOME', OUTCOMES) : setting
  if (outcome === 'never') {
    request.decideAt = undefined
    return
  }
  request.outcome = outcome
  request.decideAt =
    now +
    (delay === null
      ? (state.autoApproveMs ?? 0)
      : drawWithin(state.chaos, 'APPROVAL_DELAY_S', delay) * 1000)
}

/** Brings every request to where it stands at `now`. */
export function settle(state: EmulatorState, now: Instant): void {
  for (const request of state.requests) {
    if (request.decideAt !== undefined && request.decideAt <= now) {
      decide(state, request, request.outcome, request.decideAt)
    }
    if (request.completesAt !== undefined && request.completesAt <= now) complete(state, request)
  }
}

/** Decides a waiting request; false when it was decided before. */
export function decide(
  state: EmulatorState,
  request: ChangeRequest,
  decision: Decision,
  at: Instant,
): boolean {
  request.decideAt = undefined
  if (request.status !== 'WAITING_FOR_APPROVAL') return false
  if (request.user !== undefined) logUserEvent(state, request.user.name, decision, at)
  if (decision === 'approve') {
    approve(state, request, at)
    return true
  }
  request.status = decision === 'reject' ? 'REJECTED' : 'CANCELLED'
  request.forgotten = decision === 'expire'
  return true
}

/**
 * The earlier of COMPLETED and the machine's switch comes `COMPLETION_DELAY_MS` after the approval,
 * and the other one `SWITCH_SKEW_MS` apart, so that neither can happen before people said yes. What
 * was approved later is also carried out later, everywhere. A user exists as soon as it is
 * approved.
 */
function approve(state: EmulatorState, request: ChangeRequest, at: Instant): void {
  request.status = 'APPROVED'
  if (request.target === undefined) {
    request.completesAt = at
    return
  }
  const { chaos } = state
  const delay = drawWithin(chaos, 'COMPLETION_DELAY_MS', chaos.knobs.COMPLETION_DELAY_MS)
  const skews = Array.from({ length: MACHINES }, () =>
    drawWithin(chaos, 'SWITCH_SKEW_MS', chaos.knobs.SWITCH_SKEW_MS),
  )
  const { cosignerId, apiKeyId, handler } = request.target
  const pairing = pairingOf(state, cosignerId, apiKeyId)
  const earliest = at + delay + Math.max(0, ...skews.map((skew) => -skew))
  const completesAt = notBefore(pairing.shown, earliest)
  request.completesAt = completesAt
  request.switchesAt = skews.map((skew, machine) =>
    notBefore(pairing.used[machine] ?? [], earliest + skew),
  )
  for (const [machine, switchesAt] of request.switchesAt.entries()) {
    enter(pairing.used[machine] ?? [], { at: switchesAt, handler })
  }
  enter(pairing.shown, { at: completesAt, handler })
}

/** The instant, or that of the last change if that one comes later. */
function notBefore(changes: readonly Change[], at: Instant): Instant {
  return Math.max(at, changes.at(-1)?.at ?? at)
}

function complete(state: EmulatorState, request: ChangeRequest): void {
  const at = request.completesAt
  request.completesAt = undefined
  request.status = 'COMPLETED'
  if (request.user !== undefined) {
    state.users.set(request.user.id, request.user)
    return
  }
  if (request.target === undefined) return
  const { cosignerId, apiKeyId, handler } = request.target
  const user = state.users.get(apiKeyId)
  if (user !== undefined && handler !== undefined) user.status = 'READY'
  pairingOf(state, cosignerId, apiKeyId).lastSeen = at
}

function pairingOf(state: EmulatorState, cosignerId: string, apiKeyId: string): Pairing {
  const key = `${cosignerId}/${apiKeyId}`
  const known = state.pairings.get(key)
  if (known !== undefined) return known
  const used = Array.from({ length: MACHINES }, () => [])
  const made: Pairing = { cosignerId, apiKeyId, shown: [], used, lastSeen: undefined }
  state.pairings.set(key, made)
  return made
}

const USER_EVENTS: Readonly<Record<Decision, string>> = {
  approve: 'New user approved',
  reject: 'New user rejected',
  cancel: 'New user cancelled',
  expire: 'New user cancelled',
}

function logUserEvent(state: EmulatorState, name: string, decision: Decision, at: Instant): void {
  state.events.push({ at, event: USER_EVENTS[decision], subject: name })
}
