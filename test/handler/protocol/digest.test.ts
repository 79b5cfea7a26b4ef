import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { RequestKey } from '../../../handler/protocol/digest.ts'
import { malformedKey, requestKey } from '../../../handler/protocol/digest.ts'
import type { Endpoint } from '../../../handler/protocol/endpoints.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest, usableIn } from '../../../handler/protocol/parse-request.ts'
import { Unreadable } from '../../../handler/protocol/request.ts'
import type { TxSignRequest } from '../../../handler/protocol/request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { ETH_PAYLOAD } from '../../fixtures/tokens.ts'

type Members = Record<string, unknown>

/** A request with every member. */
const FULL: Members = {
  ...(JSON.parse(ETH_PAYLOAD) as Members),
  signerId: 's',
  note: 'n',
  externalTxId: 'e',
  extraParameters: { b: [1.5, true, null, 'x'], a: { c: false, d: -1 } },
}

const CONFIG: Members = { requestId: 'r', type: 'ADD_USER', extraInfo: { a: 1 } }

function keyOf(
  text: string | Members,
  endpoint: Endpoint = 'tx_sign_request',
  cosigner = 'c',
): RequestKey {
  const claims = parseStrictJson(typeof text === 'string' ? text : JSON.stringify(text))
  if (!isObject(claims)) throw new Error('not an object')
  const parsed = parseRequest(endpoint, claims)
  return parsed.kind === 'request'
    ? requestKey(parsed.request, cosigner)
    : malformedKey(usableIn(endpoint, claims), claims)
}

function requestOf(members: Members): TxSignRequest {
  const claims = parseStrictJson(JSON.stringify(members))
  const parsed = isObject(claims) ? parseRequest('tx_sign_request', claims) : undefined
  if (parsed?.kind === 'request' && parsed.request.endpoint === 'tx_sign_request') {
    return parsed.request
  }
  throw new Error('no request')
}

/** All members but those of the head that are not identified: what names them is tested on its own. */
function namesOf(object: object): string[] {
  const head = ['endpoint', 'stage', 'unknownMembers']
  return Object.keys(object).filter((name) => !head.includes(name))
}

/** Another value of the same type. */
function changedValue(object: object, name: string): unknown {
  const value: unknown = Reflect.get(object, name)
  if (typeof value === 'string') return `${value}x`
  if (Array.isArray(value)) return []
  return value === undefined ? null : undefined
}

/** The same value with its members in another order, at every level. */
function shuffled(value: unknown, turn: number): unknown {
  if (Array.isArray(value)) return value.map((element) => shuffled(element, turn))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(
    ([name, member]) => [name, shuffled(member, turn)] as const,
  )
  const at = entries.length === 0 ? 0 : turn % entries.length
  return Object.fromEntries([...entries.slice(at), ...entries.slice(0, at)].toReversed())
}

