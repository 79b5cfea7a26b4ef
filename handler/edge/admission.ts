/** Lets in only what can be answered in time, works on few requests at once and signs fewer; the rest waits in order. */
import type { Clock } from '../../common/clock.ts'
import { CallbackError } from '../protocol/errors.ts'
import { createPace } from './pace.ts'
import { createTurns } from './turns.ts'

export interface Admission {
  /**
   * The gate of those who want a signature of it. A signer with lanes of its own (a token, a service) has a gate of its
   * own, so that one that is slow or silent keeps nobody else from being let in, worked on and signed for.
   */
  readonly of: (signer: Signs) => Gate
  /** Requests let in and not answered. */
  readonly inFlight: number
  /** Signatures that wait for a slot. */
  readonly queued: number
}

/** What lets requests in, works on them and signs for them, each first come, first served. */
export interface Gate {
  /**
   * Lets a request in, before its body is read, unless the work ahead of it would take longer than `budgetMs`.
   * Every request that was let in must `leave` once.
   */
  readonly enter: (budgetMs: number) => boolean
  readonly leave: () => void
  /**
   * Works on a request when its turn comes. Before that nothing is verified or evaluated, so that a crowd of arrivals
   * cannot keep the event loop from those that are nearly answered.
   *
   * @throws CallbackError ERR_OVERLOADED when its turn comes too late to be done before `doneByMs`, monotonic
   */
  readonly work: <T>(doneByMs: number, job: () => Promise<T>) => Promise<T>
  /**
   * Runs a signature when a slot is free.
   *
   * @throws CallbackError ERR_OVERLOADED when the wait took longer than `maxWaitMs`: the caller is gone by then
   */
  readonly sign: <T>(job: () => Promise<T>) => Promise<T>
  readonly inFlight: number
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
export function createAdmission(options: AdmissionOptions): Admission {
  const pool = createGate(PER_THREAD * POOL_THREADS, options)
  const own = new Map<Signs, Gate>()
  const sum = (count: (gate: Gate) => number) =>
    [pool, ...own.values()].reduce((total, gate) => total + count(gate), 0)
  return {
    of(signer) {
      const { lanes } = signer
      if (lanes === undefined) return pool
      const gate = own.get(signer) ?? createGate(lanes, options)
      own.set(signer, gate)
      return gate
    },
    get inFlight() {
      return sum((gate) => gate.inFlight)
    },
    get queued() {
      return sum((gate) => gate.queued)
    },
  }
}

function createGate(lanes: number, { clock, cores, maxWaitMs }: AdmissionOptions): Gate {
  const atWork = createTurns(cores * AT_WORK_PER_CORE)
  const signatures = createTurns(lanes)
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
    async sign(job) {
      const arrivedMs = clock.monotonicMs()
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
      return signatures.waiting
    },
    get paceMs() {
      return pace.ms
    },
  }
}
