/** The scenarios, in the order in which they run. */
import { canary } from './canary/scenario.ts'
import { costs } from './costs.ts'
import { crash } from './crash.ts'
import { fullFileSystem } from './disk.ts'
import { forgedStores } from './forged.ts'
import { attack } from './hostile/scenario.ts'
import { idleConnections, pauses } from './pauses.ts'
import { largeBodies } from './large.ts'
import type { Context, Scenario } from './scenario.ts'
import { shutdown } from './shutdown.ts'
import { slowCallers } from './slow.ts'
import { lostStores } from './store.ts'
import { syscalls } from './syscalls.ts'

export const SCENARIOS: readonly Scenario[] = [
  { name: 'hostile', story: 'hostile input over real TLS', share: 0.25, run: attack },
  { name: 'costs', story: 'what unsigned bytes cost', share: 0, run: costs },
  { name: 'large', story: 'large bodies that were signed', share: 0, run: largeBodies },
  { name: 'canary', story: 'a whole life, searched for secrets', share: 0, run: canary },
  { name: 'crash', story: 'kill -9 under load', share: 0.35, run: crash },
  {
    name: 'syscalls',
    story: 'system calls that fail, hang and kill',
    share: 0.35,
    run: syscalls,
  },
  { name: 'disk', story: 'a file system that is full', share: 0, run: fullFileSystem },
  { name: 'store', story: 'a store that is lost, old or cut', share: 0, run: lostStores },
  { name: 'forged', story: 'a store that was forged', share: 0, run: forgedStores },
  { name: 'slow', story: 'slow, silent and too many callers', share: 0, run: slowCallers },
  { name: 'pauses', story: 'pauses of the whole process', share: 0, run: pauses },
  {
    name: 'idle',
    story: 'more idle connections than there is room',
    share: 0,
    run: idleConnections,
  },
  { name: 'shutdown', story: 'SIGTERM under load', share: 0, run: shutdown },
  { name: 'clock', story: 'a clock that jumps', share: 0, run: clocks },
]

/** A process takes its wall clock from the kernel's page; strace cannot change it, and setting the machine's is no test. */
async function clocks({ report }: Context): Promise<void> {
  report.skip(
    'clock jumps',
    'needs a library in front of the system clock; clocks are moved in test/handler/decisions/sqlite.test.ts',
  )
}
