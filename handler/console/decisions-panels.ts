/** Decisions and times to the answer, over time. Pure. */
import type { Action } from '../protocol/endpoints.ts'
import type { Counted, RuleCount, Span, Stretch } from '../telemetry/history.ts'
import { SPANS } from '../telemetry/history.ts'
import { html, type Html } from './html.ts'
import { actionWord, panel, table } from './layout.ts'
import { latencyLines, stackedBars, usageBar } from './plots.ts'
import { figure, foreign, moment } from './words.ts'

/** What is shown of a span. */
export interface SpanView {
  readonly span: Span
  readonly stretches: readonly Stretch[]
}

const ACTIONS: readonly Action[] = ['APPROVE', 'REJECT', 'RETRY', 'IGNORE']

/** Decisions by action. */
export function decisionsPanel({ stretches, span }: SpanView): Html {
  const series = ACTIONS.map((name) => ({
    name,
    values: stretches.map(({ decisions }) =>
      sumOf(decisions.filter((each) => each.action === name)),
    ),
  }))
  const { title, each: unit } = SPANS[span]
  const totals = series.map(({ name, values }) => `${sum(values)} ${name}`).join(', ')
  const label = `Decisions in the last ${title}: ${totals}.`
  const axes = { label, times: stretches.map(({ startMs }) => startMs), isDays: span === '7d' }
  const lines = stretches.flatMap(({ startMs, decisions }) =>
    decisions.length === 0
      ? []
      : [
          html`<tr>
            <th scope="row">${moment(new Date(startMs).toISOString())}</th>
            ${ACTIONS.map(
              (action) =>
                html`<td class="number">
                  ${sumOf(decisions.filter((each) => each.action === action))}
                </td>`,
            )}
          </tr>`,
        ],
  )
  return panel(
    'decisions',
    html`Decisions per ${unit} ${spanLinks(span)}`,
    'wide',
    html`${html`<div class="scroll">${stackedBars(series, axes)}</div>`}
      <ul class="key">
        ${series.map(({ name, values }) => html`<li><i class="${name.toLowerCase()}"></i>${name} ${figure(sum(values))}</li>`)}
      </ul>
      ${figuresOf('decisions', table(label, ['From, UTC', ...ACTIONS], lines))}`,
  )
}

function spanLinks(here: Span): Html {
  const names: readonly Span[] = ['2h', '24h', '7d']
  return html`<span class="spans">
    ${names.map((name) =>
      name === here
        ? html`<a href="/?span=${name}" aria-current="true">${name}</a>`
        : html`<a href="/?span=${name}">${name}</a>`,
    )}
  </span>`
}

/** Decisions by rule and action. */
export function rulesPanel({ stretches, span }: SpanView): Html {
  const counts = new Map<string, Counted<RuleCount>>()
  for (const each of stretches.flatMap(({ decisions }) => decisions)) {
    const name = `${each.action} ${each.rule}`
    counts.set(name, { ...each, count: (counts.get(name)?.count ?? 0) + each.count })
  }
  const sorted = [...counts.values()].toSorted((a, b) => b.count - a.count)
  const most = sorted[0]?.count ?? 1
  const lines = sorted.map(
    ({ action, rule, count }) =>
      html`<tr>
        <th scope="row">${foreign(rule)}</th>
        <td>${actionWord(action)}</td>
        <td class="number">${figure(count)}</td>
        <td>
          ${usageBar(count / most / 1.26, `${Math.round((100 * count) / most)} % of the most frequent`)}
        </td>
      </tr>`,
  )
  return panel(
    'rules',
    'By rule',
    'narrow',
    lines.length === 0
      ? html`<p class="muted">No decision in the last ${SPANS[span].title}.</p>`
      : table('Decisions by rule and action', ['Rule', 'Action', 'Number', ''], lines),
  )
}

/** Within which time answers left. */
export function latencyPanel({ stretches, span }: SpanView): Html {
  const times = stretches.map(({ startMs }) => startMs)
  const seen = stretches.flatMap(({ p99 }) => p99 ?? [])
  const worst = seen.length === 0 ? 'no answers' : `99 % within ${ms(Math.max(...seen))} at worst`
  const label = `Time to the answer in the last ${SPANS[span].title}: ${worst}.`
  const series = [
    { name: 'p50', values: stretches.map(({ p50 }) => p50) },
    { name: 'p99', values: stretches.map(({ p99 }) => p99) },
  ]
  const lines = stretches.flatMap(({ startMs, p50, p99 }) =>
    p50 === undefined || p99 === undefined
      ? []
      : [
          html`<tr>
            <th scope="row">${moment(new Date(startMs).toISOString())}</th>
            <td class="number">${ms(p50)}</td>
            <td class="number">${ms(p99)}</td>
          </tr>`,
        ],
  )
  return panel(
    'latency',
    'Time to the answer',
    'half',
    html`<div class="scroll">${latencyLines(series, { label, times, isDays: span === '7d' })}</div>
      <ul class="key">
        <li><i class="p50"></i>half of the answers within</li>
        <li><i class="p99"></i>99 % within; the co-signer waits for 30 s</li>
      </ul>
      ${figuresOf('latency', table(label, ['From, UTC', '50 %', '99 %'], lines))}`,
  )
}

function figuresOf(id: string, content: Html): Html {
  return html`<details id="${id}-figures">
    <summary>Figures</summary>
    ${content}
  </details>`
}

function ms(value: number): string {
  return value < 1_000
    ? `${Number(value.toPrecision(2))} ms`
    : `${Number((value / 1_000).toPrecision(2))} s`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function sumOf(counts: readonly Counted<RuleCount>[]): number {
  return sum(counts.map(({ count }) => count))
}
