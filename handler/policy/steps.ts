/** Work in small steps, so that whoever runs it on an event loop can let others in between two of them. */

/** A computation that pauses after each step; no step takes longer than a few milliseconds. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Takes all steps at once and returns the result. */
export function allSteps<T>(steps: Steps<T>): T {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}
