/** The policy in force, the shadow policy, and where they differ. Pure. */
import type { Action } from '../protocol/endpoints.ts'
import type { Counted, ShadowCount } from '../telemetry/history.ts'
import { html, type Html } from './html.ts'
import { actionWord, panel, rows, table } from './layout.ts'
import { figure, foreign, grouped, moment } from './words.ts'

/** What is shown of a policy. */
export interface PolicyView {
  readonly digest: string
  readonly at: Date
  readonly defaultAction: Action
  readonly rules: readonly {
    readonly id: string
    readonly action: Action
    /** How many people must release what it holds. */
    readonly people: number | undefined
  }[]
}

/** What is shown of a policy that is only watched. */
export interface ShadowView {
  /** Undefined while the file cannot be used. */
  readonly policy: PolicyView | undefined
  readonly agreed: number
  readonly differed: readonly Counted<ShadowCount>[]
}

/** The policy in force; it is wide where it stands alone. */
export function policyPanel(policy: PolicyView, width: string): Html {
  return panel('policy', 'Policy in force', width, policyRows(policy, 'policy'))
}

/** The shadow policy, and what it would have said. */
export function shadowPanel({ policy, agreed, differed }: ShadowView): Html {
  const lines = differed
    .toSorted((a, b) => b.count - a.count)
    .map(
      (each) =>
        html`<tr>
          <td>${foreign(each.live)}</td>
          <td>${foreign(each.shadow)}</td>
          <td class="number">${figure(each.count)}</td>
        </tr>`,
    )
  const others = differed.reduce((total, { count }) => total + count, 0)
  return panel(
    'shadow',
    'Shadow policy',
    'half',
    html`${
        policy === undefined
          ? html`<p class="note">Its file cannot be used; nothing is compared.</p>`
          : policyRows(policy, 'shadow')
      }
      <p class="hint">
        Since the start it said the same ${figure(agreed)} times, and something else
        ${figure(others)} times.
      </p>
      ${lines.length > 0 && table('Where the shadow policy differs', ['Live', 'Shadow', 'Number'], lines)}`,
  )
}

/** Rules that are shown of a policy. */
const MAX_RULES = 200

function policyRows({ digest, at, defaultAction, rules }: PolicyView, id: string): Html {
  const shown = rules.slice(0, MAX_RULES).map(
    (rule, place) =>
      html`<tr>
        <td class="number">${place + 1}</td>
        <th scope="row">${foreign(rule.id)}</th>
        <td>${actionWord(rule.action)}</td>
        <td>${rule.people !== undefined && `held, ${rule.people} to release`}</td>
      </tr>`,
  )
  return html`${rows([
      ['Digest', html`<code class="digest">${grouped(digest)}</code>`],
      ['Taken over', html`${moment(at.toISOString())} UTC`],
      ['When no rule matches', actionWord(defaultAction)],
    ])}
    <details id="${id}-rules">
      <summary>Rules: ${figure(rules.length)}, the first that matches decides</summary>
      ${table('Rules in their order', ['', 'Rule', 'Action', 'People'], shown)}
      ${rules.length > MAX_RULES && html`<p class="hint">${rules.length - MAX_RULES} more</p>`}
    </details>`
}
