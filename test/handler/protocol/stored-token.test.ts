import { describe, expect, it } from '@jest/globals'
import { malformedKey, requestKey } from '../../../handler/protocol/digest.ts'
import { splitCompact } from '../../../handler/protocol/jws.ts'
import { parseRequest, usableIn } from '../../../handler/protocol/parse-request.ts'
import {
  claimsOf,
  readRecent,
  readStored,
  recordedKey,
} from '../../../handler/protocol/stored-token.ts'
import { transfer } from '../../fixtures/handler.ts'
import { testKey } from '../../fixtures/keys.ts'
import { tokenOf } from '../../fixtures/tokens.ts'

const TX = 'tx_sign_request'
const entry = (more: object) => ({ dstType: 'VAULT', dstId: '1', amountNative: 1, ...more })

describe('a stored token', () => {
  it('is read with the identity that its claims have now, as the plain body of the same claims is', async () => {
    const { privateKey } = await testKey('cosigner')
    const token = tokenOf(privateKey, transfer('a', '1')).toString()
    const stored = readStored(TX, token, 'main')
    const claims = claimsOf(token)
    const parsed = claims && parseRequest(TX, claims)
    if (parsed?.kind !== 'request') throw new Error('the claims are a request')
    expect(stored).toEqual({ key: requestKey(parsed.request, 'main'), request: parsed.request })
    expect(readStored(TX, JSON.stringify(transfer('a', '1')), 'main')).toEqual(stored)
    expect(readStored(TX, token, 'other')?.key).not.toEqual(stored?.key)
  })

  it.each([
    ['no text', ''],
    ['no JSON', 'x'],
    ['a list', '[]'],
    ['two parts', 'e30.e30'],
    ['four parts', 'e30.e30.e30.e30'],
    ['a payload that is no base64url', 'e30.e30=.e30'],
    ['claims without an id', '{}'],
  ])('is none: %s', (_, text) => {
    expect(readStored(TX, text, 'main')).toBeUndefined()
  })

  it('has three parts', () => {
    expect(splitCompact('a.b.c')).toEqual({ header: 'a', payload: 'b', signature: 'c' })
    expect(['a', 'a.b', 'a.b.c.d'].map(splitCompact)).toEqual([undefined, undefined, undefined])
  })

  it('that is malformed has an identity and no request', () => {
    const claims = { ...transfer('a', '1'), txId: 5 }
    const stored = readStored(TX, JSON.stringify(claims), 'main')
    expect(stored?.request).toBeUndefined()
    expect(stored?.key.requestId).toBe('a')
  })
})

describe('a token of more values than are compared in one go', () => {
  const many = JSON.stringify(transfer('many', '1', { players: Array<string>(20_000).fill('p') }))

  it('is too large to be read for what it asks, and still read for people', () => {
    expect(readRecent(TX, many)).toBe('too-large')
    expect(readStored(TX, many, 'main')?.key.requestId).toBe('many')
    expect(claimsOf(many)).toMatchObject({ requestId: 'many' })
  })
})

describe('tokens that were read last', () => {
  it('are kept, the oldest goes first, and long ones are read again', () => {
    const text = (id: string, more = {}) => JSON.stringify(transfer(id, '1', more))
    const first = readRecent(TX, text('first'))
    expect(readRecent(TX, text('first'))).toBe(first)
    expect(readRecent('config_change_sign_request', text('first'))).not.toBe(first)
    for (let n = 0; n < 40; n += 1) readRecent(TX, text(`other-${n}`))
    expect(readRecent(TX, text('first'))).not.toBe(first)
    expect(readRecent(TX, text('first'))).toEqual(first)
    const long = text('long', { note: 'n'.repeat(20_000) })
    expect(readRecent(TX, long)).not.toBe(readRecent(TX, long))
  })
})

describe('the identity of version 1', () => {
  const keys = (claims: object) => {
    const read = claimsOf(JSON.stringify(claims))
    if (read === undefined) throw new Error('these are claims')
    const key = (version: number, isMalformed = false) =>
      recordedKey({ endpoint: TX, version, isMalformed }, read, 'main')
    return { read, now: key(2), then: key(1), malformed: key(1, true) }
  }

  it('knew no tags', () => {
    const [plain, tagged] = [{}, { dstTag: '7' }].map((more) =>
      keys(transfer('a', '1', { destinations: [entry(more)] })),
    )
    expect(tagged?.then).toEqual(plain?.then)
    expect(tagged?.now).not.toEqual(plain?.now)
  })

  it('took an address that is shown for the signing stage, in what cannot be read, too', () => {
    const shown = { destinations: [entry({ displayDstAddress: 'x' })] }
    expect(keys(transfer('a', '1', shown)).then.stage).toBe('signing')
    // It refused a member of another type as malformed, and everything that was sent was the identity.
    const { read, malformed } = keys({ ...transfer('a', '1', shown), sourceId: 5 })
    const usable = usableIn(TX, read)
    expect(malformed).toEqual(malformedKey({ ...usable, stage: 'signing' }, read))
    expect(keys({ ...transfer('a', '1'), sourceId: 5 }).malformed.stage).toBe('approval')
  })

  it('is that of today for a configuration change, and there is one without a type', () => {
    const endpoint = 'config_change_sign_request'
    const key = (text: string, version: number) =>
      recordedKey({ endpoint, version, isMalformed: false }, claimsOf(text) ?? {}, 'main')
    const change = '{"requestId":"c","type":"ADD_USER","extraInfo":{},"signerId":"s"}'
    expect(key(change, 1)).toEqual(key(change, 2))
    const untyped = '{"requestId":"c","extraInfo":{}}'
    expect(key(untyped, 1)).not.toEqual(key(untyped, 2))
  })
})
