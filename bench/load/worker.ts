/** The load generator as a process of its own; the parent sends jobs, one at a time. */
import { serveParent } from '../processes.ts'
import { runBurden } from './burden.ts'
import { runClosed } from './closed-loop.ts'
import type { Job, Tokens } from './job.ts'
import { runOpen } from './open-loop.ts'
import { liveSource, poolSource } from './tokens.ts'
import type { TokenSource } from './tokens.ts'

serveParent((message) => run(message as Job))

function run(job: Job): Promise<object> {
  if (job.kind === 'closed') return runClosed(job, sourceOf(job.tokens))
  return job.kind === 'open' ? runOpen(job, sourceOf(job.tokens)) : runBurden(job)
}

function sourceOf(tokens: Tokens): TokenSource {
  return 'pool' in tokens
    ? poolSource(tokens.pool, tokens.from)
    : liveSource(tokens.keyFile, tokens.chars)
}
