/** The page: which requests there are, who may make them, and what answers them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AdminError } from '../../common/admin-error.ts'
import { ADMIN_ERRORS } from '../../common/refusal-codes.ts'
import type { ConsoleUrl } from '../config/config-values.ts'
import { OPERATOR_ACTIONS, refusalOf } from '../control/operator.ts'
import type { Approver } from '../policy/approvals/people.ts'
import { SPANS, type Span } from '../telemetry/history.ts'
import { Refused, sendAsset, sendJson, sendPage, sendTo, type Asset } from './answers.ts'
import { createChallenges, type Challenges } from './challenges.ts'
import { askFor, decide } from './decide.ts'
import { enrolBody } from './enrol-page.ts'
import { creationOptions, entryOf, madePasskey } from './enrolment.ts'
import { holdBody } from './hold-page.ts'
import { html, type Html } from './html.ts'
import { ICON } from './icon.ts'
import { documentOf } from './layout.ts'
import { overviewBody } from './overview.ts'
import { createPeople, type People } from './people.ts'
import { headline, publicBody, type PublicView } from './public-page.ts'
import { assertOurName, assertOurPage, readJson } from './requests.ts'
import { SCRIPT } from './script.ts'
import { createSessions, type Session, type Sessions } from './sessions.ts'
import { requestOptions, whoSignsIn } from './sign-in.ts'
import { STYLE } from './style.ts'
import { overview, publicViews, type ViewDeps } from './views.ts'

export interface ConsoleDeps extends ViewDeps {
  readonly url: ConsoleUrl
  /** Those whom the policy in force names. */
  readonly approvers: () => readonly Approver[]
  /** Something failed that should not. */
  readonly failed: (error: unknown) => void
}

/** Answers a request, or says that it is none of its own. */
export type Console = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

/** One request, and what this process keeps about people. */
interface Asked extends ConsoleDeps {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  /** The variable part of the path. */
  readonly id: string
  readonly session: Session | undefined
  readonly publicView: () => Promise<PublicView>
  readonly people: People
  readonly sessions: Sessions
  readonly challenges: Challenges
}

const ASSETS: Readonly<Record<string, Asset>> = {
  '/console.css': { type: 'text/css', text: STYLE },
  '/console.js': { type: 'text/javascript', text: SCRIPT },
  '/console.svg': { type: 'image/svg+xml', text: ICON },
}

/** Method and path; `:id` stands for the id of a hold. */
const ROUTES: Readonly<Record<string, (asked: Asked) => Promise<void>>> = {
  'GET /': async (asked) => {
    if (asked.session === undefined) return showPublic(asked, '/')
    const view = await overview(asked, spanOf(asked.query.get('span')))
    const body = overviewBody(view)
    show(asked, { title: 'Overview', here: '/', view, body })
  },
  'GET /holds/:id': async (asked) => {
    const { session, id: holdId, operator, clock } = asked
    if (session === undefined) return showPublic(asked, undefined)
    const details = await OPERATOR_ACTIONS.showHold({ holdId }, undefined, { operator })
    const view = await asked.publicView()
    show(asked, {
      title: `Hold ${holdId}`,
      view,
      body: holdBody(details, clock.now(), session.name),
    })
  },
  'POST /holds/:id/challenge': async (asked) => {
    const { request, response, id } = asked
    const session = signedIn(asked)
    sendJson(response, 200, await askFor(id, await readJson(request), session, asked))
  },
  'POST /holds/:id/decision': async (asked) => {
    const { request, response, id } = asked
    const session = signedIn(asked)
    sendJson(response, 200, await decide(id, await readJson(request), session, asked))
  },
  'GET /enrol': async (asked) => {
    const view = await asked.publicView()
    show(asked, { title: 'Enrol', here: '/enrol', view, body: enrolBody(asked.url.hostname) })
  },
  'POST /enrol/options': async ({ request, response, url }) =>
    sendJson(response, 200, { options: creationOptions(await readJson(request), url) }),
  'POST /enrol': async ({ request, response, url }) => {
    sendJson(response, 200, entryOf(madePasskey(await readJson(request), url), url))
  },
  'POST /sign-in/challenge': async ({ response, url, challenges }) =>
    sendJson(response, 200, { options: requestOptions(url, challenges.make()) }),
  'POST /sign-in': async ({ request, response, sessions, challenges, people, operator }) => {
    const person = whoSignsIn(await readJson(request), challenges, people)
    operator.told('signed in', { by: person.name, key: person.key })
    response.setHeader('Set-Cookie', sessions.begin(person))
    sendJson(response, 200, {})
  },
  'POST /sign-out': async ({ request, response, sessions }) => {
    response.setHeader('Set-Cookie', sessions.end(request.headers.cookie))
    sendTo(response, '/')
  },
}

