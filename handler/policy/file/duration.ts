/** Durations as people write them: a whole number and a unit. */

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** `30s`, `15m`, `24h`, `7d`; no zero, no fractions, no sums. */
export const DURATION = /^[1-9][0-9]{0,5}[smhd]$/

/** Milliseconds of a text that matches `DURATION`; NaN for any other. */
export function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * Number(UNIT_MS.get(text.slice(-1)))
}
