import { describe, expect, it } from '@jest/globals'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import * as fc from 'fast-check'
import { eip191Signer, parseSignature, signTyped } from 'micro-eth-signer'
import { BUILT_IN_ASSETS } from '../../../../handler/policy/chains/assets.ts'
import { hashTypedData } from '../../../../handler/policy/rawtx/eip712.ts'
import { contentDigest, contentDigestOf } from '../../../../handler/policy/rawtx/messages.ts'
import { verifyRawTx } from '../../../../handler/policy/rawtx/verify.ts'
import type { ReadableTx } from '../../../../handler/policy/rawtx/readable.ts'
import { jsonObject, jsonValue, txRequest } from '../../../fixtures/tx-request.ts'

const KEY = '0x4c0883a69102937d6231471b5dbb6204fe512961708279f1d7b1b8e7e8b1b1e1'
const PUBLIC = secp256k1.getPublicKey(Buffer.from(KEY.slice(2), 'hex'))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** True when the library's signature is one over exactly this digest. */
function signedDigest(digest: string, signature: string): boolean {
  const { r, s } = parseSignature(signature)
  const compact = new secp256k1.Signature(r, s).toBytes('compact')
  return secp256k1.verify(compact, Buffer.from(digest, 'hex'), PUBLIC, { prehash: false })
}

const MAIL = {
  types: {
    EIP712Domain: [
      { name: 'name', type: 'string' },
      { name: 'version', type: 'string' },
      { name: 'chainId', type: 'uint256' },
      { name: 'verifyingContract', type: 'address' },
    ],
    Person: [
      { name: 'name', type: 'string' },
      { name: 'wallet', type: 'address' },
    ],
    Mail: [
      { name: 'from', type: 'Person' },
      { name: 'to', type: 'Person' },
      { name: 'contents', type: 'string' },
    ],
  },
  primaryType: 'Mail',
  domain: {
    name: 'Ether Mail',
    version: '1',
    chainId: 1n,
    verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC',
  },
  message: {
    from: { name: 'Cow', wallet: '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826' },
    to: { name: 'Bob', wallet: '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB' },
    contents: 'Hello, Bob!',
  },
}
/** The digest that EIP-712 itself gives for its example. */
const MAIL_DIGEST = 'be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2'

interface Typed {
  types?: unknown
  primaryType?: unknown
  domain?: unknown
  message?: unknown
  more?: unknown
}
const hash = (changes: Typed) => hashTypedData(jsonObject({ ...MAIL, ...changes }))

function request(operation: string, messages: unknown, fields: Partial<ReadableTx> = {}) {
  return txRequest({
    operation,
    asset: 'ETH',
    extraParameters: { rawMessageData: { messages: jsonValue(messages) } },
    ...fields,
  })
}
const signing = (...payloads: string[]) => ({
  rawTx: payloads.map((payload) => ({ rawTx: '', payload, keyDerivationPath: '[44,60,0,0,0]' })),
})
const verify = (value: ReadableTx, approvedContent?: string) =>
  verifyRawTx(value, BUILT_IN_ASSETS, approvedContent === undefined ? {} : { approvedContent })

const bytes = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((each) => `0x${hex(each)}`)
const uint = (bits: bigint) => fc.bigInt({ min: 0n, max: (1n << bits) - 1n })
const int = (bits: bigint) =>
  fc.bigInt({ min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n })

