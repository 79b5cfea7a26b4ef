/** The page in a browser, with passkeys: enrolment, approvals by two people, and all that must come to nothing. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { SESSION_MS } from '../../handler/console/sessions.ts'
import { claimsOf, transfer } from '../fixtures/handler.ts'
import { visitor } from './browser.ts'
import { HOLD_MS, openDesk, signIn, type Desk } from './desk.ts'
import { checkApprovals } from './second-opinion.ts'

const approveButton = (page: Page) => page.getByRole('button', { name: 'Approve with my passkey' })
const refuseButton = (page: Page) => page.getByRole('button', { name: 'Refuse with my passkey' })

/** What the hold says of itself, once the page is there again. */
async function stateOn(page: Page, text: string): Promise<void> {
  await page.locator('#hold-state', { hasText: text }).waitFor()
}

/** What the page says went wrong. */
async function failureOn(page: Page): Promise<string> {
  await page.locator('#failure:not([hidden])').waitFor()
  return (await page.locator('#failure').textContent()) ?? ''
}

async function answerTo(desk: Desk, id: string): Promise<unknown> {
  return claimsOf((await desk.handler.callback(transfer(id, '500'))).body)['action']
}

async function approvalsOf(desk: Desk, path: string): Promise<unknown> {
  const { json } = await desk.handler.admin('GET', `/v1${path}`)
  return (json as { hold: { approvals: unknown } }).hold.approvals
}

describe('two people with passkeys', () => {
  it('enrol, are admitted by the policy alone, and release a hold that waits for both', async () => {
    const desk = await openDesk()
    const { origin } = desk
    const ada = await desk.enrol('ada')
    await ada.page.goto(origin)
    expect(await ada.page.getByRole('button', { name: 'Sign in' }).count()).toBe(0)
    const bob = await desk.enrol('bob')
    await desk.admit(ada, bob)
    for (const { page } of [ada, bob]) await signIn(page, origin)
    const path = await desk.held('both')
    await ada.page.goto(origin + path)
    await bob.page.goto(origin + path)
    const digest = await ada.page.locator('#digest').textContent()
    expect(await bob.page.locator('#digest').textContent()).toBe(digest)
    expect((await desk.handler.command('hold', 'show', path.slice(7))).out).toContain(
      `Digest ${digest}`,
    )
    await approveButton(ada.page).click()
    await stateOn(ada.page, '1 of 2 (ada)')
    expect(await answerTo(desk, 'both')).toBe('RETRY')
    await approveButton(bob.page).click()
    await stateOn(bob.page, '2 of 2 (ada, bob)')
    expect(await answerTo(desk, 'both')).toBe('APPROVE')
    // Whoever has the export and the policy needs nothing of ours.
    const { out } = await desk.handler.command('audit', 'export', '--with-evidence')
    expect(checkApprovals(out, origin)).toEqual(['ada approve', 'bob approve'])
    expect(() => checkApprovals(out, 'https://evil.test')).toThrow('origin is')
    const turned = out.replaceAll('hold-approve', 'hold-reject')
    expect(() => checkApprovals(turned, origin)).toThrow('challenge is')
    const { out: verdict } = await desk.handler.command('audit', 'verify')
    expect(verdict).toContain('the audit chain is consistent')
  })

  it('do so behind a proxy that terminates TLS, with a cookie that no other name and no plain HTTP gets', async () => {
    const desk = await openDesk({ tls: true })
    const [ada, bob] = await desk.people()
    const path = await desk.held('proxied')
    for (const [{ page }, state] of [
      [ada, '1 of 2 (ada)'],
      [bob, '2 of 2 (ada, bob)'],
    ] as const) {
      await page.goto(desk.origin + path)
      await approveButton(page).click()
      await stateOn(page, state)
    }
    expect(await answerTo(desk, 'proxied')).toBe('APPROVE')
    expect(await ada.page.context().cookies()).toMatchObject([
      { name: '__Host-countersign', secure: true, httpOnly: true, sameSite: 'Strict' },
    ])
  })

  it('refuse for good, one of them is enough', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const path = await desk.held('no')
    await ada.page.goto(desk.origin + path)
    await refuseButton(ada.page).click()
    await stateOn(ada.page, 'rejected')
    expect(await answerTo(desk, 'no')).toBe('REJECT')
  })

  it('are two: one person approves once', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const path = await desk.held('twice')
    await ada.page.goto(desk.origin + path)
    await approveButton(ada.page).click()
    await stateOn(ada.page, '1 of 2 (ada)')
    expect(await approveButton(ada.page).count()).toBe(0)
    const digest = await ada.page.locator('#digest').textContent()
    const ask = { verdict: 'approve', digest }
    const { body } = await postFrom(ada.page, `${path}/challenge`, ask)
    const again = { ...ask, note: '', assertion: await assertOn(ada.page, body) }
    expect(await postFrom(ada.page, `${path}/decision`, again)).toMatchObject({
      status: 409,
      body: { error: expect.stringMatching(/ada.*already/) },
    })
    expect(await approvalsOf(desk, path)).toEqual(['ada'])
  })
})

