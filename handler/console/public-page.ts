/** What everybody sees who can reach the listener: readiness, notices and counts, as on `/readyz` and `/metrics`. Pure. */
import type { Action } from '../protocol/endpoints.ts'
import { html, type Html } from './html.ts'
import { actionWord, panel } from './layout.ts'
import { figure, foreign, moment } from './words.ts'

export interface PublicView {
  readonly now: Date
  readonly problems: readonly string[]
  readonly notices: readonly string[]
  /** The handler started then. */
  readonly sinceMs: number
  readonly decided: ReadonlyMap<Action, number>
  readonly refused: number
  readonly alarms: ReadonlyMap<string, number>
  /** Requests that wait for people; undefined when the store does not say. */
  readonly waiting: number | undefined
}

/** Its body without sign-in. */
export function publicBody(view: PublicView, canSignIn: boolean): Html {
  return html`<h1>${headline(view)}</h1>
    ${noticesOf(view)}
    <div class="panels">
      ${countsPanel(view)}
      <section class="panel" aria-labelledby="sign-in-title">
        <h2 id="sign-in-title">Sign in</h2>
        ${
          canSignIn
            ? html`<p>
                  With a passkey that the policy names, you see what waits, and may approve or
                  refuse it.
                </p>
                <form class="acts" id="sign-in">
                  <button>Sign in with a passkey</button>
                </form>`
            : html`<p class="muted">
                The policy names nobody with a passkey of this page, so nobody can sign in.
              </p>`
        }
      </section>
    </div>`
}

/** One sentence about the whole. */
export function headline({ problems, waiting }: PublicView): string {
  const ready =
    problems.length === 0 ? 'Callbacks are answered' : 'Callbacks should not be sent here'
  if (waiting === undefined) return ready
  if (waiting === 0) return `${ready}; nothing waits for people`
  return `${ready}; ${waiting} ${waiting === 1 ? 'request waits' : 'requests wait'} for people`
}

/** Problems first. */
export function noticesOf({ problems, notices }: PublicView): Html {
  return html`<div id="notices" data-live="">
    ${problems.map((problem) => html`<p class="note bad">${foreign(problem)}</p>`)}
    ${notices.map((notice) => html`<p class="note">${foreign(notice)}</p>`)}
  </div>`
}

/** What was counted since the start. */
export function countsPanel({ sinceMs, decided, refused, alarms, waiting }: PublicView): Html {
  const actions: readonly Action[] = ['APPROVE', 'REJECT', 'RETRY', 'IGNORE']
  const alarmed = [...alarms.values()].reduce((sum, each) => sum + each, 0)
  return panel(
    'counts',
    html`Since the start, ${moment(new Date(sinceMs).toISOString())} UTC`,
    '',
    html`<dl class="counts">
        ${count('Waiting for people', waiting === undefined ? 'not known' : figure(waiting))}
        ${actions.map((action) => count(actionWord(action), figure(decided.get(action) ?? 0)))}
        ${count('Refused unread', figure(refused))} ${count('Alarms', figure(alarmed))}
      </dl>
      ${
        alarmed > 0 &&
        html`<p class="hint">
          Alarms: ${Array.from(alarms, ([kind, number]) => `${kind} ${number}`).join(', ')}
        </p>`
      }`,
  )
}

function count(name: string | Html, value: string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`
}
