import {
  constants,
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  sign,
} from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { CompactSign, compactVerify, CompactEncrypt, FlattenedSign, SignJWT } from 'jose'
import { KeyMaterialError } from '../../../common/errors.ts'
import { CallbackError } from '../../../handler/protocol/errors.ts'
import type { Verified } from '../../../handler/protocol/token.ts'
import { JsonNumber } from '../../../handler/protocol/json-value.ts'
import {
  createPlainVerifier,
  createTokenVerifier,
  signToken,
} from '../../../handler/protocol/token.ts'
import { fileSigner } from '../../../handler/generations/signers/file.ts'
import { testEcKey, testKey } from '../../fixtures/keys.ts'
import type { TestKey } from '../../fixtures/keys.ts'
import {
  base64url,
  ETH_PAYLOAD,
  hmacTokenOf,
  tokenOf,
  ZERO_SIGNATURE_TOKEN,
} from '../../fixtures/tokens.ts'

const NOW = new Date('2026-11-02T10:00:00Z')
const NOW_SECONDS = NOW.getTime() / 1000
const CLAIMS = { requestId: 'r-1', txId: 't-1' }

let cosigner: TestKey
let other: TestKey
let good: Buffer
let verify: (body: Buffer, now: Date) => Verified

beforeAll(async () => {
  cosigner = await testKey('cosigner')
  other = await testKey('other')
  good = tokenOf(cosigner.privateKey, CLAIMS)
  verify = createTokenVerifier([{ name: 'a', key: cosigner.publicKey }])
})

function codeOf(body: Buffer | string, verifier = verify, now = NOW): string {
  try {
    return verifier(Buffer.from(body), now).unreadable === undefined ? 'accepted' : 'unreadable'
  } catch (error) {
    if (error instanceof CallbackError) return error.code
    throw error
  }
}

function signedWith(
  header: string | object,
  payload: string | Uint8Array | object = CLAIMS,
): Buffer {
  return tokenOf(cosigner.privateKey, payload, header)
}

