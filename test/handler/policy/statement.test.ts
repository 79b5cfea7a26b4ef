import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { contentDigest } from '../../../handler/policy/rawtx/messages.ts'
import type { StatementKey } from '../../../handler/policy/statement.ts'
import { checkStatement } from '../../../handler/policy/statement.ts'
import type { Statement } from '../../../handler/policy/statement-text.ts'
import { parseStatement, statementBytes } from '../../../handler/policy/statement-text.ts'
import { Unreadable } from '../../../handler/protocol/request.ts'
import type { TxSignRequest } from '../../../handler/protocol/request.ts'
import {
  createSignatureVerifier,
  generateStatementKey,
  publicHalf,
  signStatement,
  statementKey,
} from '../../../handler/policy-files/statement-signature.ts'
import { testKey } from '../../fixtures/keys.ts'
import { decimal, destination, jsonValue, txRequest } from '../../fixtures/tx-request.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const initiator = generateStatementKey()
const KEYS: readonly StatementKey[] = [{ name: 'treasury', publicKey: initiator.publicKeyPem }]
const verify = createSignatureVerifier()
const UNREADABLE = new Unreadable(['x'])

const STATEMENT: Statement = {
  externalTxId: 'order-17',
  operation: 'TRANSFER',
  asset: 'ETH',
  amount: '0.01',
  source: 'VAULT:0',
  destination: 'VAULT:1',
  expiry: '2026-11-21T13:00:00Z',
}

const REQUEST = txRequest({
  externalTxId: 'order-17',
  asset: 'ETH',
  amount: decimal('0.010000'),
  requestedAmount: decimal('0.01'),
  destType: 'VAULT',
  destId: '1',
  destAddress: '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
  destinations: [
    destination({
      dstType: 'VAULT',
      dstId: '1',
      displayDstAddress: '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
    }),
  ],
})

function signed(statement: Statement, request: TxSignRequest, key = initiator.privateKeyPem) {
  const members = signStatement(statement, key)
  return {
    ...request,
    extraParameters: {
      ...request.extraParameters,
      statement: jsonValue(members.statement),
      statementSignature: members.statementSignature,
    },
  }
}

const check = (request: TxSignRequest, keys = KEYS, now = NOW) =>
  checkStatement(request, keys, now, verify)
const checkSigned = (statement: Partial<Statement>, request: Partial<TxSignRequest> = {}) =>
  check(signed({ ...STATEMENT, ...statement }, { ...REQUEST, ...request }))

/** Without the members named. */
function without(...names: (keyof Statement)[]): Statement {
  const kept = Object.entries(STATEMENT).filter(([name]) => !names.some((each) => each === name))
  return Object.fromEntries(kept) as unknown as Statement
}

