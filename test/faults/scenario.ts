/** What a scenario is given. */
import type { Chaos } from '../../emulator/chaos.ts'
import type { Report } from './report.ts'
import type { World } from './rig.ts'

export interface Context {
  readonly report: Report
  readonly world: World
  /** Chance, by the seed of the run. */
  readonly chaos: Chaos
  /** For loops that could go on for ever. */
  readonly seconds: number
  /** Fewer rounds of everything, for continuous integration. */
  readonly short: boolean
}

export interface Scenario {
  readonly name: string
  /** One sentence: what is done to the handler. */
  readonly story: string
  /** Part of the time for endless loops. */
  readonly share: number
  readonly run: (context: Context) => Promise<void>
}
