/** The handler from a fresh directory to signed answers, over real TLS. */
import { createPublicKey, verify } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { GenerationInfo, HandlerStatus } from '../../common/admin-api.ts'
import { claimsOf, startTestHandler, transfer, until } from '../fixtures/handler.ts'
import type { TestHandler } from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'
import { signToken } from '../../handler/protocol/token.ts'

async function statusOf(handler: TestHandler): Promise<HandlerStatus> {
  return (await handler.admin('GET', '/v1/status')).json as HandlerStatus
}

function isSignedBy(token: string, { publicKeyPem }: GenerationInfo): boolean {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const signed = Buffer.from(`${header}.${payload}`)
  const bytes = Buffer.from(signature, 'base64url')
  return verify('sha256', signed, createPublicKey(publicKeyPem), bytes)
}

describe('a handler in a fresh directory', () => {
  it('approves, refuses and puts off, each signed with the key of the path', async () => {
    const handler = await startTestHandler({ fresh: true })
    const [first] = (await statusOf(handler)).generations as [GenerationInfo]
    const small = await handler.callback(transfer('a', '1.5'))
    const large = await handler.callback(transfer('b', '1.500000000000000001'))
    const other = await handler.callback(transfer('c', '1', { asset: 'BTC_TEST' }))
    expect([small, large, other].map(({ status }) => status)).toEqual([200, 200, 200])
    expect([small, large, other].map(({ body }) => claimsOf(body)['action'])).toEqual([
      'APPROVE',
      'RETRY',
      'REJECT',
    ])
    expect(claimsOf(small.body)).toEqual({ action: 'APPROVE', requestId: 'a' })
    expect([small, large, other].map(({ body }) => isSignedBy(body, first))).toEqual([
      true,
      true,
      true,
    ])
    const decided = handler.logs.filter(({ msg }) => msg === 'decided')
    expect(decided.map(({ rule }) => rule)).toEqual(['small-eth', 'large', 'default'])
  })

  it('answers a configuration change and counts what it served', async () => {
    const handler = await startTestHandler()
    const claims = { requestId: 'c', type: 'UNMANAGED_WALLET', extraInfo: {}, signerId: 'sig-1' }
    const answer = await handler.callback(claims, { endpoint: 'config_change_sign_request' })
    expect(claimsOf(answer.body)['action']).toBe('REJECT')
    const [first] = (await statusOf(handler)).generations
    expect(first?.hits.total).toBe(1)
    expect(Object.keys(first?.hits.bySigner ?? {})).toEqual(['sig-1'])
    const metrics = (await handler.ops('/metrics')).body
    expect(metrics).toContain('countersign_decisions_total{action="REJECT",rule="default"} 1')
  })

  it('logs the trace of each delivery, also when the answer is remembered', async () => {
    const handler = await startTestHandler()
    const { signer } = await testKey('cosigner')
    const token = await signToken(signer, transfer('a', '1'))
    const traces = ['a', 'b'].map((digit) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`)
    for (const traceparent of [...traces, undefined]) {
      const headers = traceparent === undefined ? {} : { traceparent }
      await handler.post('/g1/v2/tx_sign_request', token, { headers })
    }
    const decided = handler.logs.filter(({ msg }) => msg === 'decided')
    expect(decided.map(({ traceparent }) => traceparent)).toEqual([...traces, undefined])
    expect(decided.map(({ repeated }) => repeated)).toEqual([false, true, true])
  })

  it('answers plain JSON in certificate mode, and is not found on the paths of the other mode', async () => {
    const env = {
      HANDLER_AUTH: 'certificate',
      HANDLER_COSIGNER_KEYS: undefined,
      HANDLER_ALLOWED_CIDRS: '127.0.0.0/8',
    }
    const handler = await startTestHandler({ env })
    const answer = await handler.callback(transfer('a', '1'))
    expect(JSON.parse(answer.body)).toEqual({ action: 'APPROVE', requestId: 'a' })
    expect((await handler.post('/g1/v2/tx_sign_request', '{}')).status).toBe(404)
    expect(handler.logs.some(({ msg }) => String(msg).includes('speaks signed tokens'))).toBe(true)
  })

  it('is ready, and says why when it is not', async () => {
    const handler = await startTestHandler()
    const ready = await handler.ops('/readyz')
    expect([ready.status, JSON.parse(ready.body)]).toEqual([
      200,
      { ready: true, problems: [], notices: [] },
    ])
    expect((await handler.ops('/livez')).body).toBe('ok\n')
    expect((await handler.ops('/else')).status).toBe(404)
  })

  it('refuses to run twice on one state directory', async () => {
    const { home } = await startTestHandler()
    await expect(startTestHandler({ directory: home })).rejects.toThrow('another handler runs')
  })
})

describe('a rotation', () => {
  it('moves to a second generation while the first answers until it has been quiet', async () => {
    const handler = await startTestHandler()
    const needs = { live: 1, pending: null, drainMs: 1 }
    await handler.admin('PUT', '/v1/pairings/co/user', needs)
    const staged = await handler.admin('PUT', '/v1/generations/2', {})
    expect(staged.json).toMatchObject({ generation: 2, slot: 'B', state: 'staged' })
    const token = await handler.admin('POST', '/v1/generations/2/self-test', {
      nonce: '0123456789abcdef',
    })
    expect(isSignedBy((token.json as { token: string }).token, staged.json as GenerationInfo)).toBe(
      true,
    )
    await handler.admin('PUT', '/v1/pairings/co/user', { ...needs, pending: 2 })
    const both = await Promise.all([
      handler.callback(transfer('a', '1')),
      handler.callback(transfer('a', '1'), { generation: 2 }),
    ])
    expect(both.map(({ status }) => status)).toEqual([200, 200])
    expect(isSignedBy(both[1].body, staged.json as GenerationInfo)).toBe(true)
    await handler.admin('PUT', '/v1/pairings/co/user', { ...needs, live: 2 })
    await until(async () => (await handler.callback(transfer('b', '1'))).status === 410)
    const { generations } = await statusOf(handler)
    expect(generations.map(({ state }) => state)).toEqual(['retired', 'live'])
    expect((await handler.admin('PUT', '/v1/generations/1', {})).status).toBe(410)
  })
})

describe('a restart', () => {
  it('keeps generations, decisions and the memory of what was paired', async () => {
    const first = await startTestHandler()
    await first.admin('PUT', '/v1/pairings/co/user', { live: 1, pending: null, drainMs: 1 })
    await first.callback(transfer('a', '1'))
    const before = await statusOf(first)
    await first.stop()
    const second = await startTestHandler({ directory: first.home })
    const after = await statusOf(second)
    expect(after.pairings).toEqual(before.pairings)
    expect(after.generations[0]?.kid).toBe(before.generations[0]?.kid)
    expect(after.generations[0]?.hits).toEqual(before.generations[0]?.hits)
    await second.callback(transfer('a', '1'))
    expect(second.logs.at(-1)).toMatchObject({ msg: 'decided', repeated: true })
  })

  it('reads encrypted keys with their passphrase', async () => {
    const first = await startTestHandler()
    const file = join(first.home, 'passphrase')
    await writeFile(file, 'correct horse\n', { mode: 0o600 })
    const env = { HANDLER_KEY_PASSPHRASE_FILE: file }
    await first.stop()
    const second = await startTestHandler({ directory: first.home, env })
    await second.admin('PUT', '/v1/generations/2', {})
    await second.stop()
    const stored = await readFile(join(first.stateDir, 'keys', 'g2', 'private.pem'), 'utf8')
    expect(stored).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
    const third = await startTestHandler({ directory: first.home, env })
    expect((await third.callback(transfer('a', '1'), { generation: 2 })).status).toBe(200)
    await third.stop()
    await expect(startTestHandler({ directory: first.home })).rejects.toThrow('is encrypted')
  })
})

describe('a changed policy file', () => {
  it('is taken over when it parses, and leaves the old policy in force when it does not', async () => {
    const handler = await startTestHandler({ looksOften: true })
    const file = join(handler.home, 'policy.yaml')
    await writeFile(file, 'version: 1\nrules: [')
    await until(() => handler.logs.some(({ msg }) => String(msg).includes('the old one stays')))
    expect(claimsOf((await handler.callback(transfer('a', '1'))).body)['action']).toBe('APPROVE')
    await writeFile(file, 'version: 1\ndefault: RETRY\nrules: []\n')
    await until(() => handler.logs.some(({ msg }) => msg === 'policy taken over'))
    expect(claimsOf((await handler.callback(transfer('b', '1'))).body)['action']).toBe('RETRY')
  })
})

describe('silence', () => {
  it('is told where people look, until a callback comes', async () => {
    const handler = await startTestHandler({ env: { HANDLER_SILENCE_ALARM: '1s' } })
    const isSilent = async () =>
      (await handler.ops('/readyz')).body.includes('silence: no callback')
    await until(() => handler.logs.some(({ alarm }) => alarm === 'silence'))
    await until(isSilent)
    const metrics = (await handler.ops('/metrics')).body
    expect(metrics).toContain('countersign_alarms_total{kind="silence"} 1')
    expect(metrics).toMatch(/^countersign_silence_seconds [1-9]/m)
    await until(async () => {
      await handler.callback(transfer('a', '1'))
      return !(await isSilent())
    })
    await until(() => handler.logs.some(({ msg }) => msg === 'callbacks come again'))
  })
})
