/** The load generator as its parent sees it: a process that takes jobs. */
import { ask, start, stop } from '../processes.ts'
import type { Cores } from '../processes.ts'
import type {
  BurdenJob,
  BurdenResult,
  ClosedJob,
  ClosedResult,
  OpenJob,
  OpenResult,
} from './job.ts'

export interface Generator {
  closed(job: Omit<ClosedJob, 'kind'>): Promise<ClosedResult>
  open(job: Omit<OpenJob, 'kind'>): Promise<OpenResult>
  burden(job: Omit<BurdenJob, 'kind'>): Promise<BurdenResult>
  stop(): Promise<void>
}

/** Starts a load generator on these cores. */
export function startGenerator(cores: Cores): Generator {
  const child = start('bench/load/worker.js', { ipc: true, cores })
  return {
    closed: (job) => ask(child, { kind: 'closed', ...job }),
    open: (job) => ask(child, { kind: 'open', ...job }),
    burden: (job) => ask(child, { kind: 'burden', ...job }),
    stop: () => stop(child),
  }
}
