/** The page of a handler that runs: there when it was asked for, under its own name only, and the same for everybody. */
import { describe, expect, it } from '@jest/globals'
import supertest from 'supertest'
import { startTestHandler, transfer, type TestHandler } from '../fixtures/handler.ts'

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

  it.each([
    ['http://console.test', 'browsers have passkeys at no other'],
    ['https://10.0.0.1', 'names an address'],
    ['http://127.0.0.1:9464', 'browsers have passkeys at no other'],
    ['https://[::1]', 'names an address'],
    ['https://console.test/', 'must be written `https://console.test`'],
    ['https://Console.test', 'must be written `https://console.test`'],
    ['https://console.test/page', 'must be written `https://console.test`'],
    ['https://console.test:443', 'must be written `https://console.test`'],
    ['console.test', 'is not a URL'],
  ])('is refused as %s', async (url, problem) => {
    await expect(startTestHandler({ env: { HANDLER_CONSOLE_URL: url } })).rejects.toThrow(problem)
  })
})
