/** A handler with its page, and people who have enrolled at it in browsers of their own. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  freePorts,
  newHome,
  startTestHandler,
  transfer,
  type TestHandler,
} from '../fixtures/handler.ts'
import { movedClock, type MovedClock } from '../fixtures/moved-clock.ts'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { startProxy } from './proxy.ts'
import { visitor, type Visitor } from './browser.ts'

/** Somebody whom the policy names. */
export interface Person extends Visitor {
  readonly name: string
  /** What the page printed for the policy file. */
  readonly entry: string
}

export interface Desk {
  readonly handler: TestHandler
  readonly clock: MovedClock
  readonly origin: string
  /** Puts these people into the policy, and nobody else. */
  readonly admit: (...people: readonly Person[]) => Promise<void>
  /** Makes a passkey on the page. */
  readonly enrol: (name: string) => Promise<Person>
  /** Ada and Bob, admitted and signed in. */
  readonly people: () => Promise<readonly [ada: Person, bob: Person]>
  /** Sends a request that waits for two of the treasury; the path of its hold. */
  readonly held: (id: string) => Promise<string>
}

/** As long as a hold waits; shorter than a session. */
export const HOLD_MS = 600_000

const POLICY = `version: 2
default: REJECT
limits:
  daily: { window: 24h, amount: '1000', by: [asset] }
rules:
  - id: small
    when: { endpoint: tx_sign_request, operation: TRANSFER, asset: ETH_TEST, amount: { max: '1.5' } }
    then: APPROVE
    require: { limits: [daily] }
  - id: large
    when: { endpoint: tx_sign_request, operation: TRANSFER, asset: ETH_TEST }
    then: { action: RETRY, hold: { approvals: { treasury: 2 }, expires: 10m, onExpiry: REJECT } }
    require: { limits: [daily] }
`

export interface DeskOptions {
  /** A policy that is watched. */
  readonly shadow?: string
  /** Behind a proxy that terminates TLS, at a name of its own. */
  readonly tls?: true
  readonly browser?: BrowserContextOptions
}

/** Starts it; nobody is enrolled yet. */
export async function openDesk({ shadow, tls, browser }: DeskOptions = {}): Promise<Desk> {
  const [port = 0, proxyPort = 0] = await freePorts(2)
  const origin = tls ? `https://console.test:${proxyPort}` : `http://localhost:${port}`
  if (tls) await startProxy(proxyPort, port)
  const clock = movedClock()
  const directory = await newHome()
  const shadowFile = join(directory, 'shadow.yaml')
  if (shadow !== undefined) await writeFile(shadowFile, shadow)
  const handler = await startTestHandler({
    clock,
    directory,
    policy: POLICY.replace('{ treasury: 2 }', '2'),
    env: {
      HANDLER_OPS_LISTEN: `127.0.0.1:${port}`,
      HANDLER_CONSOLE_URL: origin,
      ...(shadow === undefined ? {} : { HANDLER_SHADOW_POLICY_FILE: shadowFile }),
    },
  })
  const admit: Desk['admit'] = async (...people) => {
    const names = people.map(({ name }) => name).join(', ')
    const entries = people.map(({ entry }) => entry.replace('approvers:\n', '')).join('')
    const policy = `${POLICY}approvers:\n${entries}groups: { treasury: [${names}] }\n`
    await writeFile(join(handler.home, 'policy.yaml'), policy)
    const { exitCode, err } = await handler.command('policy', 'reload')
    if (exitCode !== 0) throw new Error(err)
  }
  const enrol: Desk['enrol'] = async (name) => {
    const visit = await visitor(browser)
    const { page } = visit
    await page.goto(`${origin}/enrol`)
    await page.getByLabel('Your name').fill(name)
    await page.getByRole('button', { name: 'Make a passkey' }).click()
    await page.locator('#entry:not(:empty)').waitFor()
    return { ...visit, name, entry: (await page.locator('#entry').textContent()) ?? '' }
  }
  const people: Desk['people'] = async () => {
    const both = [await enrol('ada'), await enrol('bob')] as const
    await admit(...both)
    for (const { page } of both) await signIn(page, origin)
    return both
  }
  const held: Desk['held'] = async (id) => {
    await handler.callback(transfer(id, '500'))
    const { holds } = (await handler.admin('GET', '/v1/holds')).json as {
      holds: { id: string; summary: string }[]
    }
    const hold = holds.find(({ summary }) => summary.includes(`request ${id},`))
    if (hold === undefined) throw new Error(`no hold for ${id}`)
    return `/holds/${hold.id}`
  }
  return { handler, clock, origin, admit, enrol, people, held }
}

/** Signs in with the passkey of the browser, and waits for what it shows then. */
export async function signIn(page: Page, origin: string): Promise<void> {
  await page.goto(origin)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByRole('button', { name: 'Sign out' }).waitFor()
}
