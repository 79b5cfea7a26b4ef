/** A hold with everything that would be signed, and the two things that a person can say to it. Pure. */
import type { HoldDetails, ViewSection } from '../../common/admin-api.ts'
import { html, type Html } from './html.ts'
import { panel, rows } from './layout.ts'
import { approvedBy, statePill } from './overview.ts'
import { foreign, left, moment } from './words.ts'

/** Its body. */
export function holdBody({ hold, digest, sections }: HoldDetails, now: Date): Html {
  const { id, state, summary, groups, expiresAt, retryUntil, fullLimits = [] } = hold
  const nowMs = now.getTime()
  const stands = html`<p>
      ${statePill(state)} ${approvedBy(hold)} · expires in ${left(expiresAt, nowMs)}
      (${moment(expiresAt)} UTC) · the co-signer asks for ${left(retryUntil, nowMs)} more
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
        ${
          groups === undefined
            ? html`<p class="muted">
                Its rule names no approvers: <code>hold approve</code> on the handler's host.
              </p>`
            : state === 'waiting' || state === 'released'
              ? html`<form id="decide" data-hold="${id}" data-digest="${digest}">
                  <label for="note">Note for the record (may be empty)</label>
                  <input id="note" maxlength="500" autocomplete="off" />
                  <p class="acts">
                    ${state === 'waiting' && html`<button class="approve" value="approve">Approve with my passkey</button>`}
                    <button class="reject" value="reject">Refuse with my passkey</button>
                  </p>
                </form>`
              : html`<p class="muted">This hold is over.</p>`
        }
      </section>
    </div>`
}

function sectionPanel({ title, rows: shown }: ViewSection, place: number): Html {
  return panel(
    `section-${place}`,
    title,
    'half',
    rows(shown.map(({ name, text }) => [foreign(name), foreign(text)])),
  )
}