describe('a statement about the request', () => {
  it('signed by a key in use: valid, with the digest for single use', () => {
    expect(check(signed(STATEMENT, REQUEST))).toEqual({
      status: 'valid',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      keyName: 'treasury',
      contentDigest: undefined,
    })
  })

  it('the digest names the statement, not its signature or the order of its members', async () => {
    const { privateKeyPem, publicKeyPem } = p256()
    const keys = [{ name: 'ec', publicKey: publicKeyPem }]
    const reversed = Object.fromEntries(
      Object.entries(STATEMENT).toReversed(),
    ) as unknown as Statement
    const [first, second] = [STATEMENT, reversed].map((statement) =>
      check(signed(statement, REQUEST, privateKeyPem), keys),
    )
    expect(first).toEqual(second)
    const rsa = await testKey()
    const other = check(signed(STATEMENT, REQUEST, rsa.privateKeyPem), [
      { name: 'ec', publicKey: rsa.publicKeyPem },
    ])
    expect(other).toEqual(first)
  })

  it('the signed bytes are a prefix and sorted JSON', () => {
    expect(Buffer.from(statementBytes(STATEMENT)).toString()).toBe(
      'countersign statement v1\n{"amount":"0.01","asset":"ETH","destination":"VAULT:1",' +
        '"expiry":"2026-11-21T13:00:00Z","externalTxId":"order-17","operation":"TRANSFER","source":"VAULT:0"}',
    )
  })

  it('none: absent', () => {
    expect(check(REQUEST)).toEqual({ status: 'absent' })
    expect(check({ ...REQUEST, extraParameters: {} })).toEqual({ status: 'absent' })
  })

  it.each<[string, Partial<TxSignRequest>]>([
    ['`externalTxId`', { externalTxId: 'order-18' }],
    ['`externalTxId`', { externalTxId: undefined }],
    ['`operation`', { operation: 'MINT' }],
    ['`asset`', { asset: 'BTC' }],
    ['`source`', { sourceId: '1' }],
    ['`source`', { sourceType: undefined, sourceId: null }],
    ['`amount`', { amount: undefined }],
    ['`amount`', { amount: decimal('0.02'), requestedAmount: decimal('0.02') }],
    ['`amount`', { amount: decimal('0.01'), requestedAmount: decimal('0.02') }],
    ['`amount`', { amount: decimal('0.009') }],
    ['`amount`', { amount: decimal('0.009'), fee: decimal('0.0011') }],
    ['`amount`', { amount: decimal('0.009'), fee: null }],
    ['`destination`', { destId: '2' }],
    ['`destination`', { destinations: [destination({ dstType: 'VAULT', dstId: '2' })] }],
    ['`destination`', { destinations: [destination({}), destination({})] }],
  ])('for another %s: invalid', (what, changes) => {
    expect(check(signed(STATEMENT, { ...REQUEST, ...changes }))).toEqual({
      status: 'invalid',
      reason: `the statement is for another ${what}`,
    })
  })

  it.each([
    ['`fee` cannot be read', { fee: UNREADABLE }],
    ['`destinations` cannot be read', { destinations: UNREADABLE }],
    [
      '`destinations[1].amountNative` cannot be read',
      { destinations: [destination({}), { ...destination({}), amountNative: UNREADABLE }] },
    ],
    [
      '`rawTx[0].payload` cannot be read',
      { rawTx: [{ rawTx: 'aa', payload: UNREADABLE, keyDerivationPath: null }] },
    ],
    ['the statement is for another `destination`', { destId: UNREADABLE }],
    ['`sourceId` cannot be read', { sourceId: UNREADABLE }],
  ] satisfies [string, Partial<TxSignRequest>][])(
    'for what is not readable: %s',
    (reason, changes) => {
      expect(checkSigned({}, changes)).toEqual({
        status: 'invalid',
        reason: expect.stringContaining(reason),
      })
    },
  )

  it('cannot be looked for in parameters that cannot be read: absent', () => {
    const request = { ...signed(STATEMENT, REQUEST), extraParameters: UNREADABLE }
    expect(check(request)).toEqual({ status: 'absent' })
  })

  it('gross: what arrives is less by the fee', () => {
    const changes = { amount: decimal('0.009'), fee: decimal('0.001') }
    expect(checkSigned({}, changes)).toMatchObject({ status: 'valid' })
  })

  it('no requested amount or destinations in the request: the amount and destId decide', () => {
    expect(checkSigned({}, { requestedAmount: null, destinations: null })).toMatchObject({
      status: 'valid',
    })
  })

  it('both names of a place are one', () => {
    const destinations = [destination({ dstType: 'VAULT_ACCOUNT', dstId: '1' })]
    expect(checkSigned({}, { sourceType: 'VAULT_ACCOUNT', destinations })).toMatchObject({
      status: 'valid',
    })
  })
})

describe('destinations by address', () => {
  const address = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
  const oneTime: Partial<TxSignRequest> = {
    destType: 'ONE_TIME_ADDRESS',
    destId: '',
    destinations: [destination({ dstType: 'ONE_TIME', dstId: '', dstAddress: address })],
  }

  it('the address in any case of its checksum: valid; another: invalid', () => {
    const given = { destination: 'ONE_TIME:', destinationAddress: address.toLowerCase() }
    expect(checkSigned(given, oneTime)).toMatchObject({ status: 'valid' })
    const other = { ...given, destinationAddress: `${address.slice(0, -1)}0` }
    expect(checkSigned(other, oneTime)).toMatchObject({ status: 'invalid' })
    expect(checkSigned({ destinationAddress: 'bc1' }, oneTime)).toMatchObject({ status: 'invalid' })
  })

  it('the address alone is enough; a place without id alone is not', () => {
    const alone = { ...without('destination'), destinationAddress: address }
    expect(check(signed(alone, { ...REQUEST, ...oneTime }))).toMatchObject({ status: 'valid' })
    expect(checkSigned({ destination: 'ONE_TIME:' }, oneTime)).toMatchObject({ status: 'invalid' })
    expect(check(signed(without('destination'), REQUEST))).toMatchObject({ status: 'invalid' })
  })

  it('another address anywhere in the request, or none: invalid', () => {
    const given = { destinationAddress: address }
    const displayed = [destination({ dstType: 'VAULT', dstId: '1', displayDstAddress: 'other' })]
    expect(checkSigned(given, { destinations: displayed })).toMatchObject({ status: 'invalid' })
    expect(checkSigned(given, { destAddress: '', destinations: [] })).toMatchObject({
      status: 'invalid',
    })
    expect(checkSigned(given, { destAddress: null, destinations: [] })).toMatchObject({
      status: 'invalid',
    })
  })
})

