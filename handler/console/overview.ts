/** What people see who have signed in: everything at a glance. Pure. */
import type { HoldInfo, LimitInfo } from '../../common/admin-api.ts'
import { formatDuration } from '../../common/duration.ts'
import type { ChainEnd } from '../decisions/calls.ts'
import { decisionsPanel, latencyPanel, rulesPanel, type SpanView } from './decisions-panels.ts'
import { generationsPanel, type GenerationView } from './generations-panel.ts'
import { html, type Html } from './html.ts'
import { panel, rows, table } from './layout.ts'
import { usageBar } from './plots.ts'
import { policyPanel, shadowPanel, type PolicyView, type ShadowView } from './policy-panels.ts'
import { countsPanel, headline, noticesOf, type PublicView } from './public-page.ts'
import { figure, foreign, grouped, left, moment } from './words.ts'

export interface Overview extends PublicView, SpanView {
  readonly holds: readonly HoldInfo[]
  readonly limits: readonly LimitInfo[]
  readonly generations: readonly GenerationView[]
  readonly policy: PolicyView
  /** Undefined when none is watched. */
  readonly shadow: ShadowView | undefined
  readonly chain: ChainEnd
}

/** Its body. */
export function overviewBody(view: Overview): Html {
  return html`<h1 id="headline" data-live="">${headline(view)}</h1>
    ${noticesOf(view)}
    <div class="panels">
      ${holdsPanel(view)} ${countsPanel(view)} ${decisionsPanel(view)} ${rulesPanel(view)}
      ${latencyPanel(view)} ${limitsPanel(view)} ${generationsPanel(view.generations, view.now)}
      ${chainPanel(view)} ${policyPanel(view.policy, view.shadow === undefined ? '' : 'half')}
      ${view.shadow && shadowPanel(view.shadow)}
    </div>`
}

function holdsPanel({ holds, now }: Overview): Html {
  if (holds.length === 0) {
    return panel('holds', 'Waiting for people', '', html`<p class="muted">Nothing is held.</p>`)
  }
  const isAnyFull = holds.some(({ fullLimits = [] }) => fullLimits.length > 0)
  const heads = ['Hold', 'State', 'Approved', 'Expires in', 'Asked for', 'What']
  const lines = holds.map(
    (hold) =>
      html`<tr>
        <th scope="row">
          <a href="/holds/${hold.id}" id="hold-${hold.id}"><code>${hold.id}</code></a>
        </th>
        <td>${statePill(hold.state)}</td>
        <td class="short">${approvedBy(hold)}</td>
        <td class="short">${left(hold.expiresAt, now.getTime())}</td>
        <td class="short">${left(hold.retryUntil, now.getTime())}</td>
        <td>
          ${foreign(hold.summary)}
          ${(hold.fullLimits ?? []).map((name) => html` <span class="pill warn">limit ${foreign(name)} is full</span>`)}
        </td>
      </tr>`,
  )
  return panel(
    'holds',
    'Waiting for people',
    '',
    html`${table('Requests that wait for people', heads, lines)}
    ${isAnyFull && html`<p class="hint">A release has no effect while one of its limits is full.</p>`}`,
  )
}

/** State of a hold. */
export function statePill(state: HoldInfo['state']): Html {
  const kind = { waiting: 'warn', released: 'good', used: 'good', rejected: 'bad', expired: 'bad' }
  return html`<span class="pill ${kind[state]}">${state}</span>`
}

/** How many of how many, and who. */
export function approvedBy({
  approvals,
  approvalsWanted,
  approved = approvals.length,
}: HoldInfo): Html {
  const names = approvals.map((name, at) => html`${at > 0 && ', '}${foreign(name)}`)
  return html`${approved} of ${approvalsWanted}${names.length > 0 && html` (${names})`}`
}

function limitsPanel({ limits }: Overview): Html {
  const bars = limits.slice(0, 40).map((limit) => {
    const { limit: name, key, windowMs, count, amount, maxCount, maxAmount } = limit
    const parts = [
      ...(maxAmount === null
        ? []
        : [{ used: Number(amount), most: Number(maxAmount), text: `${amount} of ${maxAmount}` }]),
      ...(maxCount === null
        ? []
        : [{ used: count, most: maxCount, text: `${count} of ${maxCount} transactions` }]),
    ]
    return html`<div class="limit">
      <p>
        <span><b>${foreign(name)}</b> ${key !== '' && foreign(key)}</span>
        <span class="muted"
          >${parts.map(({ text }) => text).join('; ')} in ${formatDuration(windowMs)}</span
        >
      </p>
      ${parts.map(({ used, most, text }) => usageBar(most === 0 ? 1 : used / most, text))}
    </div>`
  })
  return panel(
    'limits',
    'Limits',
    'half',
    bars.length === 0
      ? html`<p class="muted">Nothing counts against a limit now.</p>`
      : html`${bars}
        ${limits.length > bars.length && html`<p class="hint">${limits.length - bars.length} more: <code>limits list</code></p>`}`,
  )
}

function chainPanel({ chain: { head, checkpoint } }: Overview): Html {
  const signed =
    checkpoint === undefined
      ? html`none among the last records`
      : html`up to record ${figure(checkpoint.signs)}, at ${moment(checkpoint.at)} UTC`
  const unsigned =
    checkpoint === undefined ? head.seq : Math.max(0, head.seq - 1 - checkpoint.signs)
  return panel(
    'chain',
    'Audit chain',
    'narrow',
    rows([
      ['Records', figure(head.seq)],
      ['Last record', html`${moment(new Date(head.timeMs).toISOString())} UTC`],
      ['Head', html`<code class="digest">${grouped(head.hash)}</code>`],
      ['Last checkpoint', signed],
      ['Not signed yet', figure(unsigned)],
    ]),
  )
}