describe('requestKey', () => {
  it('names the request and hashes what is in it', () => {
    const key = keyOf(FULL)
    expect(key).toEqual({
      endpoint: 'tx_sign_request',
      requestId: FULL['requestId'],
      signerId: 's',
      stage: 'signing',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      coreDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      fingerprint: expect.any(Number),
    })
    expect(Object.isFrozen(key)).toBe(true)
    expect(keyOf({ ...FULL, signerId: undefined }).signerId).toBe('')
    expect(keyOf({ ...FULL, signerId: null }).signerId).toBe('')
  })

  it('does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.nat(1000), (turn) => {
        expect(keyOf(shuffled(FULL, turn) as Members)).toEqual(keyOf(FULL))
      }),
    )
  })

  it('does not depend on spelling: escapes, white space, trailing zeros', () => {
    const text = JSON.stringify(FULL)
    expect(keyOf(JSON.stringify(FULL, undefined, 2))).toEqual(keyOf(text))
    expect(keyOf(text.replace('"ETH"', String.raw`"\u0045TH"`))).toEqual(keyOf(text))
    expect(
      keyOf(text.replace('"requestedAmountStr":"0.01"', '"requestedAmountStr":"0.0100"')),
    ).toEqual(keyOf(text))
    expect(keyOf(text.replace('[1.5,', '[15.0e-1,'))).toEqual(keyOf(text))
  })

  it('does not depend on members that no rule can see', () => {
    expect(keyOf({ ...FULL, brandNew: 1, action: {} })).toEqual(keyOf(FULL))
  })

  it('changes with every member that a rule can see', () => {
    const [destination] = FULL['destinations'] as Members[]
    const [rawTx] = FULL['rawTx'] as Members[]
    const texts =
      'operation sourceType sourceId destType destId asset destAddressType destAddress note externalTxId txId ' +
      'requestId signerId'
    const changes: Members[] = texts.split(' ').map((name) => ({ [name]: 'changed' }))
    changes.push(
      { fee: '0.1' },
      { amountStr: '0.010000000000000001' },
      { requestedAmountStr: '0.010000000000000001' },
      { players: ['a'] },
      { players: [] },
      { extraParameters: { b: [1.5, true, null, 'x'], a: { c: false, d: -2 } } },
      { extraParameters: { b: [1.5, true, null, 'x'], a: { c: true, d: -1 } } },
      { extraParameters: { b: [1.5, true, null, 'x', null], a: { c: false, d: -1 } } },
      { rawTx: [rawTx, rawTx] },
      ...['rawTx', 'payload', 'keyDerivationPath'].map((name) => ({
        rawTx: [{ ...rawTx, [name]: 'changed' }],
      })),
      { destinations: [destination, destination] },
      { destinations: [{ ...destination, amountNativeStr: '0.010000000000000001' }] },
      { destinations: [{ ...destination, amountUSD: 1 }] },
      ...[
        'dstAddressType',
        'dstId',
        'dstName',
        'dstSubType',
        'dstType',
        'dstWalletId',
        'dstAddress',
        'displayDstAddress',
      ].map((name) => ({ destinations: [{ ...destination, [name]: 'changed' }] })),
    )
    const digests = changes.map((change) => keyOf({ ...FULL, ...change }).digest)
    expect(new Set([keyOf(FULL).digest, ...digests]).size).toBe(changes.length + 1)
  })

  // Version 0.1.0 listed the members of a request in its reader and again in its identity; a member that was added to one
  // list only could be changed between two deliveries of what counted as the same request.
  it('changes with every member that is read, whichever they are', () => {
    const request = requestOf(FULL)
    const { destinations, rawTx } = request
    const [[destination = {}], [entry = {}]] = [destinations, rawTx].map((list) =>
      list instanceof Unreadable ? [] : (list ?? []),
    ) as [object[], object[]]
    const changes: object[] = [
      ...namesOf(request).map((name) => ({ [name]: changedValue(request, name) })),
      ...namesOf(destination).map((name) => ({
        destinations: [{ ...destination, [name]: changedValue(destination, name) }],
      })),
      ...namesOf(entry).map((name) => ({
        rawTx: [{ ...entry, [name]: changedValue(entry, name) }],
      })),
    ]
    const digests = changes.map(
      (change) => requestKey(Object.assign({}, request, change), 'c').digest,
    )
    expect(new Set([requestKey(request, 'c').digest, ...digests]).size).toBe(changes.length + 1)
  })

  it('is what it was in version 0.1.0, whose stores hold it', () => {
    expect(keyOf(FULL)).toMatchObject({
      digest: '0130758c747e4d0cb2c5372626d9a06cd91f213aebb2ba32ae9e387b918997c3',
      coreDigest: 'f78599322d679c3873adc2a648acbf211ffe2fe5881bba13c5d82bc5960373bd',
    })
    expect(keyOf(CONFIG, 'config_change_sign_request')).toMatchObject({
      digest: '583708be95751b969609ec699efd8268e24b0d135f52de5cd23e803a903a24e2',
      coreDigest: 'a9e8bce2e0a3d1730d1617d48f9195c7a40a7ad0a5ec95a404a1c7510c252dae',
    })
    expect(keyOf({ ...FULL, txId: 7 }).digest).toBe(
      '34c2497c5df52e853792499bbcc5e25caeea6dbe6935e72feb3febad122a1eef',
    )
  })

  it('tells absent, null, empty and the word apart, in every text', () => {
    for (const name of ['note', 'asset', 'destAddress', 'sourceId', 'signerId', 'externalTxId']) {
      const digests = [undefined, null, '', 'n', 'u', 'null', 's0:'].map(
        (value) => keyOf({ ...FULL, [name]: value }).digest,
      )
      expect(new Set(digests).size).toBe(7)
    }
  })

  it('counts what is unreadable as it was sent', () => {
    const values = [7, 8, ['x'], [['x']], {}, { sent: 'x' }, true, 'x', null, undefined]
    for (const name of ['asset', 'players', 'fee', 'destinations', 'extraParameters', 'signerId']) {
      const digests = values.map((value) => keyOf({ ...FULL, [name]: value }).digest)
      // A text is no fee, and no list: it is unreadable there, too.
      expect(new Set(digests).size).toBe(values.length)
    }
    const amounts = ['-1', '1e99', 'x', '1', '1.0', '1e0'].map((amountStr) => {
      return keyOf({ ...FULL, amount: undefined, amountStr }).digest
    })
    expect(new Set(amounts).size).toBe(4)
  })

  it('tells a number that is another amount than its text from one that is not', () => {
    const keys = [0.01, 5, 6].map((amount) => keyOf({ ...FULL, amount, amountStr: '0.01' }))
    expect(keys[1]?.digest).not.toBe(keys[0]?.digest)
    expect(keys[2]).toEqual(keys[1])
  })

  it('cannot be confused by moving text from one member to the next', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 6 }),
        fc.string({ maxLength: 6 }),
        fc.nat(12),
        (a, b, at) => {
          const whole = a + b
          const moved = { sourceType: whole.slice(0, at), sourceId: whole.slice(at) }
          fc.pre(moved.sourceType !== a)
          const one = keyOf({ ...FULL, sourceType: a, sourceId: b })
          expect(keyOf({ ...FULL, ...moved }).digest).not.toBe(one.digest)
        },
      ),
    )
  })

  it('is another for another co-signer, whose rules may differ', () => {
    const [one, two] = [keyOf(FULL, 'tx_sign_request', 'a'), keyOf(FULL, 'tx_sign_request', 'b')]
    expect(one.digest).not.toBe(two.digest)
    expect(one.coreDigest).toBe(two.coreDigest)
  })
})

