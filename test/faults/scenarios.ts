/** The scenarios, in the order in which they run. */
import { attack } from './hostile/scenario.ts'
import type { Scenario } from './scenario.ts'

export const SCENARIOS: readonly Scenario[] = [
  { name: 'hostile', story: 'hostile input over real TLS', share: 0.25, run: attack },
]
