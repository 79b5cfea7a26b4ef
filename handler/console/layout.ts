/** The frame of every page, and its parts. Pure. */
import { html, type Html, type Part } from './html.ts'

export interface Page {
  readonly title: string
  /** Undefined where it was not looked up. */
  readonly ready: boolean | undefined
  /** What has changed is read out when this text is another than before. */
  readonly spoken: string
  readonly body: Html
}

/** A whole document. */
export function documentOf({ title, ready, spoken, body }: Page): Html {
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
      <body data-refresh="${ready === undefined ? 'no' : 'yes'}">
        <a class="skip" href="#main">To the content</a>
        <header>
          <div>
            <a class="name" href="/">Countersign</a>
            <span id="ready" data-live=""> ${readyPill(ready)} </span>
          </div>
        </header>
        <main id="main" tabindex="-1">
          <p class="unseen" role="status" id="spoken" data-spoken="${spoken}"></p>
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

/** What a decision says, in its colour. */
export function actionWord(action: string): Html {
  return html`<span class="action ${action.toLowerCase()}">${action}</span>`
}
