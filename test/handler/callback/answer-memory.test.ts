/** Identical deliveries of a final decision are answered from memory; everything else is worked out. */
import { describe, expect, it } from '@jest/globals'
import { createAnswerMemory, createRecent } from '../../../handler/callback/answer-memory.ts'
import { testKey } from '../../fixtures/keys.ts'
import { line, says } from '../../fixtures/line.ts'
import { tokenOf } from '../../fixtures/tokens.ts'

const CLAIMS = { requestId: 'r-1', txId: 't-1', operation: 'TRANSFER', rawTx: [] }

/** A line that counts how often it verifies. */
async function countingLine(action: 'APPROVE' | 'REJECT' | 'RETRY' = 'APPROVE') {
  const handler = await line(() => says(action))
  const { verify } = handler.deps()
  let verified = 0
  handler.with({
    verify: (body, now) => {
      verified += 1
      return verify(body, now)
    },
  })
  const { privateKey } = await testKey('cosigner')
  const token = (claims: object = CLAIMS) => tokenOf(privateKey, claims)
  return { handler, token, verified: () => verified }
}

describe('the same bytes on the same path', () => {
  it.each(['APPROVE', 'REJECT'] as const)(
    'get the same %s without being verified again',
    async (action) => {
      const { handler, token, verified } = await countingLine(action)
      const first = await handler.deliverBody(token())
      const again = await handler.deliverBody(Buffer.from(token()))
      expect([again, verified()]).toEqual([first, 1])
      expect(handler.store.records).toHaveLength(1)
      expect(handler.decided).toMatchObject([
        { deliveryId: 'delivery-1', action, repeated: false, seq: 1 },
        { deliveryId: 'delivery-2', action, repeated: true, seq: 1 },
      ])
    },
  )

  it('are worked out anew after a RETRY', async () => {
    const { handler, token, verified } = await countingLine('RETRY')
    await handler.deliverBody(token())
    await handler.deliverBody(token())
    expect([verified(), handler.store.records.length]).toEqual([2, 2])
  })

  it('are not approved from memory while the service is frozen, but again afterwards', async () => {
    const { handler, token, verified } = await countingLine()
    const approval = await handler.deliverBody(token())
    let frozen = true
    handler.with({
      frozen: () => (frozen ? { action: 'REJECT', rule: 'freeze', reason: 'frozen' } : undefined),
    })
    await handler.deliverBody(token())
    expect(handler.decided.at(-1)).toMatchObject({ action: 'RETRY', rule: 'freeze' })
    frozen = false
    expect(await handler.deliverBody(token())).toEqual(approval)
    expect(verified()).toBe(2)
  })

  it.each(['exp', 'nbf'])('are verified each time when the token has `%s`', async (member) => {
    const { handler, token, verified } = await countingLine()
    const now = handler.time.clock.now().getTime() / 1_000
    const claims = { ...CLAIMS, [member]: member === 'exp' ? now + 60 : now - 60 }
    await handler.deliverBody(token(claims))
    await handler.deliverBody(token(claims))
    expect(verified()).toBe(2)
  })
})

describe('a request that is only similar', () => {
  it('is verified: other bytes with the same end', async () => {
    const { handler, token } = await countingLine()
    await handler.deliverBody(token())
    const forged = token()
    const signed = tokenOf((await testKey('cosigner')).privateKey, { ...CLAIMS, txId: 't-2' })
    const head = signed.subarray(0, signed.lastIndexOf('.'))
    const body = Buffer.concat([head, forged.subarray(forged.lastIndexOf('.'))])
    await expect(handler.deliverBody(body)).rejects.toMatchObject({ code: 'ERR_TOKEN_SIGNATURE' })
  })

  it('is signed for its own generation', async () => {
    const { handler, token, verified } = await countingLine()
    const one = await handler.deliverBody(token(), { generation: 1 })
    const two = await handler.deliverBody(token(), { generation: 2 })
    expect([one.body === two.body, verified()]).toEqual([false, 2])
  })

  it('is verified on another endpoint', async () => {
    const { handler, token, verified } = await countingLine()
    await handler.deliverBody(token())
    await handler.deliverBody(token(), { endpoint: 'config_change_sign_request' })
    expect(verified()).toBe(2)
  })
})

describe('the memory', () => {
  it('is bounded in answers and in the length of what is remembered', async () => {
    const { handler, token, verified } = await countingLine()
    handler.with({ answers: createAnswerMemory({ answers: 4, bodyBytes: 1_000 }) })
    const claims = (n: number) => ({ ...CLAIMS, requestId: `r-${n}` })
    for (let n = 0; n < 5; n += 1) await handler.deliverBody(token(claims(n)))
    expect(verified()).toBe(5)
    await handler.deliverBody(token(claims(4)))
    expect(verified()).toBe(5)
    await handler.deliverBody(token(claims(0)))
    expect(verified()).toBe(6)
    const long = { ...CLAIMS, requestId: 'long', note: 'x'.repeat(1_000) }
    await handler.deliverBody(token(long))
    await handler.deliverBody(token(long))
    expect(verified()).toBe(8)
  })
})

describe('createRecent', () => {
  it('keeps at least half of its size and never more than all of it', () => {
    const recent = createRecent<number>(10)
    for (let n = 0; n < 1_000; n += 1) {
      recent.put(String(n), n)
      const kept = Array.from({ length: n + 1 }, (_, k) => k).filter(
        (k) => recent.get(String(k)) !== undefined,
      )
      expect(kept.length).toBeGreaterThanOrEqual(Math.min(5, n + 1))
      expect(kept.length).toBeLessThanOrEqual(10)
      expect(kept).toEqual(Array.from({ length: kept.length }, (_, k) => n + 1 - kept.length + k))
    }
  })
})
