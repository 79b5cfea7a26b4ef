/** Generations on a line of time: which keys served when, and what a rotation did. Pure. */
import type { GenerationInfo } from '../../common/admin-api.ts'
import { formatDuration } from '../../common/duration.ts'
import { html, type Html } from './html.ts'
import { panel, table } from './layout.ts'
import { timeLine, type Period } from './plots.ts'
import { figure, foreign, left, moment } from './words.ts'

export interface GenerationView extends GenerationInfo {
  /** ISO 8601; undefined while it is served. */
  readonly retiredAt: string | undefined
}

const KINDS = ['staged', 'live', 'draining', 'retired'] as const

/** Newest generation first; those that retired long ago are left out. */
export function generationsPanel(all: readonly GenerationView[], now: Date): Html {
  const shown = all.toSorted((a, b) => b.generation - a.generation).slice(0, 8)
  const nowMs = now.getTime()
  const label = `Generations: ${shown.map(({ generation, state }) => `${generation} is ${state}`).join(', ')}.`
  const lines = shown.map((each) => {
    const { generation, state, slot, algorithm, signer, createdAt, notAfter, hits, drain } = each
    return html`<tr>
      <th scope="row">g${generation}</th>
      <td>${state}${drain !== undefined && ` until quiet for ${formatDuration(drain.quietMs)}`}</td>
      <td>${slot}</td>
      <td>${algorithm}, ${foreign(signer)}</td>
      <td>${moment(createdAt)}</td>
      <td>${moment(notAfter)} (${left(notAfter, nowMs)})</td>
      <td class="number">${figure(hits.total)}</td>
    </tr>`
  })
  const heads = ['', 'State', 'Slot', 'Key', 'Made, UTC', 'Certificate ends', 'Requests']
  return panel(
    'generations',
    'Generations and rotation',
    'wide',
    html`<div class="scroll">
        ${timeLine(
          shown.map((each) => periodOf(each, nowMs)),
          nowMs,
          label,
        )}
      </div>
      <ul class="key">
        ${KINDS.map((kind) => html`<li><i class="${kind}"></i>${kind}</li>`)}
        <li>| last request</li>
      </ul>
      ${table('Generations', heads, lines)}`,
  )
}

function periodOf(
  { generation, state, createdAt, retiredAt, drain, hits }: GenerationView,
  nowMs: number,
): Period {
  return {
    name: `g${generation}`,
    kind: state === 'draining' ? 'live' : state,
    fromMs: Date.parse(createdAt),
    toMs: retiredAt === undefined ? nowMs : Date.parse(retiredAt),
    fadesMs: drain && Date.parse(drain.since),
    marks: hits.lastAt === null ? [] : [Date.parse(hits.lastAt)],
  }
}