describe('coreDigest', () => {
  const [destination] = FULL['destinations'] as Members[]

  it('is the same in both stages of one transaction', () => {
    const { rawTx: _rawTx, fee: _fee, ...rest } = FULL
    const { displayDstAddress: _shown, ...plain } = destination ?? {}
    const approval = keyOf({ ...rest, destinations: [plain] })
    const signing = keyOf(FULL)
    expect([approval.stage, signing.stage]).toEqual(['approval', 'signing'])
    expect(approval.coreDigest).toBe(signing.coreDigest)
    expect(approval.digest).not.toBe(signing.digest)
  })

  it.each([
    ['operation', { operation: 'RAW' }],
    ['asset', { asset: 'BTC' }],
    ['amount', { amountStr: '0.010000001', amount: undefined }],
    ['source', { sourceId: '7' }],
    ['destination', { destId: '7' }],
    ['address', { destAddress: '0x0' }],
    ['list of destinations', { destinations: [destination, destination] }],
    [
      'amount of a destination',
      { destinations: [{ ...destination, amountNativeStr: '0.010000001' }] },
    ],
    ['address of a destination', { destinations: [{ ...destination, dstAddress: '0x0' }] }],
  ])('changes with the %s', (_, change) => {
    expect(keyOf({ ...FULL, ...change }).coreDigest).not.toBe(keyOf(FULL).coreDigest)
  })

  it('does not change with what only describes', () => {
    expect(keyOf({ ...FULL, note: 'other', players: [], externalTxId: null }).coreDigest).toBe(
      keyOf(FULL).coreDigest,
    )
  })
})

describe('keys of configuration changes', () => {
  it('hash type and content', () => {
    const key = keyOf(CONFIG, 'config_change_sign_request')
    for (const change of [
      { type: 'X' },
      { extraInfo: { a: 2 } },
      { extraInfo: null },
      { extraInfo: {} },
      { type: null },
    ]) {
      const other = keyOf({ ...CONFIG, ...change }, 'config_change_sign_request')
      expect(other.digest).not.toBe(key.digest)
      expect(other.coreDigest).not.toBe(key.coreDigest)
    }
    expect(keyOf({ ...CONFIG, signerId: 's' }, 'config_change_sign_request').digest).not.toBe(
      key.digest,
    )
  })
})

describe('malformedKey', () => {
  it('counts all that was sent, in any order', () => {
    const broken = { ...FULL, txId: 1 }
    expect(keyOf(broken)).toMatchObject({
      requestId: FULL['requestId'],
      signerId: 's',
      stage: 'signing',
    })
    expect(keyOf(shuffled(broken, 3) as Members)).toEqual(keyOf(broken))
    expect(keyOf({ ...broken, unknown: 1 }).digest).not.toBe(keyOf(broken).digest)
    expect(keyOf({ ...broken, signerId: [] }).signerId).toBe('')
  })

  it('is no key of a request that can be read', () => {
    expect(keyOf({ ...FULL, txId: 1 }).coreDigest).not.toBe(keyOf(FULL).coreDigest)
  })
})
