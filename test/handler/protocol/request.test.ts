import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { CallbackError } from '../../../handler/protocol/errors.ts'
import type { Endpoint } from '../../../handler/protocol/endpoints.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import type { JsonObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import { Unreadable } from '../../../handler/protocol/request.ts'
import type { CallbackRequest, Parsed } from '../../../handler/protocol/request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { ETH_PAYLOAD } from '../../fixtures/tokens.ts'

function claimsOf(value: string | object): JsonObject {
  const claims = parseStrictJson(typeof value === 'string' ? value : JSON.stringify(value))
  if (isObject(claims)) return claims
  throw new Error('not an object')
}

function parse(value: string | object, endpoint: Endpoint = 'tx_sign_request'): Parsed {
  return parseRequest(endpoint, claimsOf(value))
}

/** The request, or why there is none. */
function requestOf(value: string | object, endpoint?: Endpoint): CallbackRequest {
  const parsed = parse(value, endpoint)
  if (parsed.kind === 'request') return parsed.request
  throw new Error(parsed.kind)
}

/** What one member reads as: the unreadable by what was sent. */
function memberOf(name: string, value: string): unknown {
  const request = requestOf(`{"requestId":"r","txId":"t","${name}":${value}}`)
  return plain(Reflect.get(request, name.replace(/Str$/, '')))
}

function plain(value: unknown): unknown {
  if (value instanceof Unreadable) return { unreadable: value.sent }
  return Array.isArray(value) ? value.map((each: object) => plainMembers(each)) : value
}

function plainMembers(value: object): object {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries.map(([name, each]) => [name, plain(each)]))
}

function flawOf(value: string | object, endpoint?: Endpoint): string {
  const parsed = parse(value, endpoint)
  if (parsed.kind === 'unreadable') return parsed.reason
  return parsed.kind === 'request'
    ? 'none'
    : `${parsed.malformed.reasonCode} ${parsed.malformed.member}`
}

const MINIMAL = { requestId: 'r', txId: 't' }
const CONFIG = { requestId: 'r', type: 'UNMANAGED_WALLET', extraInfo: { asset: 'BTC' } }

/** Some other JSON types for a member. */
const OTHERS = [
  'null',
  '""',
  '[]',
  '{}',
  'true',
  '0',
  '"x"',
  '[null]',
  '[{}]',
  '-1',
  '1e999',
  '["x"]',
  '[[]]',
]

