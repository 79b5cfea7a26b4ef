/**
 * The session of a run: what every step needs, such as the two remote parties, time and a way to
 * stop.
 */
import type { Clock, Sleep } from '../common/clock.ts'
import type { ApiClient } from './api/client.ts'
import type { ApiFamily } from './api/resources.ts'
import { pollMs } from './api/retry.ts'
import { BootstrapError } from './errors.ts'
import type { HandlerAdmin } from './handler-socket.ts'
import type { Look, ProbeDeps } from './probe.ts'
import type { Reporter } from './report.ts'
import type { AuthMode } from '../common/admin-api.ts'
import type { Journal } from './journal.ts'
import { type Operation, rememberPairing } from './memory.ts'
import type { PairingIds } from './state-paths.ts'

export interface Session {
  readonly api: ApiClient
  readonly family: ApiFamily
  readonly handler: HandlerAdmin
  readonly look: Look
  readonly probeVia: ProbeDeps['via']
  readonly clock: Clock
  readonly sleep: Sleep
  readonly random: () => number
  readonly uuid: () => string
  readonly reporter: Reporter
  /** Aborted by the first signal, with its name as the reason. */
  readonly signal: AbortSignal
  /** On the monotonic clock: when waiting for people ends. */
  readonly deadlineMs: number
}

/** Now, in milliseconds since the epoch. */
export function nowMs({ clock }: Pick<Session, 'clock'>): number {
  return clock.now().getTime()
}

/** A safe point: everything done so far is journalled. Throws when the user asked to stop. */
export function safePoint({ signal }: Pick<Session, 'signal'>): void {
  if (!signal.aborted) return
  const code = signal.reason === 'SIGTERM' ? 'ERR_SIGTERM' : 'ERR_SIGINT'
  throw new BootstrapError(code, 'stopped; nothing is lost')
}

/** What a poll found: an end, or nothing yet and a line that says what is awaited. */
export type Poll<T> = { readonly done: T } | { readonly waiting: string }

/**
 * Asks until there is an end, growing from 1 s to 60 s between two polls, at most until the
 * deadline.
 *
 * @param late makes the error for the deadline
 */
export async function poll<T>(
  session: Session,
  ask: () => Promise<Poll<T>>,
  late: () => BootstrapError,
): Promise<T> {
  for (let count = 0; ; count += 1) {
    safePoint(session)
    const found = await ask()
    if ('done' in found) return found.done
    const leftMs = session.deadlineMs - session.clock.monotonicMs()
    if (leftMs <= 0) throw late()
    session.reporter.progress(found.waiting)
    await session.sleep(Math.min(pollMs(count, session.random()), leftMs), session.signal)
  }
}

export interface PairingContext extends Session {
  readonly ids: PairingIds
  readonly journal: Journal
  readonly basePath: string
  readonly auth: AuthMode
  /** Quiet time before a generation that is no longer needed is retired, in milliseconds. */
  readonly drainMs: number
}

/** The operation under way; every step runs inside one. */
export function operationOf({ journal }: PairingContext): Operation {
  const { operation } = rememberPairing(journal.records())
  if (operation === null) throw new Error('no operation is under way')
  return operation
}