describe('EIP-712', () => {
  it('the example of the standard', () => {
    expect(hash({})).toEqual({
      digest: MAIL_DIGEST,
      primaryType: 'Mail',
      domain: {
        ...MAIL.domain,
        chainId: '1',
        verifyingContract: MAIL.domain.verifyingContract.toLowerCase(),
      },
    })
    expect(signedDigest(MAIL_DIGEST, signTyped(MAIL as never, KEY))).toBe(true)
  })

  it('agrees with an independent library for values of every kind', () => {
    const types = {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'salt', type: 'bytes32' },
      ],
      Leaf: [
        { name: 'flag', type: 'bool' },
        { name: 'small', type: 'uint8' },
        { name: 'signed', type: 'int128' },
        { name: 'tag', type: 'bytes4' },
      ],
      Root: [
        { name: 'leaves', type: 'Leaf[]' },
        { name: 'pair', type: 'uint256[2]' },
        { name: 'grid', type: 'int16[][2]' },
        { name: 'raw', type: 'bytes' },
        { name: 'text', type: 'string' },
        { name: 'who', type: 'address' },
      ],
    }
    const leaf = fc.record({
      flag: fc.boolean(),
      small: uint(8n),
      signed: int(128n),
      tag: bytes(4),
    })
    const message = fc.record({
      leaves: fc.array(leaf, { maxLength: 3 }),
      pair: fc.tuple(uint(256n), uint(256n)),
      grid: fc.tuple(fc.array(int(16n), { maxLength: 3 }), fc.array(int(16n), { maxLength: 3 })),
      raw: bytes(0, 40),
      text: fc.string({ unit: 'grapheme', maxLength: 20 }),
      who: bytes(20),
    })
    fc.assert(
      fc.property(message, fc.string({ minLength: 1 }), bytes(32), (value, name, salt) => {
        const typed = { types, primaryType: 'Root', domain: { name, salt }, message: value }
        const found = hashTypedData(jsonObject(typed))
        expect(signedDigest(found?.digest ?? '', signTyped(typed as never, KEY))).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('numbers may be JSON numbers or text, decimal or hex; the digest is one', () => {
    for (const chainId of [1, '1', '0x1', '0x01']) {
      expect(hash({ domain: { ...MAIL.domain, chainId } })?.digest).toBe(MAIL_DIGEST)
    }
  })

  const types = (changes: object) => ({ types: { ...MAIL.types, ...changes } })
  const one = (type: string, value: unknown) => ({
    types: { EIP712Domain: MAIL.types.EIP712Domain, One: [{ name: 'value', type }] },
    primaryType: 'One',
    message: { value },
  })

  it.each<[string, Typed]>([
    ['an undeclared member of the message', { message: { ...MAIL.message, more: '1' } }],
    ['a missing member', { message: { from: MAIL.message.from, to: MAIL.message.to } }],
    [
      'another name in place of a member',
      { message: { from: MAIL.message.from, to: MAIL.message.to, x: '' } },
    ],
    ['no message', { message: undefined }],
    ['a message that is no object', { message: 'hello' }],
    ['null in place of a struct', { message: { ...MAIL.message, to: null } }],
    ['a list in place of a struct', { message: { ...MAIL.message, to: [] } }],
    ['an undeclared top-level member', { more: 1 }],
    ['no types', { types: undefined }],
    ['a type that is no list', types({ Person: {} })],
    ['a member that is no object', types({ Person: ['name'] })],
    ['a type without a name', types({ '': [] })],
    ['a type named like an atom', types({ uint256: [] })],
    ['a member twice', types({ Person: [MAIL.types.Person[0], MAIL.types.Person[0]] })],
    ['a type name without end', types({ Mail: [{ name: 'x', type: 'x'.repeat(161) }] })],
    [
      'too many types',
      types(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`T${i}`, []]))),
    ],
    [
      'too many members',
      types({ Mail: Array.from({ length: 65 }, (_, i) => ({ name: `m${i}`, type: 'bool' })) }),
    ],
    [
      'an unknown type',
      types({ Person: [{ name: 'name', type: 'Nobody' }, MAIL.types.Person[1]] }),
    ],
    ['no primary type', { primaryType: undefined }],
    ['a primary type that is not declared', { primaryType: 'Letter' }],
    ['the domain as primary type', { primaryType: 'EIP712Domain', message: MAIL.domain }],
    ['no domain', { domain: undefined }],
    ['a domain without type', { types: { Mail: MAIL.types.Mail, Person: MAIL.types.Person } }],
    [
      'a domain with members out of order',
      types({ EIP712Domain: MAIL.types.EIP712Domain.toReversed() }),
    ],
    [
      'a domain with a member of its own',
      types({ EIP712Domain: [...MAIL.types.EIP712Domain, { name: 'x', type: 'bool' }] }),
    ],
    ['a domain with no members', { ...types({ EIP712Domain: [] }), domain: {} }],
    ['a domain with a chain id in words', { domain: { ...MAIL.domain, chainId: 'one' } }],
    ['a domain with a name without end', { domain: { ...MAIL.domain, name: 'x'.repeat(257) } }],
    ['a number where a name belongs', { domain: { ...MAIL.domain, name: 5 } }],
    ['a bool in words', one('bool', 'true')],
    ['a negative unsigned number', one('uint256', '-1')],
    ['a number out of range', one('uint8', '256')],
    ['a signed number out of range', one('int8', '-129')],
    ['a number with a fraction', one('uint256', '1.5')],
    ['a number with an exponent', one('uint256', '1e3')],
    ['a bool where a number belongs', one('uint256', true)],
    ['a number of no bits', one('uint0', '0')],
    ['a number of 264 bits', one('uint264', '0')],
    ['a number of 9 bits', one('uint9', '0')],
    ['a number where bytes belong', one('bytes', 5)],
    ['odd hex', one('bytes', '0x1')],
    ['bytes of another length', one('bytes4', '0x112233')],
    ['bytes of an unknown length', one('bytes33', `0x${'00'.repeat(33)}`)],
    [
      'an address with a wrong checksum',
      one('address', '0xCd2a3d9F938E13CD947Ec05AbC7FE734Df8DD826'),
    ],
    ['a lone surrogate', one('string', '\ud800')],
    ['a list of another length', one('bool[2]', [true])],
    ['no list', one('bool[]', true)],
    ['a wrong element', one('bool[]', [1])],
    ['a list of length 0 by type', one('bool[0]', [])],
  ])('%s: refused', (_, changes) => {
    expect(hash(changes)).toBeUndefined()
  })

  it('recursion in types is fine, in values it is bounded', () => {
    const nest = (depth: number): unknown => ({ children: depth === 0 ? [] : [nest(depth - 1)] })
    const node = (depth: number) => ({
      types: {
        EIP712Domain: MAIL.types.EIP712Domain,
        Node: [{ name: 'children', type: 'Node[]' }],
      },
      primaryType: 'Node',
      message: nest(depth),
    })
    expect(hash(node(7))).toBeDefined()
    expect(hash(node(9))).toBeUndefined()
    expect(hash(one('bool'.padEnd(4 + 40, '[]'), nestList(20)))).toBeUndefined()
  })
})