describe('what comes to nothing', () => {
  it('an assertion that another origin has asked for', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const path = await desk.held('elsewhere')
    // Passkeys of localhost know no ports: any program on the person's machine may ask for them.
    const phishing = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>x</title>')
    })
    await new Promise<void>((resolve) => {
      phishing.listen(0, '127.0.0.1', resolve)
    })
    const { port } = phishing.address() as AddressInfo
    try {
      for (const [ask, answer] of [
        ['/sign-in/challenge', '/sign-in'],
        [`${path}/challenge`, `${path}/decision`],
      ] as const) {
        await ada.page.goto(desk.origin + path)
        const digest = await ada.page.locator('#digest').textContent()
        const asked = await postFrom(ada.page, ask, { verdict: 'approve', digest })
        await ada.page.goto(`http://localhost:${port}/`)
        const assertion = await assertOn(ada.page, asked.body)
        await ada.page.goto(desk.origin + path)
        const body =
          answer === '/sign-in'
            ? { assertion }
            : { verdict: 'approve', digest, note: '', assertion }
        const seen = await postFrom(ada.page, answer, body)
        expect([answer, seen.status]).toEqual([answer, 403])
      }
      // And from there nothing can be done in the person's session.
      await ada.page.goto(`http://localhost:${port}/`)
      // Cookies know no ports either: only the Origin tells this page from the handler's.
      await ada.page.evaluate(
        (url) =>
          fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' }).catch(String),
        `${desk.origin}/sign-out`,
      )
      await ada.page.goto(desk.origin)
      expect(await ada.page.getByRole('button', { name: 'Sign out' }).count()).toBe(1)
    } finally {
      phishing.closeAllConnections()
      phishing.close()
    }
    expect(await approvalsOf(desk, path)).toEqual([])
  })

  it('an assertion that is sent again: for the same hold, another one, the other verdict, a sign-in', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const [path, other] = [await desk.held('replayed'), await desk.held('other')]
    const sent: { url: string; body: Record<string, unknown> }[] = []
    ada.page.on('request', (request) => {
      if (request.method() !== 'POST') return
      sent.push({
        url: new URL(request.url()).pathname,
        body: request.postDataJSON() as Record<string, unknown>,
      })
    })
    await ada.page.getByRole('button', { name: 'Sign out' }).click()
    await signIn(ada.page, desk.origin)
    await ada.page.goto(desk.origin + path)
    await approveButton(ada.page).click()
    await stateOn(ada.page, '1 of 2 (ada)')
    const decision = sent.find(({ url }) => url.endsWith('/decision'))
    const signedIn = sent.find(({ url }) => url === '/sign-in')
    for (const [url, body] of [
      [`${path}/decision`, decision?.body],
      [`${other}/decision`, decision?.body],
      [`${path}/decision`, { ...decision?.body, verdict: 'reject' }],
      ['/sign-in', { assertion: decision?.body['assertion'] }],
      ['/sign-in', signedIn?.body],
      [`${other}/decision`, { verdict: 'approve', ...signedIn?.body }],
    ] as const) {
      const { status } = await postFrom(ada.page, url, body)
      expect([url, status >= 400 && status < 500]).toEqual([url, true])
    }
    expect(await approvalsOf(desk, path)).toEqual(['ada'])
    expect(await approvalsOf(desk, other)).toEqual([])
  })

  it('a page that was tampered with: another hold, another verdict, another digest than was shown', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const [path, other] = [await desk.held('shown'), await desk.held('signed')]
    const { page } = ada
    // The page sends the person's signature to another hold.
    await page.goto(desk.origin + path)
    await page.route('**/decision', (route) =>
      route.continue({ url: `${desk.origin}${other}/decision` }),
    )
    await approveButton(page).click()
    expect(await failureOn(page)).not.toBe('')
    await page.unrouteAll()
    // It asks for one verdict and sends the other.
    await page.goto(desk.origin + path)
    await page.route('**/decision', (route) =>
      route.continue({
        postData: JSON.stringify({
          ...(route.request().postDataJSON() as object),
          verdict: 'approve',
        }),
      }),
    )
    await refuseButton(page).click()
    expect(await failureOn(page)).not.toBe('')
    await page.unrouteAll()
    // It shows one hold and asks about another: the digest that was shown is not that of the other.
    await page.goto(desk.origin + path)
    await page.evaluate((id) => {
      const form = document.querySelector<HTMLElement>('#decide')
      if (form !== null) form.dataset['hold'] = id
    }, other.slice(7))
    await approveButton(page).click()
    expect(await failureOn(page)).toMatch(/digest/)
    expect([await approvalsOf(desk, path), await approvalsOf(desk, other)]).toEqual([[], []])
  })

  it('a signature for a hold that has expired meanwhile', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const path = await desk.held('late')
    await ada.page.goto(desk.origin + path)
    await ada.page.route('**/decision', async (route) => {
      desk.clock.advance(HOLD_MS)
      await route.continue()
    })
    await approveButton(ada.page).click()
    expect(await failureOn(ada.page)).toContain('is expired')
    await ada.page.reload()
    await stateOn(ada.page, 'expired')
    expect(await ada.page.getByRole('button', { name: 'with my passkey' }).count()).toBe(0)
    expect(await approvalsOf(desk, path)).toEqual([])
    expect(await answerTo(desk, 'late')).toBe('REJECT')
  })

  it('what somebody does whom the policy does not name any more', async () => {
    const desk = await openDesk()
    const [ada, bob] = await desk.people()
    const carol = await desk.enrol('carol')
    const path = await desk.held('left')
    await ada.page.goto(desk.origin + path)
    await ada.page.route('**/decision', async (route) => {
      await desk.admit(bob, carol)
      await route.continue()
    })
    await approveButton(ada.page).click()
    expect(await failureOn(ada.page)).toMatch(/[Ss]ign in/)
    expect(await approvalsOf(desk, path)).toEqual([])
    await ada.page.goto(desk.origin)
    await ada.page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    expect(await failureOn(ada.page)).toContain('This passkey opens nothing here')
  })

  it('what is done in a session that has ended', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const path = await desk.held('ended')
    await ada.page.goto(desk.origin + path)
    desk.clock.advance(SESSION_MS)
    await approveButton(ada.page).click()
    expect(await failureOn(ada.page)).toMatch(/[Ss]ign in/)
    // The page finds out by itself, and shows nothing any more.
    await ada.page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    expect(await ada.page.locator('#digest').count()).toBe(0)
    expect(await approvalsOf(desk, path)).toEqual([])
  })

  it('a passkey used without verification of its person', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    await ada.devtools.send('WebAuthn.setUserVerified', {
      authenticatorId: ada.authenticatorId,
      isUserVerified: false,
    })
    await ada.page.goto(desk.origin + (await desk.held('unverified')))
    await approveButton(ada.page).click()
    expect(await failureOn(ada.page)).toBe('The passkey was not used.')
  })

  it('whatever is asked without a session', async () => {
    const desk = await openDesk()
    const [, bob] = await desk.people()
    const path = await desk.held('unseen')
    const stranger = await visitor()
    await stranger.page.goto(desk.origin + path)
    expect(await stranger.page.content()).not.toMatch(/ETH_TEST|request unseen/)
    for (const url of [`${path}/challenge`, `${path}/decision`]) {
      expect((await postFrom(stranger.page, url, { verdict: 'approve' })).status).toBe(401)
    }
    expect(bob.name).toBe('bob')
  })
})