describe('createTokenVerifier', () => {
  it('returns the claims, the token and the name of the key', () => {
    expect(verify(good, NOW)).toEqual({
      claims: Object.assign(Object.create(null), CLAIMS),
      token: good.toString(),
      cosigner: 'a',
    })
  })

  it('tries several co-signers and names the one that signed', () => {
    const both = createTokenVerifier([
      { name: 'a', key: cosigner.publicKey },
      { name: 'b', key: other.publicKey },
    ])
    expect(both(good, NOW).cosigner).toBe('a')
    expect(both(tokenOf(other.privateKey, CLAIMS), NOW).cosigner).toBe('b')
    expect(both(tokenOf(other.privateKey, CLAIMS), NOW).cosigner).toBe('b')
    expect(both(good, NOW).cosigner).toBe('a')
  })

  it('names the key of a large body too, and refuses one that no key signed', () => {
    const both = createTokenVerifier([
      { name: 'a', key: cosigner.publicKey },
      { name: 'b', key: other.publicKey },
    ])
    const large = { ...CLAIMS, note: 'n'.repeat(200_000) }
    for (const [name, key] of [
      ['b', other.privateKey],
      ['a', cosigner.privateKey],
    ] as const) {
      const token = tokenOf(key, large)
      expect(both(token, NOW).cosigner).toBe(name)
      // The right padding over another content: what opens is not yet what signs.
      const changed = Buffer.from(token)
      changed[100_000] = changed[100_000] === 0x41 ? 0x42 : 0x41
      expect(codeOf(changed, both)).toBe('ERR_TOKEN_SIGNATURE')
      changed.set(Buffer.from('AAAA'), token.length - 100)
      expect(codeOf(changed, both)).toBe('ERR_TOKEN_SIGNATURE')
      const short = token.subarray(0, token.lastIndexOf(0x2e) + 5)
      expect(codeOf(short, both)).toBe('ERR_TOKEN_SIGNATURE')
    }
  })

  // An unsigned header of 8 MiB stopped the event loop for 5 s, because it was parsed before the signature was checked.
  it.each([
    ['header', () => signedWith({ alg: 'RS256', filler: 'f'.repeat(3_100) })],
    ['signature', () => `${good.toString()}${'A'.repeat(2_800)}`],
  ])('refuses a %s that is longer than any co-signer needs, unread', (_, token) => {
    expect(codeOf(token())).toBe('ERR_TOKEN_MALFORMED')
  })

  it('refuses everything when it has no keys', () => {
    expect(() => createTokenVerifier([])(good, NOW)).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_SIGNATURE' }),
    )
  })

  it('accepts what jose signs, byte for byte', async () => {
    const token = await new CompactSign(Buffer.from(ETH_PAYLOAD))
      .setProtectedHeader({ typ: 'JWT', alg: 'RS256' })
      .sign(cosigner.privateKey)
    expect(verify(Buffer.from(token), NOW).claims['amount']).toEqual(new JsonNumber('0.01000000'))
  })

  it.each([
    ['no type', { alg: 'RS256' }],
    ['a type in lower case', { alg: 'RS256', typ: 'jwt' }],
    ['the full media type', { alg: 'RS256', typ: 'application/JWT' }],
    [
      'members that it does not know',
      { alg: 'RS256', kid: '../../etc/passwd', cty: 'x', x5t: 'y', foo: [1] },
    ],
    ['an empty kid', { alg: 'RS256', typ: 'JWT', kid: '' }],
    ['white space in the header', '{ "alg" : "RS256" }\n'],
  ])('accepts a header with %s', (_, header) => {
    expect(codeOf(signedWith(header))).toBe('accepted')
  })

  it.each([
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    'HS256',
    'HS384',
    'HS512',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'ES256K',
    'EdDSA',
    'rs256',
    'Rs256',
    'RS256 ',
    ' RS256',
    'RS256\u0000',
    'RSA-SHA256',
    'ＲＳ256',
  ])('refuses the algorithm %j although the signature is good', (alg) => {
    expect(codeOf(signedWith({ alg, typ: 'JWT' }))).toBe('ERR_TOKEN_ALGORITHM')
  })

  it.each([null, 256, true, ['RS256'], { alg: 'RS256' }, undefined])(
    'refuses an algorithm that is no text: %j',
    (alg) => {
      expect(codeOf(signedWith({ alg, typ: 'JWT' }))).toBe('ERR_TOKEN_ALGORITHM')
    },
  )

  it('refuses HMAC tokens keyed with the public key, an empty or a guessable secret', () => {
    for (const secret of [cosigner.publicKeyPem, cosigner.publicKeyPem.trim(), '', 'secret']) {
      expect(codeOf(hmacTokenOf(secret, CLAIMS))).toBe('ERR_TOKEN_ALGORITHM')
      const [, payload] = hmacTokenOf(secret, CLAIMS).toString().split('.')
      const signed = `${base64url('{"typ":"JWT","alg":"RS256"}')}.${payload}`
      const mac = createHmac('sha256', secret).update(signed).digest('base64url')
      expect(codeOf(`${signed}.${mac}`)).toBe('ERR_TOKEN_SIGNATURE')
    }
  })

  it('refuses other RSA signatures under the header RS256', () => {
    const [header, payload] = good.toString().split('.')
    const signed = Buffer.from(`${header}.${payload}`)
    const key = cosigner.privateKey
    const forged = [
      sign('sha512', signed, key),
      sign('sha1', signed, key),
      sign('sha256', signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING }),
    ]
    for (const signature of forged) {
      expect(codeOf(`${header}.${payload}.${signature.toString('base64url')}`)).toBe(
        'ERR_TOKEN_SIGNATURE',
      )
    }
  })

  it.each(['crit', 'b64', 'zip', 'jku', 'x5u', 'jwk', 'x5c'])(
    'refuses the header %s in any form',
    (name) => {
      for (const value of [
        null,
        '',
        'DEF',
        false,
        true,
        [],
        ['exp'],
        {},
        'http://127.0.0.1/keys',
      ]) {
        expect(codeOf(signedWith({ alg: 'RS256', typ: 'JWT', [name]: value }))).toBe(
          'ERR_TOKEN_MALFORMED',
        )
      }
    },
  )

  it.each([
    'JOSE',
    'JWS',
    'at+jwt',
    'countersign-self-test',
    '',
    'JWT ',
    'text/jwt',
    null,
    1,
    ['JWT'],
  ])('refuses the type %j', (typ) => {
    expect(codeOf(signedWith({ alg: 'RS256', typ }))).toBe('ERR_TOKEN_MALFORMED')
  })

  it.each([
    ['duplicate algorithm', '{"alg":"RS256","alg":"RS256"}'],
    ['duplicate unknown member', '{"alg":"RS256","x":1,"x":1}'],
    ['array', '["RS256"]'],
    ['text', '"RS256"'],
    ['null', 'null'],
    ['nothing', ''],
    ['not JSON', '{alg:RS256}'],
    ['two values', '{"alg":"RS256"}{}'],
    ['byte order mark', '\ufeff{"alg":"RS256"}'],
    ['deep nesting', `{"alg":"RS256","x":${'['.repeat(40)}${']'.repeat(40)}}`],
    ['NUL', '{"alg":"RS256"}\u0000'],
  ])('refuses a header that is no single object: %s', (_, header) => {
    expect(codeOf(signedWith(header))).toBe('ERR_TOKEN_MALFORMED')
  })

  it('refuses a header in broken UTF-8', () => {
    const header = Buffer.concat([
      Buffer.from('{"alg":"RS256","x":"'),
      Buffer.from([0xc3]),
      Buffer.from('"}'),
    ])
    const signed = `${base64url(header)}.${base64url('{}')}`
    const signature = sign('sha256', Buffer.from(signed), cosigner.privateKey).toString('base64url')
    expect(codeOf(`${signed}.${signature}`)).toBe('ERR_TOKEN_MALFORMED')
  })

  it('refuses every other form of a good token', () => {
    const token = good.toString()
    const [header = '', payload = '', signature = ''] = token.split('.')
    const forms = [
      '.',
      '..',
      '...',
      header,
      `${header}.${payload}`,
      `${token}.`,
      `.${token}`,
      `${token}.x`,
      `${token}.${token}`,
      `${header}..${signature}`,
      `.${payload}.${signature}`,
      `${header} .${payload}.${signature}`,
      ` ${token}`,
      `${token} `,
      `${token}\n`,
      `${token}\r\n`,
      `\n${token}`,
      `\t${token}`,
      `\ufeff${token}`,
      `"${token}"`,
      `'${token}'`,
      `Bearer ${token}`,
      `${token}\u0000`,
      `${token}=`,
      `${token}==`,
      `${header}=.${payload}.${signature}`,
      `${header}.${payload}==.${signature}`,
      `${header}.${payload}.\n${signature}`,
      token.toUpperCase(),
      `${header}.${payload}.${signature.slice(0, 100)}\n${signature.slice(100)}`,
      `${header},${payload},${signature}`,
      `{"payload":"${payload}","protected":"${header}","signature":"${signature}"}`,
      `[${token}]`,
      `token=${token}`,
      `${header}%2E${payload}%2E${signature}`,
      `${header}.${payload}.${signature.slice(0, -4)}`,
      token.slice(1),
      `${header}.${payload}.${signature}AAAA`,
      `${header}.${payload}.AAAA${signature}`,
      token.replaceAll('.', '\uff0e'),
    ]
    for (const form of forms) expect([form, codeOf(form)]).not.toEqual([form, 'accepted'])
    expect(new Set(forms.map((form) => codeOf(form)))).toEqual(
      new Set(['ERR_TOKEN_MALFORMED', 'ERR_TOKEN_SIGNATURE']),
    )
  })

  it('names an empty body', () => {
    expect(codeOf('')).toBe('ERR_BODY_MISSING')
  })

  it('refuses the standard base64 alphabet', () => {
    const [header, payload, signature] = good.toString().split('.')
    const standard = Buffer.from(signature ?? '', 'base64url')
      .toString('base64')
      .replaceAll('=', '')
    expect(standard).not.toBe(signature)
    expect(codeOf(`${header}.${payload}.${standard}`)).toBe('ERR_TOKEN_MALFORMED')
  })

  it('refuses every other spelling of the unused trailing bits', () => {
    // 256 bytes leave 4 unused bits: 15 other last characters decode to the same signature.
    const token = good.toString()
    const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const twins = Array.from(alphabet)
      .map((last) => token.slice(0, -1) + last)
      .filter((twin) => signature.equals(Buffer.from(twin.split('.')[2] ?? '', 'base64url')))
    expect(twins).toHaveLength(16)
    expect(twins.filter((twin) => codeOf(twin) === 'accepted')).toEqual([token])
  })

  it('refuses every single-byte change of a good token', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const mutant = Buffer.from(good)
        mutant[at] = (mutant[at] ?? 0) ^ change
        expect(codeOf(mutant)).toMatch(/^ERR_TOKEN_/)
      }),
      { numRuns: 2000 },
    )
  })

  it('refuses every flipped bit of a good token', () => {
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const mutant = Buffer.from(good)
      const at = bit >> 3
      mutant[at] = (mutant[at] ?? 0) ^ (1 << (bit & 7))
      if (codeOf(mutant) === 'accepted') throw new Error(`accepted with bit ${bit} flipped`)
    }
  })

  it('refuses every flipped bit of the signature', () => {
    const [header, payload, text = ''] = good.toString().split('.')
    for (let at = 0; at < 256; at += 1) {
      const signature = Buffer.from(text, 'base64url')
      signature[at] = (signature[at] ?? 0) ^ (1 << (at % 8))
      expect(codeOf(`${header}.${payload}.${signature.toString('base64url')}`)).toBe(
        'ERR_TOKEN_SIGNATURE',
      )
    }
  })

  it('refuses signatures that are absent, short, long, zero or all ones', () => {
    const [header, payload] = good.toString().split('.')
    for (const signature of [
      Buffer.alloc(0),
      Buffer.alloc(1),
      Buffer.alloc(255),
      Buffer.alloc(256),
      Buffer.alloc(257),
      Buffer.alloc(512),
      Buffer.alloc(256, 0xff),
      Buffer.concat([Buffer.alloc(255), Buffer.from([1])]),
    ]) {
      expect(codeOf(`${header}.${payload}.${signature.toString('base64url')}`)).toBe(
        'ERR_TOKEN_SIGNATURE',
      )
    }
  })

  it('refuses a signature with an extra leading zero byte', () => {
    const [header, payload, text = ''] = good.toString().split('.')
    const longer = Buffer.concat([Buffer.alloc(1), Buffer.from(text, 'base64url')])
    expect(codeOf(`${header}.${payload}.${longer.toString('base64url')}`)).toBe(
      'ERR_TOKEN_SIGNATURE',
    )
  })

  it('refuses PKCS #1 v1.5 paddings that are almost right', () => {
    const raw = (block: Buffer): Buffer =>
      privateEncrypt({ key: cosigner.privateKey, padding: constants.RSA_NO_PADDING }, block)
    const [header, payload] = good.toString().split('.')
    const digest = createHash('sha256').update(`${header}.${payload}`).digest()
    const info = Buffer.from('3031300d060960864801650304020105000420', 'hex')
    const noNull = Buffer.from('302f300b06096086480165030402010420', 'hex')
    const right = pad(Buffer.concat([info, digest]))
    expect(codeOf(`${header}.${payload}.${raw(right).toString('base64url')}`)).toBe('accepted')
    const wrong = [
      pad(Buffer.concat([noNull, digest])),
      pad(digest),
      Buffer.concat([Buffer.from([0, 1, 0xff, 0]), info, digest, Buffer.alloc(256 - 4 - 19 - 32)]),
      Buffer.concat([Buffer.from([0, 2]), right.subarray(2)]),
      Buffer.concat([right.subarray(0, 10), Buffer.from([0xfe]), right.subarray(11)]),
    ]
    for (const block of wrong) {
      expect(codeOf(`${header}.${payload}.${raw(block).toString('base64url')}`)).toBe(
        'ERR_TOKEN_SIGNATURE',
      )
    }
  })

  it('refuses a good token of somebody else', () => {
    expect(codeOf(tokenOf(other.privateKey, CLAIMS))).toBe('ERR_TOKEN_SIGNATURE')
  })

  it('verifies nothing when no key is configured', () => {
    expect(codeOf(good, createTokenVerifier([]))).toBe('ERR_TOKEN_SIGNATURE')
  })

  it.each([
    ['empty', ''],
    ['an array', '[]'],
    ['text', '"requestId"'],
    ['a number', '1'],
    ['null', 'null'],
    ['a nested token', 'eyJhbGciOiJSUzI1NiJ9.e30.AA'],
    ['not JSON', '{requestId:1}'],
    ['with a byte order mark', '\ufeff{"requestId":"r"}'],
    ['with duplicate names', '{"amountStr":"1","amountStr":"999"}'],
    ['with duplicate names in two spellings', String.raw`{"requestId":"a","requestI\u0064":"b"}`],
    ['too deep, with duplicate names', `{"a":${'['.repeat(99)}{"b":1,"b":2}${']'.repeat(99)}}`],
    ['with a lone surrogate and duplicate names', String.raw`{"a":"\ud800","b":1,"b":2}`],
    ['endlessly deep', '['.repeat(100_000)],
    ['followed by more', '{"requestId":"r"} x'],
  ])('refuses a payload that is %s, although the signature is good', (_, payload) => {
    expect(codeOf(signedWith({ alg: 'RS256' }, payload))).toBe('ERR_TOKEN_MALFORMED')
  })

  it.each([
    ['a stray continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a character beyond Unicode', [0xf5, 0x80, 0x80, 0x80]],
    ['a truncated character', [0xe2, 0x82]],
    ['Latin-1', [0xfc]],
  ])('refuses broken UTF-8 in the payload: %s', (_, bytes) => {
    const payload = Buffer.concat([
      Buffer.from('{"requestId":"'),
      Buffer.from(bytes),
      Buffer.from('"}'),
    ])
    expect(codeOf(signedWith({ alg: 'RS256' }, payload))).toBe('ERR_TOKEN_MALFORMED')
  })

  it('accepts the deprecated action object of a request', () => {
    expect(
      codeOf(signedWith({ alg: 'RS256' }, { ...CLAIMS, action: { capturedRuleNum: 5 } })),
    ).toBe('accepted')
  })

  /** Story: each of these was a 401, which fails a transaction for good although its co-signer had signed it. */
  it.each([
    ['a lone surrogate', String.raw`{"requestId":"r","note":"\ud800"}`],
    ['more than 32 levels', `{"requestId":"r","x":${'['.repeat(32)}${']'.repeat(32)}}`],
    ['a hundred thousand levels', `{"requestId":"r","x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`],
    ['the form of one of our answers', '{"action":"APPROVE","requestId":"r"}'],
    [
      'that of an answer with a reason',
      '{"action":"REJECT","requestId":"r","rejectionReason":"x"}',
    ],
    ['an expiry as text', { ...CLAIMS, exp: String(NOW_SECONDS + 60) }],
    ['an expiry of null', { ...CLAIMS, exp: null }],
    ['a start as text', { ...CLAIMS, nbf: String(NOW_SECONDS) }],
  ])('accepts, but does not read, a payload with %s', (_, payload) => {
    expect(codeOf(signedWith({ alg: 'RS256' }, payload))).toBe('unreadable')
  })

  it.each([
    ['an expiry that has come', { exp: NOW_SECONDS }],
    ['an expiry in the past', { exp: NOW_SECONDS - 1 }],
    ['a start in the future', { nbf: NOW_SECONDS + 31 }],
    ['an expiry in the past, the start unreadable', { exp: NOW_SECONDS - 1, nbf: 'x' }],
    ['a start in the future, the expiry unreadable', { exp: null, nbf: NOW_SECONDS + 31 }],
  ])('refuses %s', (_, times) => {
    expect(codeOf(signedWith({ alg: 'RS256' }, { ...CLAIMS, ...times }))).toBe('ERR_TOKEN_TIME')
  })

  it.each([
    ['an expiry to come', { exp: NOW_SECONDS + 1 }],
    ['a start now', { nbf: NOW_SECONDS }],
    ['a start just ahead of our clock', { nbf: NOW_SECONDS + 30 }],
    ['an issue time of days ago, because a RETRY is asked again', { iat: NOW_SECONDS - 200_000 }],
    ['an issue time of no meaning', { iat: 'yesterday' }],
  ])('accepts %s', (_, times) => {
    expect(codeOf(signedWith({ alg: 'RS256' }, { ...CLAIMS, ...times }))).toBe('accepted')
  })

  it('refuses JSON serialisation, detached and unencoded payloads, and encryption, as jose makes them', async () => {
    const { privateKey, publicKey } = cosigner
    const payload = Buffer.from(JSON.stringify(CLAIMS))
    const flattened = await new FlattenedSign(payload)
      .setProtectedHeader({ alg: 'RS256' })
      .sign(privateKey)
    const { protected: header = '', signature } = flattened
    const unencoded = await new FlattenedSign(payload)
      .setProtectedHeader({ alg: 'RS256', b64: false, crit: ['b64'] })
      .sign(privateKey)
    const encrypted = await new CompactEncrypt(payload)
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
      .encrypt(publicKey)
    const nested = await new CompactSign(good)
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', cty: 'JWT' })
      .sign(privateKey)
    for (const form of [
      JSON.stringify(flattened),
      JSON.stringify({
        payload: flattened.payload,
        signatures: [{ protected: header, signature }],
      }),
      `${header}..${signature}`,
      `${unencoded.protected}.${JSON.stringify(CLAIMS)}.${unencoded.signature}`,
      `${unencoded.protected}.${base64url(payload)}.${unencoded.signature}`,
      encrypted,
      nested,
    ]) {
      expect(['ERR_TOKEN_MALFORMED', 'ERR_TOKEN_SIGNATURE']).toContain(codeOf(form))
    }
  })

  it('never echoes content in a message', () => {
    const secret = 'attacker-controlled'
    for (const token of [
      signedWith({ alg: secret }),
      signedWith({ alg: 'RS256', typ: secret }),
      signedWith({ alg: 'RS256' }, `{"${secret}":1,"${secret}":2}`),
      signedWith({ alg: 'RS256' }, `["${secret}"]`),
      tokenOf(other.privateKey, { requestId: secret }),
    ]) {
      expect(messagesOf(token).join('\n')).not.toContain(secret)
    }
  })

  it('refuses keys that are not RSA public keys of 2048 bits or more', () => {
    const unfit = [
      cosigner.privateKey,
      generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey,
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
      generateKeyPairSync('ed25519').publicKey,
    ]
    for (const key of unfit) {
      expect(() => createTokenVerifier([{ name: 'x', key }])).toThrow(KeyMaterialError)
    }
    expect(() =>
      createTokenVerifier([{ name: 'x', key: createPublicKey(cosigner.privateKey) }]),
    ).not.toThrow()
  })
})

