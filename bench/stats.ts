/** The few statistics that the benchmark reports: medians and quantiles, never means. */

/** The q-quantile (0 to 1) by the nearest-rank method; NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))
  return sorted[rank] ?? Number.NaN
}

/** The middle value; the mean of the two middle values of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[sorted.length >> 1]
  const lower = sorted[(sorted.length - 1) >> 1]
  return upper === undefined || lower === undefined ? Number.NaN : (lower + upper) / 2
}

/** How far the values lie apart: half of (largest − smallest), relative to the median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values)
}

/** One sample over time. */
export interface Sample {
  readonly at: number
  readonly value: number
}

/**
 * The slope of the samples, in units of `value` per unit of `at`: the median of the slopes between all pairs
 * (Theil–Sen), which a garbage collection or two do not move. 0 of fewer than two samples.
 */
export function slope(samples: readonly Sample[]): number {
  const slopes = samples.flatMap((a, i) =>
    samples
      .slice(i + 1)
      .flatMap((b) => (b.at === a.at ? [] : [(b.value - a.value) / (b.at - a.at)])),
  )
  return slopes.length === 0 ? 0 : median(slopes)
}
