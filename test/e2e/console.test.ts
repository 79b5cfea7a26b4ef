/** The page of a handler that runs: there when it was asked for, under its own name only, and the same for everybody. */
import { describe, expect, it } from '@jest/globals'
import supertest from 'supertest'
import { startTestHandler, transfer, type TestHandler } from '../fixtures/handler.ts'
import { passkeyAt, type Passkey, type PasskeyChanges } from '../fixtures/passkey.ts'

const HOST = 'console.test'
const env = { HANDLER_CONSOLE_URL: `https://${HOST}` }

function asked(handler: TestHandler, path: string, host = HOST) {
  return supertest(`http://127.0.0.1:${handler.opsPort}`).get(path).set('Host', host)
}

describe('the page', () => {
  it('is not there unless it was asked for', async () => {
    const handler = await startTestHandler()
    await asked(handler, '/').expect(404, 'not found\n')
    await asked(handler, '/console.js').expect(404, 'not found\n')
  })

  it('shows readiness, notices and counts to everybody, and nothing of what was asked', async () => {
    const handler = await startTestHandler({ env })
    await handler.callback(transfer('seen-by-nobody', '1'))
    await handler.callback(transfer('seen-by-nobody-either', '2'))
    await handler.post('/g1/v2/tx_sign_request', 'no token')
    await handler.command('freeze', '--reason', '<b>fire</b>', '--by', 'ada')
    const { text } = await asked(handler, '/')
      .expect(200)
      .expect('Content-Type', /^text\/html/)
    const words = text.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')
    expect(words).toContain('Callbacks are answered; nothing waits for people')
    expect(words).toContain('APPROVE 1 REJECT 0 RETRY 1 IGNORE 0 Refused unread 1 Alarms 0')
    expect(words).toContain('by ada: &lt;b&gt;fire&lt;/b&gt;')
    expect(text).not.toContain('seen-by-nobody')
  })

  it('lets a browser load, run, frame and send nothing but its own', async () => {
    const handler = await startTestHandler({ env })
    for (const path of ['/', '/console.css', '/console.js', '/console.svg']) {
      const { headers } = await asked(handler, path).expect(200)
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringMatching(
          /^default-src 'none'; script-src 'self'; style-src 'self';.* frame-ancestors 'none'/,
        ),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
        'referrer-policy': 'same-origin',
      })
      expect(JSON.stringify(headers)).not.toMatch(/unsafe|\*/)
    }
    const { text } = await asked(handler, '/')
    expect(text.match(/(?:src|href)="(?!\/|#)[^"]*/g)).toBeNull()
    expect(text).not.toMatch(/<script(?! src="\/console\.js")|<style|\sstyle=|\son\w+=/)
  })

  it('is another site under another name, which somebody else may have named so', async () => {
    const handler = await startTestHandler({ env })
    for (const host of ['127.0.0.1', 'evil.test', `${HOST}.evil.test`, `${HOST}:1`]) {
      const { text } = await asked(handler, '/', host).expect(421)
      expect(text).toContain(`This page is opened as https://${HOST}`)
      expect(text).not.toContain('nothing waits')
    }
    await asked(handler, '/readyz', '127.0.0.1').expect(200)
  })
})

const ORIGIN = `https://${HOST}`

/** A handler whose policy names Ada with this passkey. */
async function withAda(passkey: Passkey): Promise<TestHandler> {
  return startTestHandler({
    env,
    policy: `version: 2
default: REJECT
approvers:
  ada: { keys: [{ publicKey: ${passkey.publicKey}, passkey: { id: '${passkey.id}', origin: '${ORIGIN}' } }] }
groups: { treasury: [ada] }
rules:
  - id: large
    when: { endpoint: tx_sign_request, operation: TRANSFER, asset: ETH_TEST }
    then: { action: RETRY, hold: { approvals: { treasury: 1 }, expires: 1h, onExpiry: REJECT } }
`,
  })
}

function posted(handler: TestHandler, path: string, body: object, cookie = '') {
  return supertest(`http://127.0.0.1:${handler.opsPort}`)
    .post(path)
    .set({ Host: HOST, Origin: ORIGIN, Cookie: cookie })
    .send(body)
}

async function challengeOf(handler: TestHandler): Promise<string> {
  const { body } = await posted(handler, '/sign-in/challenge', {}).expect(200)
  return (body as { options: { challenge: string } }).options.challenge
}

/** Signs in; the cookie. */
async function signIn(handler: TestHandler, passkey: Passkey): Promise<string> {
  const assertion = passkey.assertion(await challengeOf(handler))
  const { headers } = await posted(handler, '/sign-in', { assertion }).expect(200)
  return String(headers['set-cookie']).split(';')[0] ?? ''
}