describe('parseRequest of transactions', () => {
  it('reads the published request', () => {
    const request = requestOf(ETH_PAYLOAD)
    expect(request).toEqual({
      endpoint: 'tx_sign_request',
      stage: 'signing',
      requestId: '48f6871c-0467-4b56-8c44-426f3d6487f5',
      signerId: undefined,
      unknownMembers: [],
      txId: '48f6871c-0467-4b56-8c44-426f3d6487f5',
      operation: 'TRANSFER',
      sourceType: 'VAULT',
      sourceId: '0',
      destType: 'VAULT',
      destId: '1',
      asset: 'ETH',
      amount: { units: 1n, scale: 2 },
      requestedAmount: { units: 1n, scale: 2 },
      fee: { units: 584261607657n, scale: 15 },
      destAddressType: 'WHITELISTED',
      destAddress: '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
      destinations: [
        {
          amountNative: { units: 1n, scale: 2 },
          amountUSD: { units: 1874501936n, scale: 8 },
          dstAddressType: 'WHITELISTED',
          dstId: '1',
          dstName: 'Network Deposits',
          dstSubType: '',
          dstType: 'VAULT',
          dstWalletId: '',
          dstAddress: undefined,
          displayDstAddress: '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
        },
      ],
      players: [
        '21926ecc-4a8a-4614-bbac-7c591aa7efdd',
        '27900737-46f6-4097-a169-d0ff45649ed5',
        'f89cac50-c656-4e74-879f-041aff8d01b5',
      ],
      extraParameters: undefined,
      note: undefined,
      externalTxId: undefined,
      rawTx: [
        {
          keyDerivationPath: '[ 44, 60, 0, 0, 0 ]',
          rawTx:
            '02ef0104843b9aca0085067a51be85825208945dc69b1fbb13bafd09af88a782f0f285772ad5f8872386f26fc1000080c0',
          payload: '6ca18c47ccd8dd47bb0b0b0c73cc5237bbff9d0eaae469ca65a672329643bfda',
        },
      ],
    })
  })

  it('is content with two ids: everything else may be absent', () => {
    const request = requestOf(MINIMAL)
    expect(request).toMatchObject({
      stage: 'approval',
      operation: 'TRANSFER',
      requestId: 'r',
      txId: 't',
    })
    expect(request).toMatchObject({
      amount: undefined,
      destinations: undefined,
      players: undefined,
    })
  })

  it('freezes what it returns', () => {
    const request = requestOf(ETH_PAYLOAD)
    if (request.endpoint !== 'tx_sign_request') throw new Error('wrong endpoint')
    const { destinations, players, rawTx, unknownMembers } = request
    const parts = [request, destinations, players, rawTx, unknownMembers]
    const entries = [destinations, rawTx].map((list) => (Array.isArray(list) ? list[0] : undefined))
    for (const part of [...parts, ...entries]) expect(Object.isFrozen(part)).toBe(true)
  })

  it('keeps unknown operations, types and addresses as sent', () => {
    expect(
      requestOf({
        ...MINIMAL,
        operation: 'PROGRAM_CALL',
        destType: 'ONE_TIME_ADDRESS',
        sourceType: '',
      }),
    ).toMatchObject({
      operation: 'PROGRAM_CALL',
      destType: 'ONE_TIME_ADDRESS',
      sourceType: '',
    })
  })

  it('tells absent, null and empty apart', () => {
    expect(requestOf(MINIMAL)).toMatchObject({ note: undefined, destinations: undefined })
    expect(
      requestOf({ ...MINIMAL, note: null, destinations: null, amountStr: null }),
    ).toMatchObject({
      note: null,
      destinations: null,
      amount: null,
    })
    expect(requestOf({ ...MINIMAL, note: '', destinations: [] })).toMatchObject({
      note: '',
      destinations: [],
    })
  })

  it('lists the members that it does not know, and no endless list of them', () => {
    expect(requestOf({ ...MINIMAL, iat: 1, sourceTags: ['a'], action: {} }).unknownMembers).toEqual(
      ['iat', 'sourceTags'],
    )
    const many = Object.fromEntries(
      Array.from({ length: 1000 }, (_, n) => [`${n}${'x'.repeat(99)}`, n]),
    )
    const { unknownMembers } = requestOf({ ...MINIMAL, ...many })
    expect(unknownMembers).toHaveLength(32)
    expect(unknownMembers.every((name) => name.length === 64)).toBe(true)
  })

  it.each([
    ['text', '"[ 44, 60, 0, 0, 0 ]"', '[ 44, 60, 0, 0, 0 ]'],
    ['numbers', '[44,60,0,0,0]', '[ 44, 60, 0, 0, 0 ]'],
    ['null', 'null', null],
  ])('reads a derivation path sent as %s', (_, sent, path) => {
    const request = requestOf(
      `{"requestId":"r","txId":"t","rawTx":[{"keyDerivationPath":${sent}}]}`,
    )
    expect(request).toMatchObject({ rawTx: [{ keyDerivationPath: path }] })
  })

  it.each(['[1.5]', '[-1]', '["44"]', '[1e3]', '7', '{}', '[99999999999]'])(
    'cannot read the derivation path %s',
    (sent) => {
      expect(memberOf('rawTx', `[{"keyDerivationPath":${sent}}]`)).toEqual([
        { keyDerivationPath: { unreadable: parseStrictJson(sent) } },
      ])
    },
  )

  it.each([
    ['raw transactions', { rawTx: [] }, 'signing'],
    ['raw transactions of null', { rawTx: null }, 'signing'],
    ['a fee', { fee: '0.1' }, 'signing'],
    ['a fee of null', { fee: null }, 'signing'],
    ['a shown address alone', { destinations: [{}, { displayDstAddress: 'x' }] }, 'approval'],
    [
      'a shown address and a fee',
      { fee: '1', destinations: [{ displayDstAddress: 'x' }] },
      'signing',
    ],
    ['other addresses', { destinations: [{ dstAddress: 'x' }] }, 'approval'],
    ['no destinations', { destinations: null }, 'approval'],
  ])('knows the stage by %s', (_, members, stage) => {
    expect(requestOf({ ...MINIMAL, ...members }).stage).toBe(stage)
  })

  it.each([
    ['absent', {}],
    ['null', { requestId: null }],
    ['a number', { requestId: 1 }],
    ['a list', { requestId: ['r'] }],
    ['an object', { requestId: { toString: 'r' } }],
    ['empty', { requestId: '' }],
    ['too long', { requestId: 'r'.repeat(129) }],
    ['with a line break', { requestId: 'r\n' }],
    ['with NUL', { requestId: 'r\u0000' }],
    ['not ASCII', { requestId: 'ü' }],
    ['with a bidirectional override', { requestId: 'r\u202e' }],
  ])('cannot answer when the requestId is %s', (_, members) => {
    for (const endpoint of ['tx_sign_request', 'config_change_sign_request'] as const) {
      expect(() => parse({ txId: 't', ...members }, endpoint)).toThrow(
        expect.objectContaining({ code: 'ERR_REQUEST_UNIDENTIFIED', status: 400 }),
      )
    }
  })

  it.each([
    'r',
    'r'.repeat(128),
    ' ',
    '~',
    '"\\<script>',
    '9c794cee-7e27-46c9-9e9a-ed68295ff06b_0',
  ])('takes %j as requestId', (requestId) => {
    expect(requestOf({ txId: 't', requestId }).requestId).toBe(requestId)
  })

  it.each([
    ['absent', undefined, 'MISSING txId'],
    ['null', null, 'MISSING txId'],
    ['a number', 7, 'BAD_IDENTIFIER txId'],
    ['empty', '', 'BAD_IDENTIFIER txId'],
    ['not ASCII', 'Ⅷ', 'BAD_IDENTIFIER txId'],
  ])('refuses a txId that is %s', (_, txId, flaw) => {
    expect(flawOf({ requestId: 'r', txId })).toBe(flaw)
  })

  it('says who asked even if the rest is malformed, as far as that is usable', () => {
    const parsed = parse({ requestId: 'r', txId: 7, signerId: 's', asset: 1, fee: '1' })
    expect(parsed).toEqual({
      kind: 'malformed',
      malformed: {
        endpoint: 'tx_sign_request',
        stage: 'signing',
        requestId: 'r',
        signerId: 's',
        txId: undefined,
        reasonCode: 'BAD_IDENTIFIER',
        member: 'txId',
      },
    })
    expect(parse({ requestId: 'r', txId: [], signerId: 'ü' })).toMatchObject({
      malformed: { txId: undefined, signerId: undefined },
    })
  })

  // Version 0.1.0 refused each of these for good, whether or not a rule looked at the member; the vendor says that types drift.
  it.each([
    'signerId',
    'operation',
    'sourceType',
    'sourceId',
    'destType',
    'destId',
    'asset',
    'destAddressType',
    'destAddress',
    'note',
    'externalTxId',
    'fee',
    'amountStr',
    'requestedAmountStr',
  ])('cannot read %s that is no text, and reads the rest', (name) => {
    for (const value of ['1', 'true', '[]', '{}', '["x"]']) {
      expect(memberOf(name, value)).toEqual({ unreadable: parseStrictJson(value) })
    }
  })

  // Forty signer ids of 1 MiB made the process keep 250 MB and write a file of 41 MB each second.
  it('cannot read a signerId that is longer than any id, and takes every other as it is', () => {
    for (const signerId of ['s'.repeat(129), 's'.repeat(1_048_576)]) {
      expect(memberOf('signerId', JSON.stringify(signerId))).toEqual({ unreadable: signerId })
    }
    for (const signerId of ['s'.repeat(128), '', 'ü', null]) {
      expect(requestOf({ ...MINIMAL, signerId })).toMatchObject({ signerId })
    }
  })

  it('cannot read an operation of null: only its absence means TRANSFER', () => {
    expect(memberOf('operation', 'null')).toEqual({ unreadable: null })
  })

  it.each([
    ['destinations', '{}'],
    ['destinations', '"x"'],
    ['destinations', '""'],
    ['destinations', '[{},null]'],
    ['destinations', '[[]]'],
    ['players', '"x"'],
    ['players', '["a",1]'],
    ['extraParameters', '[]'],
    ['extraParameters', '"{}"'],
    ['extraParameters', '""'],
    ['rawTx', '{}'],
    ['rawTx', '["02ef"]'],
  ])('cannot read %s = %s', (name, value) => {
    expect(memberOf(name, value)).toEqual({ unreadable: parseStrictJson(value) })
  })

  it.each([
    ['destinations', '[{"dstId":1}]', 'dstId', '1'],
    ['destinations', '[{"amountNativeStr":5}]', 'amountNative', '5'],
    ['destinations', '[{"amountUSD":"1"}]', 'amountUSD', '"1"'],
    ['destinations', '[{"amountUSD":-1}]', 'amountUSD', '-1'],
    ['rawTx', '[{"rawTx":1}]', 'rawTx', '1'],
    ['rawTx', '[{"payload":[]}]', 'payload', '[]'],
  ])('cannot read one member of an element: %s = %s', (name, value, member, sent) => {
    expect(memberOf(name, value)).toEqual([{ [member]: { unreadable: parseStrictJson(sent) } }])
  })

  it('ignores a deprecated number of another type', () => {
    for (const amount of ['1', [], {}, true, null]) {
      expect(requestOf({ ...MINIMAL, amount, amountStr: '2' })).toMatchObject({
        amount: { units: 2n, scale: 0 },
      })
    }
  })

  it.each([
    ['1e-7', 1n, 7],
    ['1E+21', 10n ** 21n, 0],
    ['1e3', 1000n, 0],
    ['1E-8', 1n, 8],
    ['.5', 5n, 1],
    ['5.', 5n, 0],
    ['007', 7n, 0],
    ['00.10', 1n, 1],
    ['1.25e1', 125n, 1],
    ['0e5', 0n, 0],
    ['1e77', 10n ** 77n, 0],
  ])('reads the amount %s as other programs print it', (text, units, scale) => {
    for (const name of ['amountStr', 'requestedAmountStr', 'fee']) {
      expect(memberOf(name, `"${text}"`)).toEqual({ units, scale })
    }
  })

  it('takes an empty text for no amount', () => {
    for (const name of ['amountStr', 'fee']) expect(memberOf(name, '""')).toBeNull()
    expect(memberOf('destinations', '[{"amountNativeStr":"","amountUSD":""}]')).toEqual([
      { amountNative: null, amountUSD: null },
    ])
  })

  it.each([
    ' 1',
    '1 ',
    '+1',
    '-1',
    '-0',
    '.',
    'e5',
    '.e5',
    '1e',
    '1e1000',
    '1e78',
    '1e-79',
    '1,5',
    '1_000',
    '0x10',
    '\u0661',
    '\uff11',
    'NaN',
    'Infinity',
    '1.2.3',
    '9'.repeat(79),
    `0.${'1'.repeat(79)}`,
    '1\u0000',
  ])('cannot read the amount %j', (text) => {
    const sent = JSON.stringify(text)
    for (const name of ['amountStr', 'requestedAmountStr', 'fee']) {
      expect(memberOf(name, sent)).toEqual({ unreadable: text })
    }
    expect(memberOf('destinations', `[{"amountNativeStr":${sent}}]`)).toEqual([
      { amountNative: { unreadable: text } },
    ])
  })

  it.each([
    ['the same', '0.01', '0.010000000000000000'],
    ['trailing zeros', '0.00410000', '0.0041'],
    ['an exponent', '1e-2', '0.01'],
    ['binary noise', '0.30000000000000004', '0.3'],
    ['eight places of eighteen', '0.12345679', '0.123456789012345678'],
    ['eight places, cut off', '0.12345678', '0.123456789999999999'],
    ['dust that eight places cannot show', '0.00000000', '0.000000000000000001'],
    ['more digits than a double has', '88226397651234560', '88226397651234567.12345678'],
    ['two hundred and fifty-six bits', '1.157920892373162e77', `${2n ** 256n - 1n}`],
    ['null', 'null', '5'],
    ['a number that stands for an unknown one', '-1', '5'],
  ])('lets the number agree with the text: %s', (_, number, text) => {
    expect(
      requestOf(`{"requestId":"r","txId":"t","amount":${number},"amountStr":"${text}"}`),
    ).not.toHaveProperty('amount.isContradicted')
  })

  it.each([
    ['another amount', '1', '999'],
    ['a moved point', '0.1', '0.01'],
    ['a sign', '-0.01', '0.01'],
    ['one in the eighth place and more', '0.01000002', '0.01'],
    ['infinity', '1e999', '1'],
    ['a whole unit among many', '100000000000001', '100000000000000'],
  ])('notes a number that contradicts the text: %s', (_, number, text) => {
    const amount = `"amount":${number},"amountStr":"${text}"`
    const contradicted = { ...parseDecimal(text), isContradicted: true }
    expect(requestOf(`{"requestId":"r","txId":"t",${amount}}`)).toMatchObject({
      amount: contradicted,
    })
    const native = amount.replaceAll('amount', 'amountNative')
    expect(requestOf(`{"requestId":"r","txId":"t","destinations":[{${native}}]}`)).toMatchObject({
      destinations: [{ amountNative: contradicted }],
    })
  })

  it('takes the amount from the text alone', () => {
    expect(requestOf({ ...MINIMAL, amount: 1.5 })).toMatchObject({ amount: undefined })
    expect(requestOf({ ...MINIMAL, amount: 1.5, amountStr: null })).toMatchObject({ amount: null })
  })

  it.each([
    ['18.74292937', { units: 1874292937n, scale: 8 }],
    ['0', { units: 0n, scale: 0 }],
    ['0.000', { units: 0n, scale: 0 }],
    ['1e3', { units: 1000n, scale: 0 }],
    ['1.25E+1', { units: 125n, scale: 1 }],
    ['1.5e-7', { units: 15n, scale: 8 }],
    ['12e-2', { units: 12n, scale: 2 }],
    ['0.012e2', { units: 12n, scale: 1 }],
  ])('reads the estimate %s exactly', (number, amountUSD) => {
    expect(
      requestOf(`{"requestId":"r","txId":"t","destinations":[{"amountUSD":${number}}]}`),
    ).toMatchObject({
      destinations: [{ amountUSD }],
    })
  })

  it('cannot read an estimate beyond all amounts, in no time', () => {
    for (const number of ['1e999', '1e78', '1e-79', '1e99999999999999999999', '9'.repeat(1000)]) {
      expect(memberOf('destinations', `[{"amountUSD":${number}}]`)).toEqual([
        { amountUSD: { unreadable: parseStrictJson(number) } },
      ])
    }
  })

  it('is the same every time, and never throws, when any member of a good request is changed', () => {
    const golden = JSON.parse(ETH_PAYLOAD) as Record<string, unknown>
    const signed = {
      ...golden,
      signerId: 's',
      extraParameters: { a: 1 },
      note: 'n',
      externalTxId: 'e',
    }
    for (const name of Object.keys(signed).filter((each) => each !== 'requestId')) {
      for (const value of [undefined, ...OTHERS]) {
        const mutant = { ...signed, [name]: value === undefined ? undefined : 0 }
        const text = JSON.stringify(mutant).replace(`"${name}":0`, `"${name}":${value}`)
        expect(parse(text)).toEqual(parse(text))
      }
    }
  })

  it('does not take a bug for malformed content', () => {
    const claims = { requestId: 'r', txId: 't' }
    const broken = Object.defineProperty(claims, 'note', {
      get: () => {
        throw new RangeError('a bug')
      },
    })
    expect(() => parseRequest('tx_sign_request', broken)).toThrow(RangeError)
  })

  it('answers any object with an id: with a request or with the flaw', () => {
    const names = [
      ...Object.keys(JSON.parse(ETH_PAYLOAD)),
      'signerId',
      'note',
      '__proto__',
      'type',
      'extraInfo',
    ]
    const anything = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(anything, fc.boolean(), (members, config) => {
        const endpoint = config ? 'config_change_sign_request' : 'tx_sign_request'
        const { kind } = parse({ ...members, requestId: 'r' }, endpoint)
        expect(['request', 'malformed', 'unreadable']).toContain(kind)
      }),
      { numRuns: 500 },
    )
  })
})

