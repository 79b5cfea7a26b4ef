/** The page: which requests there are, who may make them, and what answers them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ConsoleUrl } from '../config/config-values.ts'
import { Refused, sendAsset, sendPage, type Asset } from './answers.ts'
import { html } from './html.ts'
import { ICON } from './icon.ts'
import { documentOf } from './layout.ts'
import { headline, publicBody } from './public-page.ts'
import { SCRIPT } from './script.ts'
import { STYLE } from './style.ts'
import { publicView, type ViewDeps } from './views.ts'

export interface ConsoleDeps extends ViewDeps {
  readonly url: ConsoleUrl
  /** Something failed that should not. */
  readonly failed: (error: unknown) => void
}

/** Answers a request, or says that it is none of its own. */
export type Console = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

type Route = (asked: Asked, deps: ConsoleDeps) => Promise<void>

/** A request from our own page, or for it. */
interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

const ASSETS: Readonly<Record<string, Asset>> = {
  '/console.css': { type: 'text/css', text: STYLE },
  '/console.js': { type: 'text/javascript', text: SCRIPT },
  '/console.svg': { type: 'image/svg+xml', text: ICON },
}

const ROUTES: Readonly<Record<string, Route>> = {
  'GET /': async ({ response }, deps) => {
    const view = await publicView(deps)
    sendPage(
      response,
      200,
      documentOf({
        title: 'Overview',
        ready: view.problems.length === 0,
        spoken: headline(view),
        body: publicBody(view),
      }),
    )
  },
  ...Object.fromEntries(
    Object.entries(ASSETS).map(([path, asset]) => [
      `GET ${path}`,
      async ({ response }: Asked) => sendAsset(response, asset),
    ]),
  ),
}

/** The page of a handler. */
export function createConsole(deps: ConsoleDeps): Console {
  return async (request, response) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const path = request.url?.replace(/\?.*$/, '')
    const route = ROUTES[`${method} ${path}`]
    if (route === undefined) return false
    try {
      assertOurName(request, deps.url)
      await route({ request, response }, deps)
    } catch (error) {
      const known = error instanceof Refused
      if (!known) deps.failed(error)
      const text = known ? error.message : 'The handler failed, see its log.'
      sendPage(response, known ? error.status : 500, refusalPage(text))
    }
    return true
  }
}

/** A page under another name is another site, which somebody else may have named so (DNS rebinding). */
function assertOurName({ headers }: IncomingMessage, { host, origin }: ConsoleUrl): void {
  if (headers.host?.toLowerCase() === host) return
  throw new Refused(421, `This page is opened as ${origin} and as nothing else.`)
}

function refusalPage(text: string) {
  return documentOf({
    title: 'Refused',
    ready: undefined,
    spoken: text,
    body: html`<h1>${text}</h1>
      <p><a href="/">Overview</a></p>`,
  })
}