describe('TYPED_MESSAGE', () => {
  const message = { type: 'EIP712', content: MAIL }
  const facts = {
    contentDigest: contentDigest([MAIL_DIGEST]),
    primaryType: 'Mail',
    domain: hash({})?.domain,
  }

  it('EIP-712, payload is the digest: verified, with domain and primary type', () => {
    expect(verify(request('TYPED_MESSAGE', [message], signing(MAIL_DIGEST)))).toEqual({
      status: 'verified',
      facts,
    })
  })

  it('EIP-191: verified', () => {
    const text = 'Hello'
    const digest = hex(keccak_256(Buffer.from(`\x19Ethereum Signed Message:\n5${text}`)))
    expect(signedDigest(digest, eip191Signer.sign(text, KEY))).toBe(true)
    const content = Buffer.from(text).toString('hex')
    const value = request('TYPED_MESSAGE', [{ type: 'EIP191', content }], signing(digest))
    expect(verify(value)).toEqual({
      status: 'verified',
      facts: { contentDigest: contentDigest([digest]) },
    })
  })

  it('another payload, another number of payloads: mismatch', () => {
    for (const [fields, field] of [
      [signing('00'.repeat(32)), 'rawTx[0].payload'],
      [signing(MAIL_DIGEST, MAIL_DIGEST), 'rawTx'],
    ] as const) {
      expect(verify(request('TYPED_MESSAGE', [message], fields))).toMatchObject({
        status: 'mismatch',
        field,
        facts,
      })
    }
  })

  it('no payload, or nothing to compare with: unverifiable, facts shown', () => {
    const rawTx = [{ rawTx: null, payload: null, keyDerivationPath: null }]
    for (const fields of [{ rawTx }, {}]) {
      expect(verify(request('TYPED_MESSAGE', [message], fields))).toMatchObject({
        status: 'unverifiable',
        facts,
      })
    }
  })

  it('another chain than the asset’s, or an asset of no known chain: the chain is unproven', () => {
    for (const asset of ['MATIC_POLYGON', 'NOPE', undefined]) {
      const fields = { ...signing(MAIL_DIGEST), asset }
      expect(verify(request('TYPED_MESSAGE', [message], fields))).toEqual({
        status: 'unproven',
        unproven: ['chain'],
        facts: { ...facts, otherChain: '1' },
      })
    }
  })

  it('a domain without a chain id is good on every chain: the chain is unproven', () => {
    const [name, version, , contract] = MAIL.types.EIP712Domain
    const { chainId: _, ...domain } = MAIL.domain
    const types = { ...MAIL.types, EIP712Domain: [name, version, contract] }
    const content = { ...MAIL, types, domain }
    const digest = hash({ types, domain })?.digest ?? ''
    const value = request('TYPED_MESSAGE', [{ type: 'EIP712', content }], signing(digest))
    expect(verify(value)).toMatchObject({ status: 'unproven', unproven: ['chain'] })
    expect(verify(value)).not.toMatchObject({ facts: { otherChain: expect.anything() } })
  })

  it('a key of another coin, or another one than the first: unverifiable', () => {
    for (const path of ['[44,0,0,0,0]', '[44,60,0,0,7]', '[84,60,0,0,0]']) {
      const rawTx = [{ rawTx: '', payload: MAIL_DIGEST, keyDerivationPath: path }]
      expect(verify(request('TYPED_MESSAGE', [message], { rawTx }))).toMatchObject({
        status: 'unverifiable',
        facts,
      })
    }
    const bitcoin = { ...signing(MAIL_DIGEST), asset: 'BTC' }
    expect(verify(request('TYPED_MESSAGE', [message], bitcoin))).toMatchObject({
      status: 'unverifiable',
    })
  })

  it('the key of another account: mismatch', () => {
    const fields = { ...signing(MAIL_DIGEST), sourceId: '1' }
    expect(verify(request('TYPED_MESSAGE', [message], fields))).toMatchObject({
      status: 'mismatch',
      field: 'rawTx[0].keyDerivationPath',
      facts,
    })
  })

  it('an extra signature for other content: mismatch', () => {
    const value = request('TYPED_MESSAGE', [message], signing(MAIL_DIGEST))
    expect(verify(value, contentDigest(['00']))).toMatchObject({ status: 'mismatch' })
    expect(verify(value, facts.contentDigest)).toMatchObject({ status: 'verified' })
  })

  it.each<[string, unknown]>([
    ['no messages', []],
    ['messages that are no list', {}],
    ['two messages', [message, message]],
    ['a message that is text', ['hello']],
    ['a type that is not decoded', [{ type: 'BTC_MESSAGE', content: '00' }]],
    ['EIP-712 content as text', [{ type: 'EIP712', content: '{}' }]],
    ['EIP-712 content that is not strict', [{ type: 'EIP712', content: {} }]],
    ['EIP-191 content that is no hex', [{ type: 'EIP191', content: 'hello' }]],
    ['EIP-191 without content', [{ type: 'EIP191' }]],
  ])('%s: unverifiable', (_, messages) => {
    expect(verify(request('TYPED_MESSAGE', messages, signing(MAIL_DIGEST)))).toMatchObject({
      status: 'unverifiable',
      facts: {},
    })
  })
})

