/** When requests arrive: a Poisson process per phase, the same in every run. */
import type { OpenJob } from './job.ts'

/** Planned arrivals in milliseconds from the start, ascending. */
export function plannedArrivals(phases: OpenJob['phases']): number[] {
  const uniform = mulberry32(7)
  const arrivals: number[] = []
  let phaseBeginsMs = 0
  for (const { perSecond, seconds } of phases) {
    const phaseEndsMs = phaseBeginsMs + seconds * 1000
    const gap = () => (-Math.log(1 - uniform()) * 1000) / perSecond
    for (let at = phaseBeginsMs + gap(); at < phaseEndsMs; at += gap()) arrivals.push(at)
    phaseBeginsMs = phaseEndsMs
  }
  return arrivals
}

/** Uniform numbers in [0, 1) from a 32-bit seed (mulberry32, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
