/** Lets in only what can be answered in time, and lets only so many signatures run at once; the rest waits in order. */
import type { Clock } from '../common/clock.ts'
import { CallbackError } from './errors.ts'

export interface Admission {
  /**
   * Lets a request in, before its body is read, unless the work ahead of it would take longer than `budgetMs`.
   * Every request that was let in must `leave` once.
   */
  readonly enter: (budgetMs: number) => boolean
  readonly leave: () => void
  /**
   * Runs a signature when a slot is free, first come, first served.
   *
   * @throws CallbackError ERR_OVERLOADED when the wait took longer than `maxWaitMs`: the caller is gone by then
   */
  readonly sign: <T>(job: () => Promise<T>) => Promise<T>
  /** Requests let in and not answered. */
  readonly inFlight: number
  /** Signatures that wait for a slot. */
  readonly queued: number
  /** Smoothed time that a signature occupies its slot, in milliseconds. */
  readonly serviceMs: number
}

export interface AdmissionOptions {
  readonly clock: Clock
  /** Signatures at once; more than the processor has cores only adds waiting (docs/performance.md). */
  readonly slots: number
  readonly maxWaitMs: number
}

/** Weight of the newest measurement. */
const SMOOTHING = 0.05

/** Signatures dominate the cost of an answer, so the time they occupy their slots tells how fast the queue moves. */
export function createAdmission({ clock, slots, maxWaitMs }: AdmissionOptions): Admission {
  const waiting: (() => void)[] = []
  let head = 0
  let busy = 0
  let inFlight = 0
  let serviceMs = 0.3

  const queued = () => waiting.length - head
  const takeSlot = (): Promise<void> | undefined => {
    if (busy < slots) {
      busy += 1
      return undefined
    }
    return new Promise((resolve) => waiting.push(resolve))
  }
  const freeSlot = () => {
    const next = waiting[head]
    if (next === undefined) {
      busy -= 1
      return
    }
    head += 1
    // Dropping served entries now and then keeps both the queue short and taking from it cheap.
    if (head > 1_024 && head * 2 > waiting.length) {
      waiting.splice(0, head)
      head = 0
    }
    next()
  }

  return {
    enter(budgetMs) {
      if ((inFlight * serviceMs) / slots > budgetMs) return false
      inFlight += 1
      return true
    },
    leave() {
      inFlight -= 1
    },
    async sign(job) {
      const arrivedMs = clock.monotonicMs()
      await takeSlot()
      const startedMs = clock.monotonicMs()
      try {
        if (startedMs - arrivedMs > maxWaitMs) {
          throw new CallbackError('ERR_OVERLOADED', 'waited too long for a signature')
        }
        const result = await job()
        serviceMs += (clock.monotonicMs() - startedMs - serviceMs) * SMOOTHING
        return result
      } finally {
        freeSlot()
      }
    },
    get inFlight() {
      return inFlight
    },
    get queued() {
      return queued()
    },
    get serviceMs() {
      return serviceMs
    },
  }
}
