/** Durations as people write them: a whole number and a unit. */

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `30s`, `15m`, `24h`, `7d`; no zero, no fractions, no sums. */
export const DURATION = /^[1-9][0-9]{0,5}[smhd]$/

/** Milliseconds of a text that matches `DURATION`. */
export function durationMs(text: string): number {
  const unit = text.at(-1)
  return Number(text.slice(0, -1)) * UNIT_MS[isUnit(unit) ? unit : 's']
}

function isUnit(text: string | undefined): text is keyof typeof UNIT_MS {
  return text !== undefined && text in UNIT_MS
}