describe('contents', () => {
  const call = { operation: 'CONTRACT_CALL', extraParameters: { contractCallData: '0xdeadbeef' } }

  it('call data is compared, and must be vouched for', () => {
    const statement = { operation: 'CONTRACT_CALL' }
    expect(checkSigned({ ...statement, contractCallData: '0xdeadbeef' }, call)).toMatchObject({
      status: 'valid',
    })
    expect(checkSigned({ ...statement, contractCallData: '0xdeadbee0' }, call)).toMatchObject({
      status: 'invalid',
    })
    expect(checkSigned(statement, call)).toMatchObject({ status: 'invalid' })
    expect(checkSigned({ contractCallData: '0xdeadbeef' })).toMatchObject({ status: 'invalid' })
  })

  const content = '11'.repeat(32)
  const raw = {
    operation: 'RAW',
    amount: undefined,
    extraParameters: { rawMessageData: { messages: [{ content }] } },
  }
  const bare = { ...without('amount', 'destination'), operation: 'RAW' }

  it('RAW: the content digest is compared and passed on; amount and destination may be left out', () => {
    const statement = { ...bare, contentDigest: contentDigest([content]) }
    expect(check(signed(statement, { ...REQUEST, ...raw }))).toMatchObject({
      status: 'valid',
      contentDigest: contentDigest([content]),
    })
    const withAmount = { ...statement, amount: '1' }
    expect(check(signed(withAmount, { ...REQUEST, ...raw }))).toMatchObject({ status: 'invalid' })
    const withPlace = { ...statement, destination: 'VAULT:9' }
    expect(check(signed(withPlace, { ...REQUEST, ...raw }))).toMatchObject({ status: 'invalid' })
  })

  it('RAW without a content digest, or a transfer with one: invalid', () => {
    expect(check(signed(bare, { ...REQUEST, ...raw }))).toMatchObject({
      reason: 'the statement is for another content',
    })
    expect(checkSigned({ contentDigest: contentDigest([content]) })).toMatchObject({
      status: 'invalid',
    })
    // Contents that cannot be read have no digest to compare with.
    const unread = { ...REQUEST, operation: 'RAW', amount: undefined }
    expect(check(signed(bare, unread))).toMatchObject({
      reason: 'the statement is for another `amount`',
    })
  })
})

