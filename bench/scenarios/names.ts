/** The scenarios in the order in which they run. */
export const SCENARIO_NAMES = [
  'decision',
  'answer-keys',
  'refusal',
  'growth',
  'policy',
  'overload',
  'events',
  'memory',
  'start-up',
  'soak',
] as const

export type ScenarioName = (typeof SCENARIO_NAMES)[number]
