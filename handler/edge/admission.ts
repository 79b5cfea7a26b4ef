/** Lets in only what can be answered in time, works on few requests at once and signs fewer; the rest waits in order. */
import type { Clock } from '../../common/clock.ts'
import { CallbackError } from '../protocol/errors.ts'
import { createPace } from './pace.ts'
import { createTurns, type Turns } from './turns.ts'

export interface Admission {
  /**
   * Lets a request in, before its body is read, unless the work ahead of it would take longer than `budgetMs`.
   * Every request that was let in must `leave` once.
   */
  readonly enter: (budgetMs: number) => boolean
  readonly leave: () => void
  /**
   * Works on a request when its turn comes, first come, first served. Before that nothing is verified or evaluated, so
   * that a crowd of arrivals cannot keep the event loop from those that are nearly answered.
   *
   * @throws CallbackError ERR_OVERLOADED when its turn comes too late to be done before `doneByMs`, monotonic
   */
  readonly work: <T>(doneByMs: number, job: () => Promise<T>) => Promise<T>
  /**
   * Runs a signature when a slot is free, first come, first served. A signer with lanes of its own (a token, a service)
   * has its own slots, so that one that is slow keeps nobody else from signing.
   *
   * @throws CallbackError ERR_OVERLOADED when the wait took longer than `maxWaitMs`: the caller is gone by then
   */
  readonly sign: <T>(signer: Signs, job: () => Promise<T>) => Promise<T>
  /** Requests let in and not answered. */
  readonly inFlight: number
  /** Signatures that wait for a slot. */
  readonly queued: number
  /** Milliseconds from one answer to the next while requests wait for their turn. */
  readonly paceMs: number
}

/** As far as a signer's capacity goes. */
export interface Signs {
  /** Signatures at once; absent: those of the thread pool. */
  readonly lanes?: number
}

export interface AdmissionOptions {
  readonly clock: Clock
  readonly cores: number
  readonly maxWaitMs: number
}

/** Threads of libuv's pool, which signs, on any machine. */
const POOL_THREADS = 4

/**
 * Signatures given to the pool per thread: a thread that finds the next one waiting need not be put to sleep and woken,
 * and those that end together are answered together (docs/decisions/hot-path.md).
 */
const PER_THREAD = 4

/** Requests at work per core: enough that their decisions share commits, few enough to finish soon. */
const AT_WORK_PER_CORE = 32

/** Part of the time left that the predicted wait may fill: load that grows slows down what is in line already. */
const FILLED = 0.6

/** Nothing is in flight, and the pace is assumed to be that of a fast machine. */
export function createAdmission({ clock, cores, maxWaitMs }: AdmissionOptions): Admission {
  const atWork = createTurns(cores * AT_WORK_PER_CORE)
  const pool = createTurns(PER_THREAD * POOL_THREADS)
  const own = new Map<Signs, Turns>()
  const turnsOf = (signer: Signs): Turns => {
    const { lanes } = signer
    if (lanes === undefined) return pool
    const turns = own.get(signer) ?? createTurns(lanes)
    own.set(signer, turns)
    return turns
  }
  const pace = createPace()
  let inFlight = 0

  return {
    enter(budgetMs) {
      if (inFlight * pace.ms > budgetMs * FILLED) return false
      inFlight += 1
      return true
    },
    leave() {
      inFlight -= 1
    },
    async work(doneByMs, job) {
      await atWork.take()
      try {
        const leftMs = doneByMs - clock.monotonicMs()
        if (leftMs < Math.min(atWork.size, inFlight) * pace.ms) {
          throw new CallbackError('ERR_OVERLOADED', 'its turn came too late')
        }
        return await job()
      } finally {
        pace.finished(clock.monotonicMs(), atWork.waiting > 0)
        atWork.give()
      }
    },
    async sign(signer, job) {
      const arrivedMs = clock.monotonicMs()
      const signatures = turnsOf(signer)
      await signatures.take()
      try {
        if (clock.monotonicMs() - arrivedMs > maxWaitMs) {
          throw new CallbackError('ERR_OVERLOADED', 'waited too long for a signature')
        }
        return await job()
      } finally {
        signatures.give()
      }
    },
    get inFlight() {
      return inFlight
    },
    get queued() {
      return [pool, ...own.values()].reduce((sum, { waiting }) => sum + waiting, 0)
    },
    get paceMs() {
      return pace.ms
    },
  }
}
