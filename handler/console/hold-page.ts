/** A hold with everything that would be signed, and the two things that a person can say to it. Pure. */
import type { HoldDetails, HoldInfo, ViewSection } from '../../common/admin-api.ts'
import { html, type Html } from './html.ts'
import { panel, rows } from './layout.ts'
import { approvedBy, statePill } from './overview.ts'
import { foreign, left, moment } from './words.ts'

/** Its body. */
export function holdBody({ hold, digest, sections }: HoldDetails, now: Date, viewer: string): Html {
  const { id, state, summary, expiresAt, retryUntil, fullLimits = [] } = hold
  const nowMs = now.getTime()
  const [rest, retry] = [left(expiresAt, nowMs), left(retryUntil, nowMs)]
  const ends = rest === 'over' ? 'expired' : `expires in ${rest}`
  const asks =
    retry === 'over'
      ? 'the co-signer has probably stopped asking'
      : `the co-signer asks for ${retry} more`
  const stands = html`<p>
      ${statePill(state)} ${approvedBy(hold)} · ${ends} (${moment(expiresAt)} UTC) · ${asks}
    </p>
    ${fullLimits.map(
      (name) =>
        html`<p class="note">
          Limit ${foreign(name)} is full: a release has no effect until there is room.
        </p>`,
    )}`
  return html`<h1>${foreign(summary)}</h1>
    <div class="panels">
      ${panel('hold-state', html`Hold <code>${id}</code>`, '', stands)}
      ${sections.map(sectionPanel)}
      <section class="panel" aria-labelledby="decide-title">
        <h2 id="decide-title">Decide</h2>
        <p>
          Two people who see the same request see the same digest. Read it to each other, or compare
          it with
          <code>hold show ${id}</code> at another machine:
        </p>
        <p class="compare" id="digest">${digest}</p>
        ${decidePart(hold, digest, viewer)}
      </section>
    </div>`
}

/** What this person can still say. */
function decidePart(
  { id, state, groups, approvals }: HoldInfo,
  digest: string,
  viewer: string,
): Html {
  if (state !== 'waiting' && state !== 'released') {
    return html`<p class="muted">This hold is over.</p>`
  }
  if (groups === undefined) {
    return html`<p class="muted">
      Its rule names no approvers: <code>hold approve</code> on the handler's host.
    </p>`
  }
  const hasApproved = approvals.includes(viewer)
  return html`${hasApproved && html`<p>You have approved it.</p>`}
    <form id="decide" data-hold="${id}" data-digest="${digest}">
      <label for="note">Note for the record (may be empty; it is not signed)</label>
      <input id="note" maxlength="500" autocomplete="off" />
      <p class="acts">
        ${
          state === 'waiting' &&
          !hasApproved &&
          html`<button class="approve" value="approve">Approve with my passkey</button>`
        }
        <button class="reject" value="reject">Refuse with my passkey</button>
      </p>
    </form>`
}

function sectionPanel({ title, rows: shown }: ViewSection, place: number): Html {
  return panel(
    `section-${place}`,
    title,
    'half',
    rows(shown.map(({ name, text }) => [foreign(name), foreign(text)])),
  )
}