describe('the page', () => {
  it('brings itself up to date, keeps the focus and what is open, and says what is new', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const { page } = ada
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(String(error)))
    await desk.held('first')
    await page.goto(desk.origin)
    await page.getByText('Rules: 2').click()
    await page.locator('#holds a').first().focus()
    const focused = () => page.evaluate(() => document.activeElement?.id)
    const before = await focused()
    await desk.held('second')
    await page.locator('#holds tbody tr:nth-child(2)').waitFor()
    expect(await focused()).toBe(before)
    expect(await page.locator('#policy details[open]').count()).toBe(1)
    expect(await page.locator('[role=status]').textContent()).toContain(
      '2 requests wait for people',
    )
    // Nothing that the page's own policy had to stop.
    expect(said).toEqual([])
  })

  it('needs no mouse', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const { page } = ada
    const path = await desk.held('keys')
    await page.goto(desk.origin)
    await tabTo(page, `hold-${path.slice(7)}`)
    await page.keyboard.press('Enter')
    await page.locator('#decide').waitFor()
    await tabTo(page, 'approve')
    await page.keyboard.press('Enter')
    await stateOn(page, '1 of 2 (ada)')
  })

  it('has a name for everything that can be used, and one heading for the whole', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const { page } = ada
    const path = await desk.held('names')
    for (const url of ['/', path, '/enrol']) {
      await page.goto(desk.origin + url)
      const found = await page.evaluate(() => ({
        headings: document.querySelectorAll('h1').length,
        language: document.documentElement.lang,
        unnamed: [
          ...document.querySelectorAll<HTMLElement>(
            'a,button,input,summary,[role=img],[role=region]',
          ),
        ]
          .filter((each) => {
            const label =
              each instanceof HTMLInputElement ? each.labels?.[0]?.textContent : each.textContent
            return !(each.getAttribute('aria-label') ?? label)?.trim()
          })
          .map(({ outerHTML }) => outerHTML),
        twice: [...document.querySelectorAll('[id]')]
          .map(({ id }) => id)
          .filter((id, at, all) => all.indexOf(id) !== at),
        wide: document.documentElement.scrollWidth > window.innerWidth,
      }))
      expect([url, found]).toEqual([
        url,
        { headings: 1, language: 'en', unnamed: [], twice: [], wide: false },
      ])
    }
  })

  it('shows foreign text in its box, whatever it says', async () => {
    const desk = await openDesk()
    const [ada] = await desk.people()
    const { page } = ada
    const note =
      '</dd></dl><h2>Destination 9 of 9</h2><img src=x onerror="alert(1)">\u202e\nApproved'
    await desk.handler.callback(transfer('hostile', '500', { note }))
    await page.goto(desk.origin)
    await page.locator('#holds a').click()
    await page.locator('#decide').waitFor()
    expect(await page.getByRole('heading', { name: /Destination 9|Approved/ }).count()).toBe(0)
    expect(await page.locator('main img').count()).toBe(0)
    const box = page.locator('dd .foreign', { hasText: 'Destination 9' })
    expect(await box.textContent()).toBe(JSON.stringify(note).replaceAll('\u202e', '\\u202e'))
  })
})

async function postFrom(
  page: Page,
  path: string,
  value: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  return page.evaluate(
    async ([url, text]) => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: text,
      })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    },
    [path, JSON.stringify(value)] as const,
  )
}

/** What the person's passkey makes of options, wherever the page is. */
async function assertOn(page: Page, { options }: Record<string, unknown>): Promise<unknown> {
  return page.evaluate(async (json) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
      json as PublicKeyCredentialRequestOptionsJSON,
    )
    const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential
    return credential.toJSON()
  }, options)
}

/** Goes on with the tabulator until the element has the focus. */
async function tabTo(page: Page, idOrValue: string): Promise<void> {
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press('Tab')
    const here = await page.evaluate(() => {
      const active = document.activeElement
      return [active?.id, active?.getAttribute('value')]
    })
    if (here.includes(idOrValue)) return
  }
  throw new Error(`${idOrValue} is not reached`)
}