describe('time and keys', () => {
  it('expired, or an expiry that is no instant: invalid', () => {
    for (const expiry of [
      '2026-11-21T12:00:00Z',
      '2026-11-21T13:59:59+02:00',
      '2026-13-21T12:00:00Z',
      'soon',
    ]) {
      expect(checkSigned({ expiry })).toEqual({
        status: 'invalid',
        reason: 'the statement has expired',
      })
    }
    expect(checkSigned({ expiry: '2026-11-21T14:00:01+02:00' })).toMatchObject({ status: 'valid' })
  })

  it('rotation: either key while both are listed, the old one only until its end', () => {
    const next = generateStatementKey()
    const keys = [
      { name: 'old', publicKey: initiator.publicKeyPem, notAfter: '2026-11-21T12:30:00Z' },
      { name: 'new', publicKey: next.publicKeyPem },
    ]
    const later = new Date('2026-11-21T12:30:00Z')
    const [old, fresh] = [
      signed(STATEMENT, REQUEST),
      signed(STATEMENT, REQUEST, next.privateKeyPem),
    ]
    expect(check(old, keys)).toMatchObject({ keyName: 'old' })
    expect(check(fresh, keys)).toMatchObject({ keyName: 'new' })
    expect(check(fresh, keys, later)).toMatchObject({ keyName: 'new' })
    expect(check(old, keys, later)).toEqual({
      status: 'invalid',
      reason: 'no key in use has signed the statement',
    })
  })

  it('any changed byte of the signature, or a key nobody listed: invalid', () => {
    const request = signed(STATEMENT, REQUEST)
    const bytes = Buffer.from(request.extraParameters.statementSignature, 'base64')
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes)
      changed[index] = (changed[index] ?? 0) ^ 1
      const extraParameters = {
        ...request.extraParameters,
        statementSignature: changed.toString('base64'),
      }
      expect(check({ ...request, extraParameters })).toMatchObject({ status: 'invalid' })
    }
    expect(check(request, [])).toMatchObject({ status: 'invalid' })
  })

  it.each<[string, object]>([
    ['a statement that is text', { statement: 'x', statementSignature: 'AA==' }],
    ['a signature without statement', { statementSignature: 'AA==' }],
    ['a statement without signature', { statement: STATEMENT }],
    [
      'a member that is not known',
      { statement: { ...STATEMENT, memo: 'x' }, statementSignature: 'AA==' },
    ],
    ['a number for a text', { statement: { ...STATEMENT, amount: 1 }, statementSignature: 'AA==' }],
    ['an empty text', { statement: { ...STATEMENT, amount: '' }, statementSignature: 'AA==' }],
    [
      'a text without end',
      { statement: { ...STATEMENT, amount: '1'.repeat(262_145) }, statementSignature: 'AA==' },
    ],
    ['a missing member', { statement: without('expiry'), statementSignature: 'AA==' }],
    ['a signature in base64url', { statement: STATEMENT, statementSignature: 'A-_=' }],
    ['an empty signature', { statement: STATEMENT, statementSignature: '' }],
    ['a signature without end', { statement: STATEMENT, statementSignature: 'A'.repeat(2736) }],
  ])('%s: invalid', (_, extraParameters) => {
    const given = Object.fromEntries(
      Object.entries(extraParameters).map(([name, value]) => [name, jsonValue(value)]),
    )
    expect(check({ ...REQUEST, extraParameters: given })).toMatchObject({ status: 'invalid' })
  })
})

describe('keys for statements', () => {
  it('Ed25519, P-256 and RSA sign and verify; each verifies only its own', async () => {
    const rsa = await testKey()
    const pairs = [initiator, p256(), rsa]
    for (const { privateKeyPem } of pairs) {
      const results = pairs.map(({ publicKeyPem }) =>
        check(signed(STATEMENT, REQUEST, privateKeyPem), [{ name: 'k', publicKey: publicKeyPem }]),
      )
      expect(results.filter(({ status }) => status === 'valid')).toHaveLength(1)
      expect(publicHalf(privateKeyPem)).toBe(
        pairs.find((each) => each.privateKeyPem === privateKeyPem)?.publicKeyPem,
      )
    }
  })

  it('other kinds of keys are refused by name, and verify nothing', () => {
    const others = [
      generateKeyPairSync('ed448'),
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('rsa', { modulusLength: 1024 }),
    ].map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' }).toString())
    for (const pem of others) {
      expect(() => statementKey(pem)).toThrow('a statement key must be Ed25519, EC P-256 or RSA')
      const keys = [{ name: 'k', publicKey: pem }]
      expect(check(signed(STATEMENT, REQUEST), keys)).toMatchObject({ status: 'invalid' })
    }
    expect(() => statementKey(initiator.privateKeyPem)).toThrow('must be a PEM `PUBLIC KEY`')
    expect(() => statementKey('-----BEGIN PUBLIC KEY-----')).toThrow('the key cannot be read')
    expect(statementKey(initiator.publicKeyPem).asymmetricKeyType).toBe('ed25519')
  })

  it('an incomplete statement is not signed', () => {
    expect(() => signStatement(without('asset'), initiator.privateKeyPem)).toThrow(
      'the statement lacks a required member',
    )
    expect(parseStatement(undefined)).toBe('the statement is not an object')
  })
})

function p256() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
