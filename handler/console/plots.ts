/** Plots as SVG, made on the server. Pure. Each says in words what it shows; colours and fonts are the style sheet's. */
import { html, type Html } from './html.ts'
import { clockTime } from './words.ts'

/** The frame of every plot, in its own units. */
const WIDTH = 640
const HEIGHT = 190
const LEFT = 44
const RIGHT = 8
const TOP = 10
const BOTTOM = 22
const INNER = { width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM }

/** One kind of thing that is counted; `name` is also its class. */
export interface Series {
  readonly name: string
  readonly values: readonly number[]
}

interface Axes {
  /** Says all that matters, for who does not see it. */
  readonly label: string
  /** Start of each stretch, milliseconds since 1970. */
  readonly times: readonly number[]
  readonly isDays: boolean
}

/** Counts over time, kinds on top of each other. */
export function stackedBars(series: readonly Series[], axes: Axes): Html {
  const sums = axes.times.map((_, at) =>
    series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0),
  )
  const most = niceAbove(Math.max(...sums, 1))
  const step = INNER.width / axes.times.length
  const scale = INNER.height / most
  const bars = axes.times.map((_, at) => {
    let below = 0
    return series.map(({ name, values }) => {
      const value = values[at] ?? 0
      if (value === 0) return undefined
      below += value
      return html`<rect
        class="bar ${name.toLowerCase()}"
        x="${fixed(LEFT + at * step + step * 0.1)}"
        y="${fixed(TOP + INNER.height - below * scale)}"
        width="${fixed(step * 0.8)}"
        height="${fixed(value * scale)}"
      />`
    })
  })
  return plot(
    axes,
    [0, most / 2, most].map((value) => [value * scale, String(value)]),
    bars,
  )
}

/** Values in milliseconds over time, on a logarithmic scale up to what the co-signer waits for. */
export function latencyLines(
  series: readonly { readonly name: string; readonly values: readonly (number | undefined)[] }[],
  axes: Axes,
): Html {
  const [least, most] = [1, 30_000]
  const step = INNER.width / axes.times.length
  const heightOf = (ms: number) =>
    (Math.log(Math.min(most, Math.max(least, ms)) / least) / Math.log(most / least)) * INNER.height
  const lines = series.map(({ name, values }) => {
    const points = values.flatMap((ms, at) =>
      ms === undefined
        ? []
        : [[fixed(LEFT + (at + 0.5) * step), fixed(TOP + INNER.height - heightOf(ms))] as const],
    )
    return html`<polyline
        class="line ${name}"
        points="${points.map((each) => each.join(',')).join(' ')}"
      />
      ${points.map(([x, y]) => html`<circle class="dot ${name}" cx="${x}" cy="${y}" r="1.8" />`)}`
  })
  const ticks = [1, 10, 100, 1_000, 10_000].map(
    (ms) => [heightOf(ms), ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`] as const,
  )
  return plot(axes, ticks, lines)
}

/** How much of something is used. */
export function usageBar(used: number, label: string): Html {
  const part = Math.min(1, Math.max(0, used))
  const kind = used >= 1 ? 'full' : used >= 0.8 ? 'high' : 'low'
  return html`<svg
    class="usage"
    viewBox="0 0 200 8"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label}"
  >
    <rect class="track" width="200" height="8" rx="2" />
    <rect class="part ${kind}" width="${fixed(part * 200)}" height="8" rx="2" />
  </svg>`
}

/** Something that began, and perhaps ended, with a later part that stands out. */
export interface Period {
  readonly name: string
  readonly kind: string
  readonly fromMs: number
  readonly toMs: number
  /** From here on it was only kept for stragglers. */
  readonly fadesMs?: number | undefined
  /** Moments in it. */
  readonly marks: readonly number[]
}

/** Periods below each other on one line of time that ends a little after now. */
export function timeLine(periods: readonly Period[], nowMs: number, label: string): Html {
  const [width, rowHeight] = [860, 22]
  const first = Math.min(...periods.map(({ fromMs }) => fromMs), nowMs - 3_600_000)
  const last = nowMs + (nowMs - first) * 0.06
  const xOf = (ms: number) =>
    LEFT + ((Math.min(last, ms) - first) / (last - first)) * (width - LEFT - RIGHT)
  const height = TOP + periods.length * rowHeight + BOTTOM
  const rows = periods.map(({ name, kind, fromMs, toMs, fadesMs, marks }, at) => {
    const y = TOP + at * rowHeight
    const bar = (from: number, to: number, kinds: string) =>
      html`<rect
        class="${kinds}"
        x="${fixed(xOf(from))}"
        y="${y + 3}"
        width="${fixed(Math.max(2, xOf(to) - xOf(from)))}"
        height="${rowHeight - 8}"
        rx="2"
      />`
    return html`<text class="axis" x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${name}</text>
      ${bar(fromMs, fadesMs ?? toMs, `period ${kind}`)}
      ${fadesMs !== undefined && bar(fadesMs, toMs, 'period draining')}
      ${marks.map(
        (ms) =>
          html`<line
            class="mark"
            x1="${fixed(xOf(ms))}"
            x2="${fixed(xOf(ms))}"
            y1="${y + 1}"
            y2="${y + rowHeight - 3}"
          />`,
      )}`
  })
  const isShort = last - first < 3 * 86_400_000
  const ticks = [0, 1, 2, 3, 4].map((at) => first + ((last - first) * at) / 4)
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
    ${ticks.map(
      (ms, at) =>
        html`<line
            class="grid"
            x1="${fixed(xOf(ms))}"
            x2="${fixed(xOf(ms))}"
            y1="${TOP}"
            y2="${height - BOTTOM}"
          />
          <text
            class="axis"
            x="${fixed(xOf(ms))}"
            y="${height - 6}"
            text-anchor="${at === 4 ? 'end' : at === 0 ? 'start' : 'middle'}"
          >
            ${isShort ? clockTime(ms) : new Date(ms).toISOString().slice(0, 10)}
          </text>`,
    )}
    ${rows}
    <line
      class="now"
      x1="${fixed(xOf(nowMs))}"
      x2="${fixed(xOf(nowMs))}"
      y1="${TOP - 6}"
      y2="${height - BOTTOM}"
    />
  </svg>`
}

function plot(
  { label, times, isDays }: Axes,
  ticks: readonly (readonly [height: number, text: string])[],
  content: readonly (Html | readonly (Html | undefined)[])[],
): Html {
  const every = Math.max(1, Math.ceil(times.length / 6))
  const marks = times.flatMap((ms, at) => (at % every === 0 ? [[at, ms] as const] : []))
  const step = INNER.width / times.length
  return html`<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
    ${ticks.map(([height, text]) => {
      const y = fixed(TOP + INNER.height - height)
      return html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" />
        <text class="axis" x="${LEFT - 6}" y="${y}" dy="4" text-anchor="end">${text}</text>`
    })}
    ${marks.map(
      ([at, ms]) =>
        html`<text class="axis" x="${fixed(LEFT + at * step)}" y="${HEIGHT - 6}">
          ${isDays ? new Date(ms).toISOString().slice(5, 10) : clockTime(ms)}
        </text>`,
    )}
    ${content}
  </svg>`
}

/** The next number of the form 1, 2 or 5 times a power of ten that halves to a whole one. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const found = [1, 2, 4, 6, 10].map((each) => each * power).find((each) => each >= value)
  return Math.max(2, found ?? value)
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10)
}
