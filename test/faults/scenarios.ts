/** The scenarios, in the order in which they run. */
import { crash } from './crash.ts'
import { attack } from './hostile/scenario.ts'
import type { Scenario } from './scenario.ts'
import { shutdown } from './shutdown.ts'
import { syscalls } from './syscalls.ts'

export const SCENARIOS: readonly Scenario[] = [
  { name: 'hostile', story: 'hostile input over real TLS', share: 0.25, run: attack },
  { name: 'crash', story: 'kill -9 under load', share: 0.35, run: crash },
  {
    name: 'syscalls',
    story: 'system calls that fail, hang and kill',
    share: 0.35,
    run: syscalls,
  },
  { name: 'shutdown', story: 'SIGTERM under load', share: 0, run: shutdown },
]