describe('RAW', () => {
  const contents = ['11'.repeat(32), '22'.repeat(32)]
  const messages = contents.map((content) => ({ content }))
  const value = request('RAW', messages, signing(...contents))
  const digest = contentDigest(contents)

  it('content and payloads agree, and an extra signature expects them: verified', () => {
    expect(verify(value, digest)).toEqual({ status: 'verified', facts: { contentDigest: digest } })
  })

  it('without an extra signature: unverifiable', () => {
    expect(verify(value)).toMatchObject({
      status: 'unverifiable',
      facts: { contentDigest: digest },
    })
  })

  it('an extra signature for the same contents in another order: mismatch', () => {
    expect(verify(value, contentDigest(contents.toReversed()))).toMatchObject({
      status: 'mismatch',
      field: 'contentDigest',
    })
  })

  it('payloads in another order: mismatch', () => {
    const swapped = request('RAW', messages, signing(...contents.toReversed()))
    expect(verify(swapped, digest)).toMatchObject({ status: 'mismatch' })
  })

  it('content that is hashed before it is signed: unverifiable, whatever the payload', () => {
    const [content = '', other = ''] = contents
    const preHash = { content: 'aa', hashAlgorithm: 'SHA256' }
    expect(
      verify(request('RAW', [{ content, preHash }], signing(other)), contentDigest([content])),
    ).toMatchObject({ status: 'unverifiable' })
    const long = content.repeat(3)
    expect(
      verify(request('RAW', [{ content: long }], signing(other)), contentDigest([long])),
    ).toMatchObject({ status: 'unverifiable' })
    expect(
      verify(request('RAW', [{ content, preHash }], signing(content)), contentDigest([content])),
    ).toMatchObject({ status: 'verified' })
    expect(
      verify(
        request('RAW', [{ content, preHash }, { content }], signing(other, other)),
        contentDigest([content, content]),
      ),
    ).toMatchObject({ status: 'mismatch', field: 'rawTx[1].payload' })
  })

  it.each<[string, unknown]>([
    ['upper-case hex', [{ content: 'AA' }]],
    ['empty content', [{ content: '' }]],
    ['no content', [{}]],
    ['more messages than a request can have', Array.from({ length: 128 }, () => messages[0])],
  ])('%s: unverifiable', (_, list) => {
    expect(verify(request('RAW', list, signing(...contents)))).toMatchObject({
      status: 'unverifiable',
    })
  })

  it('the digest is of requests with content only', () => {
    expect(contentDigestOf(value)).toBe(digest)
    expect(contentDigestOf(txRequest({}))).toBeUndefined()
    expect(contentDigestOf(txRequest({ operation: 'RAW', extraParameters: null }))).toBeUndefined()
  })
})

function nestList(depth: number): unknown {
  return depth === 0 ? true : [nestList(depth - 1)]
}
