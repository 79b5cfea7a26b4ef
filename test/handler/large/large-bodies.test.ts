/**
 * The story behind this file: after its signature was verified, one body of 8 MiB kept the event loop, and with it every
 * other callback, for seconds (2,900,000 numbers: 3.5 s; 500,000 members: 1.4 s; 250 legacy inputs: 0.5 s).
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createLargeBodies } from '../../../handler/large/large-bodies.ts'
import { bootLargeThread } from '../../../handler/large/boot.ts'
import { MAX_SHOWN_VALUES } from '../../../handler/large/packed.ts'
import { livePolicy } from '../../../handler/policy/judge.ts'
import { createShadow } from '../../../handler/policy-files/shadow.ts'
import { createSignatureVerifier } from '../../../handler/policy-files/statement-signature.ts'
import { plainVerifier, tokenVerifier } from '../../../handler/protocol/token.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import type { BootedThread } from '../../../common/thread.ts'
import { testKey } from '../../fixtures/keys.ts'
import { line, says } from '../../fixtures/line.ts'
import type { Line } from '../../fixtures/line.ts'
import { base64url, claimsOf, tokenOf } from '../../fixtures/tokens.ts'
import { legacyInputs } from '../../fixtures/utxo-preimages.ts'
import { policyOf } from '../policy/policy.ts'

const live = (yaml: string) => livePolicy(policyOf(yaml), createSignatureVerifier())

const POLICY = live(`
signers: { s-2: signing-only }
lists:
  payees: { kind: vaults, values: ['0', '1'] }
rules:
  - id: verified-only
    when: { operation: TRANSFER, asset: BTC }
    then: APPROVE
    require: { rawTx: { verified: true, tolerate: [fee] } }
  - id: no-bad-content
    when: { operation: any, extraParameters: { path: 'a.*.b', equals: bad } }
    then: REJECT
  - id: held
    when: { operation: any, asset: HELD }
    then: { action: RETRY, hold: {} }
  - id: sol
    when: { operation: any, asset: SOL }
    then: APPROVE
`)

const HOOKED = live(`
hooks: { h: { url: 'https://localhost/h', fallback: RETRY } }
rules:
  - { id: a, when: { operation: any }, then: APPROVE, require: { hook: h } }
`)

let handler: Line
let threads: BootedThread[]
let died: unknown[]
let large: ReturnType<typeof createLargeBodies>

async function openLarge(isPlain = false) {
  const { publicKey } = await testKey('cosigner')
  const { vouch } = isPlain
    ? plainVerifier()
    : tokenVerifier([{ name: 'cosigner-1', key: publicKey }])
  large = createLargeBodies({
    vouch,
    clock: handler.time.clock,
    after: handler.time.after,
    died: (error) => died.push(error),
    boot: () => {
      const booted = bootLargeThread()
      threads.push(booted)
      return booted
    },
  })
  handler.with({ large, policy: () => POLICY })
}

beforeEach(async () => {
  threads = []
  died = []
  handler = await line()
  await openLarge()
})
afterEach(() => large.close())

let count = 0
const claims = (more: object = {}) => {
  count += 1
  const id = `request-${count}`
  return {
    requestId: id,
    txId: id,
    asset: 'SOL',
    fee: '0.1',
    note: 'n'.repeat(64 * 1_024),
    ...more,
  }
}

describe('a body of 64 KiB and more', () => {
  it('is answered, recorded and logged exactly as a small one would be', async () => {
    const destinations = (n: number) =>
      Array.from({ length: n }, (_, at) => ({
        amountNative: 0.5,
        amountNativeStr: '0.5',
        dstType: 'VAULT',
        dstId: String(at),
        displayDstAddress: 'x',
      }))
    const contents = [
      claims(),
      claims({ fee: undefined, unknown: 1, __proto__x: 2 }),
      claims({ signerId: 's-2', fee: undefined }),
      claims({ signerId: 's-1', destinations: destinations(500) }),
      claims({ extraParameters: { a: [{ b: 1 }, { b: 'bad' }] } }),
      claims({ extraParameters: { a: [{ b: 1 }, { b: 'good' }], n: [1.5, -2e3, null, true] } }),
      claims({ asset: 'HELD' }),
      claims({ asset: 'BTC' }),
      claims({ asset: 17 }),
      claims({ asset: 'OTHER' }),
    ]
    const withLarge = await Promise.all(contents.map((each) => handler.ask(each)))
    const small = await line()
    small.with({ policy: () => POLICY })
    const withSmall = await Promise.all(contents.map((each) => small.ask(each)))
    expect(withLarge).toEqual(withSmall)
    expect(new Set(withLarge.map(({ action }) => action))).toEqual(
      new Set(['APPROVE', 'REJECT', 'RETRY']),
    )
    const byId = ({ store }: Line) =>
      store.records
        .map(({ key, decision, evidence: { deliveryId: _deliveryId, ...evidence } }) => ({
          key,
          decision,
          evidence,
        }))
        .toSorted((a, b) => a.key.requestId.localeCompare(b.key.requestId))
    expect(byId(handler)).toEqual(byId(small))
    const byPolicy = handler.store.records.filter(({ key }) => key.stageBy === 'policy')
    expect(byPolicy.map(({ key }) => [key.signerId, key.stage])).toEqual([['s-2', 'signing']])
    const logged = ({ decided }: Line) =>
      decided
        .map(({ deliveryId: _d, durationMs: _m, seq: _s, ...event }) => event)
        .toSorted((a, b) => a.requestId.localeCompare(b.requestId))
    expect(logged(handler)).toEqual(logged(small))
    expect(threads).toHaveLength(1)
  })

  it('needs no thread when there is none that is large', async () => {
    expect(await handler.ask(claims({ note: '' }))).toMatchObject({ action: 'APPROVE' })
    expect(threads).toEqual([])
  })

  // A loop that stands still turns once before and once after.
  it.each([
    [
      'of 85,000 destinations',
      { destinations: Array.from({ length: 85_000 }, () => ({ dstType: 'VAULT', dstId: '1' })) },
    ],
    ['of 1,000,000 numbers', { extraParameters: { a: Array(1_000_000).fill(1) } }],
    [
      'of 300,000 members',
      {
        extraParameters: Object.fromEntries(
          Array.from({ length: 300_000 }, (_, n) => [`k${n}`, 1]),
        ),
      },
    ],
    [
      'of deep lists',
      { extraParameters: { a: Array.from({ length: 50_000 }, () => [[[[[[[[[[[1]]]]]]]]]]]) } },
    ],
  ])('%s lets the loop turn while it is read and evaluated', async (_, more) => {
    // The thread and the policy are there.
    await handler.ask(claims())
    const content = claims(more)
    const body = tokenOf((await testKey('cosigner')).privateKey, content)
    let turns = 0
    let ended = false
    const turn = () => {
      turns += 1
      if (!ended) setTimeout(turn, 1)
    }
    turn()
    const { body: answer } = await handler.deliverBody(body)
    ended = true
    expect(claimsOf(answer)['requestId']).toBe(content.requestId)
    expect(turns).toBeGreaterThan(20)
  })

  // A documented size: 250 inputs of the old kind, each with the whole transaction.
  it('of 250 legacy inputs is verified but for its fee, and approved', async () => {
    const content = claims({
      note: undefined,
      operation: 'TRANSFER',
      asset: 'BTC',
      sourceType: 'VAULT',
      sourceId: '0',
      amountStr: '0.0006',
      requestedAmountStr: '0.0006',
      fee: '0.00001',
      destAddress: 'bc1qjhm0h7vhdyu0d0luv34dlz654rmsvg8twywk99',
      rawTx: legacyInputs(250),
    })
    expect(JSON.stringify(content).length).toBeGreaterThan(5_000_000)
    expect(await handler.ask(content)).toEqual({
      action: 'APPROVE',
      requestId: content.requestId,
      generation: 1,
    })
    expect(handler.store.records.at(-1)?.evidence.rawTx).toBe('unproven: fee')
  })

  it('in `certificate` mode is read there, too', async () => {
    await large.close()
    await openLarge(true)
    handler.with({ mode: 'plain' })
    const content = claims()
    const { body } = await handler.deliverBody(Buffer.from(JSON.stringify(content)))
    expect(JSON.parse(body)).toEqual({ action: 'APPROVE', requestId: content.requestId })
  })
})

describe('a large body that is refused', () => {
  const token = async (text: string | Uint8Array) =>
    tokenOf((await testKey('cosigner')).privateKey, text)
  const padded = (text: string) => `${text.slice(0, -1)},"pad":"${'p'.repeat(70_000)}"}`

  it('is one that no co-signer signed: the thread does not hear of it', async () => {
    const body = tokenOf((await testKey('second')).privateKey, claims())
    await expect(handler.deliverBody(body)).rejects.toMatchObject({ code: 'ERR_TOKEN_SIGNATURE' })
    expect(threads).toEqual([])
  })

  it.each([
    ['the form of an answer', padded('{"requestId":"r","action":"APPROVE"}')],
    ['99 levels', padded(`{"requestId":"r","a":${'['.repeat(99)}${']'.repeat(99)}}`)],
  ])('is answered RETRY when it has %s', async (_, text) => {
    const { body } = await handler.deliverBody(await token(text))
    expect(claimsOf(body)).toMatchObject({
      action: 'RETRY',
      requestId: 'r',
      rejectionReason: 'ERR_UNREADABLE',
    })
  })

  it.each([
    ['ERR_TOKEN_MALFORMED', padded('{"requestId":"r","a":1,"a":2}')],
    ['ERR_TOKEN_TIME', padded('{"requestId":"r","exp":1}')],
    ['ERR_REQUEST_UNIDENTIFIED', padded('{"requestId":""}')],
  ])('gets its bare status: %s', async (code, text) => {
    await expect(handler.deliverBody(await token(text))).rejects.toMatchObject({ code })
    expect(await handler.ask(claims())).toMatchObject({ action: 'APPROVE' })
  })

  it('is one whose turn comes after its deadline', async () => {
    const late = handler.deliver(claims(), { deadlineMs: 300 })
    await handler.time.advance(301)
    await expect(late).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
    const next = handler.deliver(claims(), { deadlineMs: 0 })
    await expect(next).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
    expect(await handler.ask(claims())).toMatchObject({ action: 'APPROVE' })
  })

  it('has an encoding that is not canonical', async () => {
    const { privateKey } = await testKey('cosigner')
    const body = tokenOf(privateKey, claims()).toString('latin1')
    const [header = ''] = body.split('.')
    const { sign } = await import('node:crypto')
    const signed = `${header}.${base64url('x'.repeat(70_000))}=`
    const bad = `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
    await expect(handler.deliverBody(Buffer.from(bad))).rejects.toMatchObject({
      code: 'ERR_TOKEN_MALFORMED',
    })
  })
})

describe('people, functions and services', () => {
  const many = (values: number) => claims({ players: Array(values).fill('p') })

  it('are shown a large request as it is', async () => {
    const seen: CallbackRequest[] = []
    const advisers = {
      decider: async (request: CallbackRequest) => {
        seen.push(request)
        return undefined
      },
    }
    const content = claims({
      destinations: [{ amountNativeStr: '0.5', amountUSD: 1.25, dstId: '1', dstType: 'VAULT' }],
      extraParameters: { list: [1, 'x', null, { deep: true }], empty: {} },
    })
    handler.with({ advisers })
    await handler.ask(content)
    const small = await line()
    small.with({ policy: () => POLICY, advisers })
    await small.ask(content)
    expect(seen).toHaveLength(2)
    expect(plain(seen[0])).toEqual(plain(seen[1]))
    expect(Object.isFrozen(seen[0]) && Object.isFrozen(seen[0]?.requestId)).toBe(true)
  })

  it.each(['decider', 'hooks', 'holds'])('are shown none that is too large: %s', async (who) => {
    const asked: string[] = []
    handler.with({
      advisers: {
        ...(who === 'decider' ? { decider: async () => (asked.push('decider'), undefined) } : {}),
        hooks: { call: async () => (asked.push('hooks'), 'allow' as const) },
        holds: {
          fullLimits: async () => [],
          state: async () => (asked.push('holds'), 'released' as const),
        },
      },
      ...(who === 'hooks' ? { policy: () => HOOKED } : {}),
    })
    const asset = who === 'holds' ? { asset: 'HELD' } : {}
    const fits = { ...many(MAX_SHOWN_VALUES - 200), ...asset }
    const answer = await handler.ask(fits)
    expect(answer).toEqual({ action: 'APPROVE', requestId: fits.requestId, generation: 1 })
    expect(asked).toEqual([who])
    const above = { ...many(MAX_SHOWN_VALUES), ...asset }
    expect(await handler.ask(above)).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_POLICY',
    })
    expect(asked).toEqual([who])
  })
})

describe('the thread', () => {
  it('evaluates with the policy in force, of the last four', async () => {
    const approving = Array.from({ length: 6 }, (_, n) =>
      live(`rules:\n  - { id: rule-${n}, when: { operation: any }, then: APPROVE }\n`),
    )
    for (const at of [0, 1, 2, 3, 4, 5, 0, 5, 4]) {
      handler.with({ policy: () => approving[at] ?? POLICY })
      await handler.ask(claims())
      expect(handler.store.records.at(-1)?.decision.rule).toBe(`rule-${at}`)
    }
  })

  it('asks the shadow policy, too', async () => {
    const shadow = live('rules:\n  - { id: all, when: { operation: any }, then: REJECT }\n')
    const loaded = { policy: policyOf(''), live: shadow, at: new Date(), kept: [] }
    const source = {
      current: () => loaded,
      problems: () => [],
      poll: async () => undefined,
      reload: async () => ({ kind: 'unchanged' as const, digest: '' }),
    }
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    handler.with({ advisers: { shadow: createShadow(source, log, () => undefined) } })
    await handler.ask(claims())
    expect(handler.store.records.at(-1)?.evidence.shadow).toMatchObject({
      action: 'REJECT',
      rule: 'all',
      liveAction: 'APPROVE',
      semantics: 2,
    })
  })

  it('cannot be asked with a policy that only this thread has: a signed RETRY', async () => {
    handler.with({ policy: () => ({ digest: 'd', evaluate: () => says('APPROVE') }) })
    expect(await handler.ask(claims())).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_POLICY',
    })
  })

  it('that dies is reported, costs what it was asked, and the next body starts another', async () => {
    await handler.ask(claims())
    const lost = handler.deliver(claims({ extraParameters: { a: Array(1_000_000).fill(1) } }))
    lost.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await threads[0]?.worker.terminate()
    await expect(lost).rejects.toThrow('the thread ended')
    expect(died).toHaveLength(1)
    expect(await handler.ask(claims())).toMatchObject({ action: 'APPROVE' })
    expect(threads).toHaveLength(2)
  })

  it('that hangs is ended after a minute', async () => {
    await handler.ask(claims())
    const body = claims({ extraParameters: { a: Array(1_500_000).fill(1) } })
    const hangs = handler.deliver(body, { deadlineMs: 100_000 })
    hangs.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await handler.time.advance(60_001)
    await expect(hangs).rejects.toThrow('the thread ended')
  })

  it('lets go of a request that has been answered', async () => {
    const { privateKey } = await testKey('cosigner')
    const body = tokenOf(privateKey, claims())
    const read = async () => {
      const { content, cosigner } = large.vouch(body)
      const delivery = {
        deliveryId: 'd',
        endpoint: 'tx_sign_request' as const,
        generation: 1,
        body,
        deadlineAtMs: 25_000,
      }
      const found = await large.read(delivery, content, cosigner, undefined)
      if (found.kind !== 'request') throw new Error(found.kind)
      return found.request
    }
    const request = await read()
    expect(await request.whole()).toMatchObject({ asset: 'SOL' })
    request.release?.()
    await expect(request.whole()).rejects.toThrow('not here any more')
  })

  it('starts no more once the handler stops', async () => {
    await large.close()
    await expect(handler.deliver(claims())).rejects.toThrow('the handler is stopping')
  })
})

/** Without prototypes, which differ. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}
