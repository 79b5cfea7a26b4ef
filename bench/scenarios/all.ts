/** Every scenario by its name. */
import type { Options } from '../options.ts'
import type { Section } from '../report.ts'
import type { Rig } from '../rig.ts'
import { answerKeys } from './answer-keys.ts'
import { decision } from './decision.ts'
import { events } from './events.ts'
import { growth } from './growth.ts'
import { memory } from './memory.ts'
import type { ScenarioName } from './names.ts'
import { overload } from './overload.ts'
import { policy } from './policy.ts'
import { refusal } from './refusal.ts'
import { soak } from './soak.ts'
import { startUp } from './start-up.ts'

type Scenario = (rig: Rig, options: Options) => Promise<Section>

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  decision,
  'answer-keys': answerKeys,
  refusal,
  growth,
  policy,
  overload,
  events,
  memory,
  'start-up': startUp,
  soak,
}