describe('a sign-in', () => {
  it('opens the overview, and nothing else does', async () => {
    const passkey = passkeyAt(ORIGIN)
    const handler = await withAda(passkey)
    await handler.callback(transfer('waits', '5'))
    const cookie = await signIn(handler, passkey)
    const { text } = await asked(handler, '/').set('Cookie', cookie).expect(200)
    expect(text).toContain('TRANSFER 5 ETH_TEST from VAULT 0 to VAULT 1 (request waits')
    const { text: other } = await asked(handler, '/').set('Cookie', `${cookie}x`).expect(200)
    expect(other).not.toContain('TRANSFER')
    expect(handler.logs).toContainEqual(expect.objectContaining({ msg: 'signed in', by: 'ada' }))
  })

  it('is none with an assertion that is not quite one', async () => {
    const passkey = passkeyAt(ORIGIN)
    const handler = await withAda(passkey)
    const flawed: Readonly<Record<string, PasskeyChanges>> = {
      'made on another page': { origin: 'https://evil.test' },
      'made on another port': { origin: `${ORIGIN}:444` },
      'for another name': { rpId: 'evil.test' },
      'without its person': { flags: 0 },
      'whose person was not verified': { flags: 1 },
      'that makes a passkey': { type: 'webauthn.create' },
      'of another passkey': { id: 'AAAA' },
    }
    for (const [flaw, changes] of Object.entries(flawed)) {
      const assertion = passkey.assertion(await challengeOf(handler), changes)
      const { status, headers } = await posted(handler, '/sign-in', { assertion })
      expect([flaw, status, headers['set-cookie']]).toEqual([flaw, 403, undefined])
    }
  })

  it('is none by a passkey that the policy does not name, with a challenge of somebody else, or a second time', async () => {
    const passkey = passkeyAt(ORIGIN)
    const handler = await withAda(passkey)
    const stranger = passkeyAt(ORIGIN).assertion(await challengeOf(handler))
    await posted(handler, '/sign-in', { assertion: stranger }).expect(403)
    const invented = passkey.assertion(Buffer.alloc(56).toString('base64url'))
    await posted(handler, '/sign-in', { assertion: invented }).expect(403)
    const assertion = passkey.assertion(await challengeOf(handler))
    await posted(handler, '/sign-in', { assertion }).expect(200)
    await posted(handler, '/sign-in', { assertion }).expect(403)
    for (const nothing of [{}, { assertion: {} }, { assertion: 1 }, []]) {
      await posted(handler, '/sign-in', nothing).expect(400)
    }
  })
})

describe('what changes something', () => {
  it('comes from the page itself, whoever is signed in', async () => {
    const passkey = passkeyAt(ORIGIN)
    const handler = await withAda(passkey)
    const cookie = await signIn(handler, passkey)
    const foreign: Readonly<Record<string, Record<string, string>>> = {
      'without an origin': {},
      'from nowhere': { Origin: 'null' },
      'from another site': { Origin: 'https://evil.test' },
      'from the same name without TLS': { Origin: `http://${HOST}` },
      'from another port': { Origin: `${ORIGIN}:444` },
      'from elsewhere, as the browser says': { Origin: ORIGIN, 'Sec-Fetch-Site': 'same-site' },
    }
    for (const [from, headers] of Object.entries(foreign)) {
      for (const path of ['/sign-out', '/sign-in/challenge', '/holds/0123456789abcdef/decision']) {
        const { status } = await supertest(`http://127.0.0.1:${handler.opsPort}`)
          .post(path)
          .set({ Host: HOST, Cookie: cookie, ...headers })
          .send({})
        expect([from, path, status]).toEqual([from, path, 403])
      }
    }
    const { text } = await asked(handler, '/').set('Cookie', cookie)
    expect(text).toContain('Sign out')
  })

  it('is read as JSON only, and up to 64 KiB', async () => {
    const handler = await withAda(passkeyAt(ORIGIN))
    await supertest(`http://127.0.0.1:${handler.opsPort}`)
      .post('/sign-in')
      .set({ Host: HOST, Origin: ORIGIN, 'Content-Type': 'text/plain' })
      .send('{}')
      .expect(415)
    await posted(handler, '/sign-in', { assertion: 'x'.repeat(70_000) }).expect(413)
  })

  it('needs the passkey that has signed in, the digest that was shown, and a signature over this act', async () => {
    const passkey = passkeyAt(ORIGIN)
    const handler = await withAda(passkey)
    await handler.callback(transfer('decided', '5'))
    const { out } = await handler.command('hold', 'list', '--json')
    const { holds } = JSON.parse(out) as { holds: { id: string }[] }
    const path = `/holds/${holds[0]?.id}`
    const shown = JSON.parse((await handler.command('hold', 'show', path.slice(7), '--json')).out)
    const { digest } = shown as { digest: string }
    const cookie = await signIn(handler, passkey)
    const ask = { verdict: 'approve', digest }
    await posted(handler, `${path}/challenge`, ask).expect(401)
    await posted(
      handler,
      `${path}/challenge`,
      { ...ask, digest: '0000 0000 0000 0000 0000' },
      cookie,
    ).expect(409)
    const { body } = await posted(handler, `${path}/challenge`, ask, cookie).expect(200)
    const { challenge } = (body as { options: { challenge: string } }).options
    const say = { ...ask, note: '' }
    const other = passkeyAt(ORIGIN).assertion(challenge)
    const wrong = passkey.assertion(await challengeOf(handler))
    const assertion = passkey.assertion(challenge)
    await posted(handler, `${path}/decision`, { ...say, assertion: other }, cookie).expect(403)
    await posted(handler, `${path}/decision`, { ...say, assertion: wrong }, cookie).expect(403)
    await posted(
      handler,
      `${path}/decision`,
      { ...say, verdict: 'reject', assertion },
      cookie,
    ).expect(403)
    await posted(handler, `${path}/decision`, { ...say, assertion }).expect(401)
    await posted(handler, `${path}/decision`, { ...say, assertion }, cookie).expect(200)
    await posted(handler, `${path}/decision`, { ...say, assertion }, cookie).expect(409)
  })
})