/** The page of a handler. */
export function createConsole(deps: ConsoleDeps): Console {
  const { clock, url } = deps
  const people = createPeople(deps.approvers, clock, url)
  const sessions = createSessions(clock, url, (person) => people.passkeyOf(person) !== undefined)
  const challenges = createChallenges(clock)
  const publicView = publicViews(deps)
  return async (request, response) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const [path = '', query = ''] = request.url?.split('?', 2) ?? []
    const asset = method === 'GET' ? ASSETS[path] : undefined
    const [, id = ''] = /^\/holds\/([0-9a-f]{16})(?:\/|$)/.exec(path) ?? []
    const route = ROUTES[`${method} ${id === '' ? path : path.replace(id, ':id')}`]
    if (asset === undefined && route === undefined) return false
    try {
      assertOurName(request, url)
      if (method === 'POST') assertOurPage(request, url)
      if (asset !== undefined) sendAsset(response, asset)
      await route?.({
        ...deps,
        request,
        response,
        query: new URLSearchParams(query),
        id,
        session: sessions.of(request.headers.cookie),
        publicView,
        people,
        sessions,
        challenges,
      })
    } catch (error) {
      const { status, message } = refusedBy(error, deps.failed)
      if (method === 'POST') sendJson(response, status, { error: message })
      else sendPage(response, status, refusalPage(message))
    }
    return true
  }
}

function refusedBy(thrown: unknown, failed: (error: unknown) => void): Refused {
  const error = refusalOf(thrown)
  if (error instanceof Refused) return error
  if (error instanceof AdminError)
    return new Refused(ADMIN_ERRORS[error.code].status, error.message)
  failed(error)
  return new Refused(500, 'The handler failed, see its log.')
}

/** @throws Refused */
function signedIn({ session }: Asked): Session {
  if (session !== undefined) return session
  throw new Refused(401, 'The session is over: sign in again.')
}

async function showPublic(asked: Asked, here: '/' | undefined): Promise<void> {
  const view = await asked.publicView()
  const body = publicBody(view, asked.people.anyPasskey())
  show(asked, { title: 'Overview', here, view, body })
}

function show(
  { response, session }: Asked,
  {
    title,
    here,
    view,
    body,
  }: {
    readonly title: string
    readonly here?: '/' | '/enrol' | undefined
    readonly view: PublicView
    readonly body: Html
  },
): void {
  const ready = view.problems.length === 0
  const page = { title, here, viewer: session, ready, spoken: headline(view), body }
  sendPage(response, 200, documentOf(page))
}

function refusalPage(text: string): Html {
  const body = html`<h1>${text}</h1>
    <p><a href="/">Overview</a></p>`
  return documentOf({ title: 'Refused', viewer: undefined, ready: undefined, spoken: text, body })
}

function spanOf(name: string | null): Span {
  return name !== null && isSpan(name) ? name : '2h'
}

function isSpan(name: string): name is Span {
  return Object.hasOwn(SPANS, name)
}
