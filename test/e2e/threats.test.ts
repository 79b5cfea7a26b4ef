/** What an attacker or an accident does to the whole handler, seen from outside; the long form is test/faults. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { openReadOnly } from '../../handler/decisions/sqlite/database.ts'
import { exportRecords } from '../../handler/decisions/audit/export.ts'
import { leaks, secretsBelow } from '../faults/canary/secrets.ts'
import { claimsOf, startTestHandler, transfer } from '../fixtures/handler.ts'
import type { TestHandler } from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'
import { tokenOf } from '../fixtures/tokens.ts'

const PATH = '/g1/v2/tx_sign_request'

async function actionOf(handler: TestHandler, claims: object): Promise<unknown> {
  return claimsOf((await handler.callback(claims)).body)['action']
}

function recordsOf(handler: TestHandler): string[] {
  const db = openReadOnly(join(handler.stateDir, 'decisions.db'))
  try {
    const all = { fromSeq: 1, sinceMs: -Infinity, untilMs: Infinity, withEvidence: false }
    return [...exportRecords(db, all)]
  } finally {
    db.close()
  }
}

/** Sends raw bytes and gives everything that comes back before the connection ends or `until` is in it. */
async function raw(port: number, bytes: string, until?: (text: string) => boolean) {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  return new Promise<string>((resolve, reject) => {
    let text = ''
    socket.on('secureConnect', () => socket.write(bytes)).on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (until?.(text) === true) socket.destroy()
    })
    socket.on('close', () => resolve(text))
  })
}

function messageOf(body: string, headers = '', line = `POST ${PATH} HTTP/1.1`): string {
  return `${line}\r\nHost: localhost\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`
}

describe('a captured request', () => {
  it('that is replayed two hundred times gets one decision, one record and one charge', async () => {
    const policy = `version: 1
limits: { two: { window: 24h, count: 2 } }
rules: [{ id: all, when: { asset: ETH_TEST }, then: APPROVE, require: { limits: two } }]
`
    const handler = await startTestHandler({ policy })
    const { privateKey } = await testKey('cosigner')
    const token = tokenOf(privateKey, transfer('a', '1'))
    const actions = new Set<unknown>()
    for (let n = 0; n < 10; n += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => handler.post(PATH, token)))
      for (const { body } of answers) actions.add(claimsOf(body)['action'])
    }
    expect([...actions]).toEqual(['APPROVE'])
    expect(recordsOf(handler).filter((line) => line.includes('"decision"'))).toHaveLength(1)
    expect(await actionOf(handler, transfer('b', '1'))).toBe('APPROVE')
    expect(await actionOf(handler, transfer('c', '1'))).toBe('REJECT')
  })

  it('of one API user does not become the approval of another', async () => {
    const policy = `version: 1
rules: [{ id: own, when: { endpoint: tx_sign_request, signerId: user-a }, then: APPROVE }]
`
    const handler = await startTestHandler({ policy })
    expect(await actionOf(handler, transfer('a', '1', { signerId: 'user-a' }))).toBe('APPROVE')
    expect(await actionOf(handler, transfer('a', '1', { signerId: 'user-b' }))).toBe('REJECT')
    expect(await actionOf(handler, transfer('a', '1'))).toBe('REJECT')
    expect(await actionOf(handler, transfer('b', '1', { signerId: 'user-b' }))).toBe('REJECT')
  })

  it('never gets the answer to another, however many share a connection', async () => {
    const handler = await startTestHandler()
    const { privateKey } = await testKey('cosigner')
    const [port = 0] = handler.ports
    const perConnection = 8
    await Promise.all(
      Array.from({ length: 16 }, async (_, connection) => {
        const ids = Array.from({ length: perConnection }, (__, n) => `${connection}-${n}`)
        const bodies = ids.map((id) => tokenOf(privateKey, transfer(id, '1')).toString())
        const answers = (text: string) => [...text.matchAll(/^\r\n([\w-]+\.[\w-]+\.[\w-]+)/gm)]
        const text = await raw(
          port,
          bodies.map((body) => messageOf(body)).join(''),
          (received) => answers(received).length === perConnection && !received.endsWith('.'),
        )
        const got = answers(text).map(([, token = '']) => claimsOf(token)['requestId'])
        expect(got).toEqual(ids)
      }),
    )
  })
})

