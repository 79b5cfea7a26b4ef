/** The frame of every page, and its parts. Pure. */
import { html, type Html, type Part } from './html.ts'
import { foreign, moment } from './words.ts'

/** Who is signed in. */
export interface Viewer {
  readonly name: string
  /** When the session ends, ISO 8601. */
  readonly untilAt: string
}

export interface Page {
  readonly title: string
  /** Path of the entry of the navigation that this page is. */
  readonly here?: '/' | '/enrol' | undefined
  readonly viewer: Viewer | undefined
  /** Undefined where it was not looked up. */
  readonly ready: boolean | undefined
  /** What has changed is read out when this text is another than before. */
  readonly spoken: string
  readonly body: Html
}

/** A whole document. */
export function documentOf({ title, here, viewer, ready, spoken, body }: Page): Html {
  const entry = (path: string, name: string) =>
    path === here
      ? html`<a href="/${path.slice(1)}" aria-current="page">${name}</a>`
      : html`<a href="/${path.slice(1)}">${name}</a>`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Countersign</title>
        <link rel="stylesheet" href="/console.css" />
        <link rel="icon" href="/console.svg" type="image/svg+xml" />
        <script src="/console.js" defer></script>
      </head>
      <body data-viewer="${viewer?.name}" data-refresh="${ready === undefined ? 'no' : 'yes'}">
        <a class="skip" href="#main">To the content</a>
        <header>
          <div>
            <a class="name" href="/">Countersign</a>
            <span id="ready" data-live=""> ${readyPill(ready)} </span>
            <nav aria-label="Pages">
              ${entry('/', 'Overview')} ${entry('/enrol', 'Enrol a passkey')}
            </nav>
            ${
              viewer === undefined
                ? html`<span class="who"></span>`
                : html`<form method="post" action="/sign-out">
                    <span>${foreign(viewer.name)}, until ${moment(viewer.untilAt)} UTC</span>
                    <button class="plain">Sign out</button>
                  </form>`
            }
          </div>
        </header>
        <main id="main" tabindex="-1">
          <p class="unseen" role="status" id="spoken" data-spoken="${spoken}"></p>
          <p class="note bad" id="failure" role="alert" hidden></p>
          <p class="note" id="stale" hidden>
            The handler does not answer: what is shown may be old.
          </p>
          ${body}
        </main>
      </body>
    </html> `
}

function readyPill(ready: boolean | undefined): Html | undefined {
  if (ready === undefined) return undefined
  return ready
    ? html`<span class="pill good">Ready</span>`
    : html`<span class="pill bad">Not ready</span>`
}

/** A titled part of a page that is brought up to date by itself. */
export function panel(id: string, title: Part, width: string, content: Part): Html {
  return html`<section class="panel ${width}" id="${id}" data-live="" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section>`
}

/** Names and values below each other. */
export function rows(pairs: readonly (readonly [name: Part, value: Part])[]): Html {
  return html`<dl class="rows">
    ${pairs.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`
}

/** A table that scrolls by itself where it is too wide. */
export function table(caption: string, heads: readonly Part[], lines: readonly Html[]): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}">
    <table>
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${lines}
      </tbody>
    </table>
  </div>`
}

/** What a decision says, in its colour. */
export function actionWord(action: string): Html {
  return html`<span class="action ${action.toLowerCase()}">${action}</span>`
}
