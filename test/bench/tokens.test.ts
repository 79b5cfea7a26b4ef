import { verify } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { createJudge } from '../../bench/load/judge.ts'
import {
  liveSource,
  poolSource,
  signLoadToken,
  tampered,
  transferJson,
} from '../../bench/load/tokens.ts'
import { signToken } from '../../handler/protocol/token.ts'
import { testEcKey, testKey } from '../fixtures/keys.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const ID = '4b1c9b58-5f3c-4b5e-9a52-f4a7f0f5a0c1'

async function verifies(token: string): Promise<boolean> {
  const { publicKey } = await testKey()
  const dot = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(dot + 1), 'base64url')
  return verify('sha256', Buffer.from(token.slice(0, dot)), publicKey, signature)
}

describe('a request of the load', () => {
  it.each([2_200, 16_000, 60_001])(
    'has %i characters, give or take four, and verifies',
    async (chars) => {
      const token = await signLoadToken(transferJson(ID, chars), (await testKey()).privateKey)
      expect(Math.abs(token.length - chars)).toBeLessThanOrEqual(4)
      expect(await verifies(token)).toBe(true)
    },
  )

  it('does not verify once it is tampered with', async () => {
    const token = await signLoadToken(transferJson(ID, 0), (await testKey()).privateKey)
    const changed = tampered({ requestId: ID, token })
    expect(changed.requestId).toBe(ID)
    expect(changed.token).toHaveLength(token.length)
    expect(await verifies(changed.token)).toBe(false)
  })
})

describe('poolSource', () => {
  it('hands out each line once from the given one on, then what was given back, then nothing', async () => {
    const file = join(await temporaryDirectory(), 'pool')
    await writeFile(file, 'a 1\nb 2\nc 3\n')
    const source = poolSource(file, 1)
    const first = source.next()
    expect(first).toEqual({ requestId: 'b', token: '2' })
    source.giveBack({ requestId: 'b', token: '2' })
    expect([source.next(), source.next(), source.next()]).toEqual([
      { requestId: 'c', token: '3' },
      { requestId: 'b', token: '2' },
      undefined,
    ])
  })
})

describe('liveSource', () => {
  it('makes another verified request each time', async () => {
    const file = join(await temporaryDirectory(), 'key.pem')
    await writeFile(file, (await testKey()).privateKeyPem)
    const source = liveSource(file, 2_200)
    const [first, second] = [source.next(), source.next()]
    expect(first?.requestId).not.toBe(second?.requestId)
    expect(await verifies(first?.token ?? '')).toBe(true)
  })
})

describe('createJudge', () => {
  const judge = async () => createJudge((await testKey()).publicKeyPem)
  const answer = (status: number, body: string) => ({ status, body, close: false })

  it('tells the action of a signed answer to the right request, and the status of a bare one', async () => {
    const judged = await judge()
    const body = await signLoadToken(
      JSON.stringify({ action: 'APPROVE', requestId: ID }),
      (await testKey()).privateKey,
    )
    expect(judged(answer(200, body), ID)).toBe('APPROVE')
    expect(judged(answer(200, body), 'another')).toBe('wrong')
    expect(judged(answer(503, ''), ID)).toBe('503')
    expect(judged(answer(200, 'not.a.token'), ID)).toBe('wrong')
  })

  it('finds an answer that another key signed', async () => {
    const judged = await judge()
    const body = await signLoadToken(
      JSON.stringify({ action: 'APPROVE', requestId: ID }),
      (await testKey('another')).privateKey,
    )
    expect(judged(answer(200, body), ID)).toBe('wrong')
  })

  it('knows both algorithms', async () => {
    const { signer, publicKeyPem } = await testEcKey()
    const body = await signToken(signer, { action: 'APPROVE', requestId: ID })
    expect(createJudge(publicKeyPem)(answer(200, body), ID)).toBe('APPROVE')
    expect((await judge())(answer(200, body), ID)).toBe('wrong')
  })
})
