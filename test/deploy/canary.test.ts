/** The canary is content with a refusal only, whoever it asks. */
import { createHash } from 'node:crypto'
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createPublicKey } from 'node:crypto'
import { jwtVerify } from 'jose'
import { testKey } from '../fixtures/keys.ts'

const SCRIPT = join(import.meta.dirname, '../../deploy/canary/canary.mjs')

interface Asked {
  readonly method: string
  readonly url: string
  readonly body: string
  readonly authorization: string
}

let home = ''
let server: Server | undefined
let base = ''
let replies: unknown[] = []
let asked: Asked[] = []

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'countersign-canary-'))
  const { privateKeyPem } = await testKey('api-user')
  await writeFile(join(home, 'secret.key'), privateKeyPem, { mode: 0o600 })
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const body = Buffer.concat(parts).toString()
      asked.push({ method, url, body, authorization: headers.authorization ?? '' })
      const reply = replies.length > 1 ? replies.shift() : replies[0]
      response.writeHead(reply === undefined ? 500 : 200).end(JSON.stringify(reply ?? {}))
    })
  })
  await new Promise<void>((resolve) => {
    server?.listen(0, '127.0.0.1', resolve)
  })
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(async () => {
  await new Promise((resolve) => server?.close(resolve))
  await rm(home, { recursive: true })
})

/** Runs the canary; what it said and how it ended. */
function canary(env: Record<string, string>): Promise<{ code: number; said: string }> {
  asked = []
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT], { env }, (error, out, err) => {
      resolve({ code: Number(error?.code ?? 0), said: out + err })
    })
  })
}

describe('in a rehearsal', () => {
  it.each([
    ['a refusal', [{ action: 'REJECT' }], 0, 'canary refused: the handler answered REJECT\n'],
    [
      'an approval',
      [{ action: 'APPROVE' }],
      1,
      'canary NOT REFUSED: the handler answered APPROVE\n',
    ],
    ['no answer', [{ error: 'timeout' }], 1, 'canary NOT REFUSED: the handler answered nothing\n'],
    ['a failure', [], 1, 'the canary could not be asked: POST BASE/callbacks was answered 500\n'],
  ])('%s', async (_name, answers, code, said) => {
    replies = answers
    const ended = await canary({ CANARY_CONTROL_URL: base })
    expect(ended).toEqual({ code, said: said.replace('BASE', base) })
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /callbacks'])
  })

  it('nobody there', async () => {
    const ended = await canary({ CANARY_CONTROL_URL: 'http://127.0.0.1:1' })
    expect(ended.code).toBe(1)
    expect(ended.said).toMatch(/^the canary could not be asked: /)
  })
})

describe('with a test user', () => {
  const env = () => ({
    FIREBLOCKS_BASE_PATH: `${base}/v1`,
    FIREBLOCKS_API_KEY: 'the-canary',
    FIREBLOCKS_SECRET_KEY_PATH: join(home, 'secret.key'),
    CANARY_TRANSACTION: '{"assetId":"ETH_TEST5","amount":"0.0001"}',
    CANARY_EVERY_MS: '1',
  })

  it('follows its transaction to the refusal, each request signed for its path and body', async () => {
    replies = [
      { id: 't/1' },
      { status: 'PENDING_SIGNATURE' },
      { status: 'REJECTED', subStatus: 'X' },
    ]
    expect(await canary(env())).toEqual({
      code: 0,
      said: 'canary refused: t/1 ended as REJECTED X\n',
    })
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /v1/transactions',
      'GET /v1/transactions/t%2F1',
      'GET /v1/transactions/t%2F1',
    ])
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({
      assetId: 'ETH_TEST5',
      externalTxId: expect.stringMatching(/^canary-2/) as unknown,
    })
    const key = createPublicKey((await testKey('api-user')).publicKeyPem)
    for (const { url, body, authorization } of asked) {
      const { payload } = await jwtVerify(authorization.replace('Bearer ', ''), key)
      const bodyHash = createHash('sha256').update(body).digest('hex')
      expect(payload).toMatchObject({ uri: url, sub: 'the-canary', bodyHash })
    }
  })

  it('is not content with one that was signed', async () => {
    replies = [{ id: 't' }, { status: 'BROADCASTING' }]
    expect(await canary(env())).toEqual({
      code: 1,
      said: 'canary NOT REFUSED: t was signed: BROADCASTING\n',
    })
  })
})