describe('HTTP that others would read in another way', () => {
  // Node reads a request line without a version, or with 2.0, as if it were HTTP/1, and leaves codings before
  // `chunked` as they are: found by the fault harness.
  it.each([
    ['no version', messageOf('x', '', `POST ${PATH}`), '400'],
    ['version 2.0', messageOf('x', '', `POST ${PATH} HTTP/2.0`), '400'],
    ['two hosts', messageOf('x', 'Host: localhost\r\n'), '400'],
    ...['gzip, chunked', 'identity, chunked', 'chunked, chunked', 'x'].map((coding) => [
      `coding ${coding}`,
      `POST ${PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
      '4',
    ]),
  ])('is refused: %s', async (_, bytes = '', status = '') => {
    const handler = await startTestHandler()
    const [port = 0] = handler.ports
    const text = await raw(port, bytes, (received) => received.includes('\r\n\r\n'))
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`))
    expect(text).not.toMatch(/^HTTP\/1\.1 401/)
  })
})

describe('a decision store that is gone', () => {
  it('is noticed: RETRY and a red readiness until it is accepted', async () => {
    const first = await startTestHandler()
    expect(await actionOf(first, transfer('a', '1'))).toBe('APPROVE')
    await first.stop()
    for (const end of ['', '-wal', '-shm']) {
      await rm(join(first.stateDir, `decisions.db${end}`), { force: true })
    }
    const second = await startTestHandler({ directory: first.home })
    expect(await actionOf(second, transfer('b', '1'))).toBe('RETRY')
    expect((await second.ops('/readyz')).status).toBe(503)
    expect((await second.command('audit', 'accept-store')).exitCode).toBe(2)
    expect((await second.command('audit', 'accept-store', '--yes')).exitCode).toBe(0)
    expect(await actionOf(second, transfer('b', '1'))).toBe('APPROVE')
  })
})

describe('secrets', () => {
  it('are in no log, answer, metric, status or audit export, whatever goes wrong', async () => {
    const passphrase = randomBytes(24).toString('hex')
    const setup = await startTestHandler()
    await setup.stop()
    const file = join(setup.home, 'passphrase')
    await writeFile(file, `${passphrase}\n`, { mode: 0o600 })
    const env = { HANDLER_KEY_PASSPHRASE_FILE: file }
    const handler = await startTestHandler({ directory: setup.home, env })
    const { privateKey } = await testKey('cosigner')
    const good = tokenOf(privateKey, transfer('a', '1')).toString()
    const bodies = [good, `${good}\n`, good.slice(0, -2), `${good}.x`, good.replace('.', '..')]
    const answers = await Promise.all(bodies.map((body) => handler.post(PATH, body)))
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 401, 401, 401])
    const seen = [
      await handler.admin('PUT', '/v1/generations/2', {}),
      await handler.admin('POST', '/v1/generations/2/self-test', { nonce: 'short' }),
      await handler.admin('GET', '/v1/status'),
      await handler.ops('/metrics'),
      await handler.command('check', '--json'),
      await handler.command('audit', 'export'),
    ]
    await rm(file)
    const without = await startTestHandler({ directory: handler.home }).catch(String)
    await handler.stop()
    const onDisk = await secretsBelow(setup.home, passphrase)
    const token = { name: 'token', text: good.slice(good.lastIndexOf('.') + 1) }
    const known = { ...onDisk, secrets: [...onDisk.secrets, token] }
    const encrypted = await readFile(join(handler.stateDir, 'keys', 'g2', 'private.pem'), 'utf8')
    expect(encrypted).toContain('ENCRYPTED')
    // The two files of a generation begin alike.
    expect(leaks(known, [{ name: 'itself', text: encrypted }])).toContain(
      '/state/keys/g2/private.pem in itself',
    )
    const outputs = [
      { name: 'log', text: handler.logs.map((line) => JSON.stringify(line)).join('\n') },
      { name: 'answers', text: JSON.stringify([answers, seen, without]) },
    ]
    expect(leaks(known, outputs)).toEqual([])
  })
})

describe('content of requests that do not verify', () => {
  it('is neither logged nor recorded', async () => {
    const handler = await startTestHandler()
    const before = recordsOf(handler)
    const { privateKey } = await testKey('somebody else')
    const word = createHash('sha256').update('canary').digest('hex')
    const token = tokenOf(privateKey, transfer(word, '1', { note: word }))
    expect((await handler.post(PATH, token)).status).toBe(401)
    expect(handler.logs.at(-1)).toMatchObject({ msg: 'refused', code: 'ERR_TOKEN_SIGNATURE' })
    expect(JSON.stringify(handler.logs)).not.toContain(word)
    expect(recordsOf(handler)).toEqual(before)
  })
})