describe('stories of public handlers', () => {
  // A published sample token ends in zeros instead of a signature; a public handler got a switch to accept it.
  it('refuses the zero-signature token of fireblocks/eth_tx_validation', () => {
    expect(codeOf(ZERO_SIGNATURE_TOKEN)).toBe('ERR_TOKEN_SIGNATURE')
  })

  // The vendor's basic sample verifies without naming an algorithm, so RS512 passed.
  it('refuses a good RS512 token', async () => {
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'RS512' })
      .sign(cosigner.privateKey)
    expect(codeOf(token)).toBe('ERR_TOKEN_ALGORITHM')
  })

  // CoboGlobal/cobo-mpc-callback-server-v2-template accepts every RSA algorithm, checking the family only.
  it('refuses a good PS256 token', async () => {
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'PS256' })
      .sign(cosigner.privateKey)
    expect(codeOf(token)).toBe('ERR_TOKEN_ALGORITHM')
  })

  // mahiroaug/fireblocks-callbackhandler2 trims the body and strips quotes before it verifies.
  it('does not repair a token in quotes or with a line break', () => {
    expect(codeOf(`"${good.toString()}"`)).toBe('ERR_TOKEN_MALFORMED')
    expect(codeOf(`${good.toString()}\n`)).toBe('ERR_TOKEN_MALFORMED')
  })

  // matheusrcd/callback-handler decoded with the standard alphabet and failed on `-` and `_`.
  it('decodes payloads whose base64url has both special characters', () => {
    const note = '\u00ff\u00fe>?>?~~~\u07ff\u00bf'
    const token = signedWith({ alg: 'RS256' }, { ...CLAIMS, note: `${note}?>` })
    const [, payload = ''] = token.toString().split('.')
    expect(payload).toMatch(/-/)
    expect(payload).toMatch(/_/)
    expect(verify(token, NOW).claims['note']).toBe(`${note}?>`)
  })

  // A hosted TypeScript handler skipped the check for other content types and went on after a failed one.
  it('treats plain JSON as a broken token', () => {
    expect(codeOf(JSON.stringify(CLAIMS))).toBe('ERR_TOKEN_MALFORMED')
  })
})

