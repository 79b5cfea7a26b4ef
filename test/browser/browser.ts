/** Debian's Chromium with one person's passkeys: a virtual authenticator over the DevTools protocol. */
import { afterAll } from '@jest/globals'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, CDPSession, Page } from 'playwright-core'
import { proxyPin } from './proxy.ts'

/** A person at a browser of their own. */
export interface Visitor {
  readonly page: Page
  readonly devtools: CDPSession
  readonly authenticatorId: string
}

let running: Promise<Browser> | undefined

afterAll(async () => {
  await (await running)?.close()
})

/** The browser, started when it is first used. */
function browser(): Promise<Browser> {
  running ??= launch()
  return running
}

async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      // Chromium refuses its own sandbox to root; what it loads here comes from this machine.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      // Names under `.test` are this machine.
      '--host-resolver-rules=MAP *.test 127.0.0.1',
      `--ignore-certificate-errors-spki-list=${await proxyPin()}`,
    ],
  })
}

/** Somebody with an authenticator that knows them and no passkey yet. */
export async function visitor(options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await (await browser()).newContext(options)
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { page, devtools, authenticatorId }
}