describe('parseRequest of configuration changes', () => {
  it('reads one, unknown types included', () => {
    for (const type of ['UNMANAGED_WALLET', 'POLICY_CHANGE', 'SOMETHING_NEW', 'a type']) {
      expect(requestOf({ ...CONFIG, type, signerId: 's' }, 'config_change_sign_request')).toEqual({
        endpoint: 'config_change_sign_request',
        stage: 'approval',
        requestId: 'r',
        signerId: 's',
        unknownMembers: [],
        type,
        extraInfo: claimsOf({ asset: 'BTC' }),
      })
    }
  })

  it('is content with an id and a type', () => {
    const minimal = { requestId: 'r', type: 'ADD_USER', batch: 1 }
    expect(requestOf(minimal, 'config_change_sign_request')).toMatchObject({
      extraInfo: undefined,
      unknownMembers: ['batch'],
    })
  })

  it.each([
    ['absent', undefined, 'MISSING type'],
    ['null', null, 'MISSING type'],
    ['empty', '', 'BAD_IDENTIFIER type'],
    ['a number', 1, 'BAD_IDENTIFIER type'],
    ['a list', ['ADD_USER'], 'BAD_IDENTIFIER type'],
    ['endless', 'T'.repeat(129), 'BAD_IDENTIFIER type'],
  ])('refuses a type that is %s', (_, type, flaw) => {
    expect(flawOf({ ...CONFIG, type }, 'config_change_sign_request')).toBe(flaw)
  })

  it.each(['x', '', []])('cannot read extraInfo = %j, and reads the rest', (extraInfo) => {
    const request = requestOf({ ...CONFIG, extraInfo }, 'config_change_sign_request')
    expect(request).toMatchObject({ extraInfo: { sent: extraInfo }, type: 'UNMANAGED_WALLET' })
  })

  it('cannot read a transaction that is replayed here, whatever it also claims to be', () => {
    const form = 'a configuration change has'
    expect(flawOf(ETH_PAYLOAD, 'config_change_sign_request')).toBe(`${form} \`destinations\``)
    for (const name of ['destinations', 'rawTx']) {
      expect(flawOf({ ...CONFIG, [name]: null }, 'config_change_sign_request')).toBe(
        `${form} \`${name}\``,
      )
    }
    for (const name of ['txId', 'operation', 'asset']) {
      expect(flawOf({ ...CONFIG, [name]: 'x' }, 'config_change_sign_request')).toBe('none')
    }
  })

  it('is refused as a transaction', () => {
    expect(flawOf(CONFIG)).toBe('MISSING txId')
  })
})

describe('stories of public handlers', () => {
  // Typed models in Java and Rust broke on `keyDerivationPath`, a text that looks like a list, and on absent `players`.
  it('reads the published Bitcoin-style request without players and with a textual path', () => {
    const { players: _players, ...rest } = JSON.parse(ETH_PAYLOAD) as Record<string, unknown>
    expect(requestOf(rest)).toMatchObject({
      players: undefined,
      rawTx: [{ keyDerivationPath: '[ 44, 60, 0, 0, 0 ]' }],
    })
  })

  // A hosted tester and the vendor's policy plug-in compared amounts as doubles: 1.000000000000000005 became 1.
  it('keeps the last of eighteen decimals', () => {
    expect(requestOf({ ...MINIMAL, amount: 1, amountStr: '1.000000000000000005' })).toMatchObject({
      amount: { units: 1000000000000000005n, scale: 18 },
    })
  })

  // ReachPay/fireblocks-cosigner-callback-processor unwrapped attacker input and died of a panic.
  it('turns hostile content into a value or one expected error', () => {
    expect(() => parse({ requestId: {} })).toThrow(CallbackError)
    expect(parse({ requestId: 'r', txId: { $gt: '' } }).kind).toBe('malformed')
  })
})