describe('createPlainVerifier', () => {
  const plain = createPlainVerifier()

  it('reads a JSON object as claims of nobody in particular', () => {
    expect(plain(Buffer.from('{"requestId":"ü"}'), NOW)).toEqual({
      claims: Object.assign(Object.create(null), { requestId: 'ü' }),
      token: '{"requestId":"ü"}',
      cosigner: '',
    })
  })

  it.each(['[]', '{"a":1,"a":2}', '\ufeff{}', '{}x', 'x', '"x"'])('refuses %j', (body) => {
    expect(codeOf(body, plain)).toBe('ERR_TOKEN_MALFORMED')
  })

  it('refuses a token, broken UTF-8, an empty body and an expired request', () => {
    expect(codeOf(good, plain)).toBe('ERR_TOKEN_MALFORMED')
    expect(codeOf(Buffer.from([0x7b, 0x80, 0x7d]), plain)).toBe('ERR_TOKEN_MALFORMED')
    expect(codeOf('', plain)).toBe('ERR_BODY_MISSING')
    expect(codeOf(`{"exp":${NOW_SECONDS - 1}}`, plain)).toBe('ERR_TOKEN_TIME')
  })
})

describe('signToken', () => {
  it('makes a token that jose verifies, with the claims as they are', async () => {
    const token = await signToken(cosigner.signer, { action: 'APPROVE', requestId: 'ü-1' })
    const { payload, protectedHeader } = await compactVerify(token, cosigner.publicKey, {
      algorithms: ['RS256'],
    })
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT' })
    expect(Buffer.from(payload).toString()).toBe('{"action":"APPROVE","requestId":"ü-1"}')
  })

  it('gives equal tokens for equal claims', async () => {
    const claims = { action: 'RETRY', requestId: 'r' }
    const tokens = await Promise.all([
      signToken(cosigner.signer, claims),
      signToken(cosigner.signer, claims),
    ])
    expect(tokens[0]).toBe(tokens[1])
  })

  it('makes tokens of other types that never pass as a request', async () => {
    const token = await signToken(cosigner.signer, { nonce: 'n' }, 'countersign-self-test')
    expect(codeOf(token)).toBe('ERR_TOKEN_MALFORMED')
  })

  it('makes answers that are never read as a request, even under the co-signer key', async () => {
    const token = await signToken(cosigner.signer, { action: 'APPROVE', requestId: 'r' })
    expect(codeOf(token)).toBe('unreadable')
  })

  it('round-trips any claims through our own verifier', async () => {
    const value = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }))
    await fc.assert(
      fc.asyncProperty(value, async (claims) => {
        fc.pre(!('action' in claims) && !('exp' in claims) && !('nbf' in claims))
        const token = await signToken(cosigner.signer, claims)
        expect(Object.entries(verify(Buffer.from(token), NOW).claims)).toEqual(
          Object.entries(claims),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('rejects when the key cannot sign', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    await expect(signToken(fileSigner(privateKey), {})).rejects.toThrow()
    expect(() => fileSigner(cosigner.publicKey)).toThrow()
  })

  it('signs by the algorithm of the key: ES256 as R‖S, which jose verifies', async () => {
    const { signer, publicKey } = await testEcKey()
    expect([signer.algorithm, cosigner.signer.algorithm]).toEqual(['ES256', 'RS256'])
    for (const typ of ['JWT', 'countersign-self-test']) {
      const token = await signToken(signer, { action: 'APPROVE', requestId: 'r' }, typ)
      const { protectedHeader } = await compactVerify(token, publicKey, { algorithms: ['ES256'] })
      expect(protectedHeader).toEqual({ alg: 'ES256', typ })
      expect(Buffer.from(token.split('.')[2] ?? '', 'base64url')).toHaveLength(64)
    }
  })

  it('is no token of a co-signer, whose algorithm is RS256 alone', async () => {
    const { signer } = await testEcKey()
    expect(codeOf(await signToken(signer, { requestId: 'r' }))).toBe('ERR_TOKEN_ALGORITHM')
  })
})

function messagesOf(token: Buffer): string[] {
  try {
    verify(token, NOW)
  } catch (error) {
    const { message, cause } = error as Error
    return [message, String(cause)]
  }
  throw new Error('accepted')
}

/** EMSA-PKCS1-v1_5 for a modulus of 256 bytes. */
function pad(content: Buffer): Buffer {
  const filler = Buffer.alloc(256 - 3 - content.length, 0xff)
  return Buffer.concat([Buffer.from([0, 1]), filler, Buffer.from([0]), content])
}
