/** Durations: the one grammar of policies, settings and flags, and the one printer. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `500ms`, `30s`, `15m`, `24h`, `7d`: one whole number and one unit; no zero, fraction or sum. */
export const DURATION = /^(?:[1-9][0-9]{0,8}m?s|[1-9][0-9]{0,5}[mhd])$/

/** Milliseconds of a text that matches `DURATION`; NaN for any other. */
export function durationMs(text: string): number {
  if (!DURATION.test(text)) return Number.NaN
  const [, digits = '', unit = ''] = /^(\d+)(\D+)$/.exec(text) ?? []
  return Number(digits) * (UNIT_MS[unit] ?? Number.NaN)
}

/**
 * The two largest units, without the second when it is zero: `2d 3h`, `24h`, `42m`, `30s`, `0s`.
 */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  return hours < 48
    ? units(hours, 'h', minutes % 60, 'm')
    : units(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function units(large: number, unit: string, rest: number, smaller: string): string {
  return rest === 0 ? `${large}${unit}` : `${large}${unit} ${rest}${smaller}`
}
