/** Bodies that no co-signer sends: each holds a request that the policy would approve, and is wrong in one way. */
import {
  constants,
  createHmac,
  generateKeyPairSync,
  privateEncrypt,
  createHash,
  sign,
} from 'node:crypto'
import { approvable, encode, tokenOf } from '../client.ts'
import type { World } from '../rig.ts'

/** One hostile body and what is wrong with it. */
export interface HostileBody {
  readonly what: string
  readonly body: string | Buffer
}

const GOOD_HEADER = { typ: 'JWT', alg: 'RS256' }

/** Every class; `beacon` is a URL of a listener that nobody must call. */
export function hostileTokens(world: World, beacon: string): readonly HostileBody[] {
  return [
    ...algorithms(world),
    ...signatures(world),
    ...keyInjections(world, beacon),
    ...extensions(world),
    ...encodings(world),
    ...headersAndPayloads(world),
  ]
}

function algorithms({ cosigner, foreign }: World): HostileBody[] {
  const spellings = [
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    'rs256',
    'Rs256',
    'RS256 ',
    ' RS256',
    'RS256\0',
  ]
  const others = [
    'HS256',
    'HS384',
    'HS512',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'EdDSA',
  ]
  const notText = [null, 256, true, ['RS256'], { alg: 'RS256' }]
  const payload = encode(approvable())
  const bodies: HostileBody[] = [...spellings, ...others, ...notText].map((alg) => ({
    what: `a good signature under algorithm ${JSON.stringify(alg)}`,
    body: tokenOf(cosigner.privateKey, approvable(), { typ: 'JWT', alg }),
  }))
  for (const alg of ['none', 'None', 'NONE']) {
    bodies.push({ what: `unsigned, ${alg}`, body: `${encode({ typ: 'JWT', alg })}.${payload}.` })
  }
  const secrets = [
    cosigner.publicKeyPem,
    cosigner.publicKeyPem.trim(),
    '',
    'secret',
    foreign.publicKeyPem,
  ]
  for (const [bits, secret] of [256, 384, 512].flatMap((n) =>
    secrets.map((s) => [n, s] as const),
  )) {
    const input = `${encode({ typ: 'JWT', alg: `HS${bits}` })}.${payload}`
    const mac = createHmac(`sha${bits}`, secret).update(input).digest('base64url')
    bodies.push({ what: `HMAC keyed with a public or guessable text`, body: `${input}.${mac}` })
    bodies.push({ what: 'HMAC under RS256', body: `${encode(GOOD_HEADER)}.${payload}.${mac}` })
  }
  for (const bits of [256, 384, 512]) {
    for (const name of [`PS${bits}`, `RS${bits}`, 'RS256']) {
      const pss = name.startsWith('PS') || bits === 256
      const input = `${encode({ typ: 'JWT', alg: name })}.${payload}`
      const key = { key: cosigner.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }
      const made = sign(`sha${bits}`, Buffer.from(input), pss ? key : cosigner.privateKey)
      bodies.push({ what: 'another RSA signature', body: `${input}.${made.toString('base64url')}` })
    }
  }
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const input = `${encode({ typ: 'JWT', alg: 'ES256' })}.${payload}`
  const made = sign('sha256', Buffer.from(input), { key: ec, dsaEncoding: 'ieee-p1363' })
  return [...bodies, { what: 'ES256', body: `${input}.${made.toString('base64url')}` }]
}

function signatures({ cosigner, foreign }: World): HostileBody[] {
  const good = tokenOf(cosigner.privateKey, approvable())
  const input = good.slice(0, good.lastIndexOf('.'))
  const bytes = Buffer.from(good.slice(input.length + 1), 'base64url')
  const wrong: readonly (readonly [string, Uint8Array])[] = [
    ['empty', Buffer.alloc(0)],
    ['zero', Buffer.alloc(256)],
    ['ones', Buffer.alloc(256, 0xff)],
    ['truncated', bytes.subarray(0, 255)],
    ['halved', bytes.subarray(0, 128)],
    ['lengthened', Buffer.concat([bytes, Buffer.alloc(1)])],
    ['with a leading zero', Buffer.concat([Buffer.alloc(1), bytes])],
    ['doubled', Buffer.concat([bytes, bytes])],
    ...paddings(input).map((padded) => {
      const key = { key: cosigner.privateKey, padding: constants.RSA_NO_PADDING }
      return ['with an odd padding', privateEncrypt(key, padded)] as const
    }),
  ]
  return [
    ...wrong.map(([what, value]) => ({
      what: `signature ${what}`,
      body: `${input}.${encode(value)}`,
    })),
    { what: 'signed by somebody else', body: tokenOf(foreign.privateKey, approvable()) },
    { what: 'no signature part', body: input },
  ]
}

/** PKCS #1 v1.5 blocks of 256 bytes that are almost right (RFC 8017 §9.2). */
function paddings(input: string): Buffer[] {
  const digest = createHash('sha256').update(input).digest()
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const noNull = Buffer.from('302f300b06096086480165030402010420', 'hex')
  const block = (type: number, tail: Buffer, fill = 0xff, after = Buffer.alloc(0)) => {
    const length = 256 - 3 - tail.length - after.length
    return Buffer.concat([
      Buffer.from([0, type]),
      Buffer.alloc(length, fill),
      Buffer.from([0]),
      tail,
      after,
    ])
  }
  const full = Buffer.concat([info, digest])
  return [
    block(1, Buffer.concat([noNull, digest])),
    block(1, digest),
    block(2, full),
    block(1, full, 0xfe),
    block(1, full, 0xff, Buffer.alloc(40)),
    block(1, Buffer.concat([info, digest.subarray(0, 31)])),
    block(0, full, 0x00),
  ]
}

function keyInjections({ foreign }: World, beacon: string): HostileBody[] {
  const jwk = foreign.publicKey.export({ format: 'jwk' })
  const kids = [
    '',
    '../../../../dev/null',
    '/dev/zero',
    "x' UNION SELECT 'k'--",
    '$(sleep 9)',
    '`id`',
    '\0',
  ]
  const headers: object[] = [
    { ...GOOD_HEADER, jwk },
    { ...GOOD_HEADER, jku: `${beacon}/jku` },
    { ...GOOD_HEADER, x5u: `${beacon}/x5u` },
    {
      ...GOOD_HEADER,
      x5c: [foreign.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')],
    },
    ...kids.map((kid) => ({ ...GOOD_HEADER, kid })),
  ]
  return headers.map((header) => ({
    what: `somebody else's key under ${Object.keys(header).at(-1)}`,
    body: tokenOf(foreign.privateKey, approvable(), header),
  }))
}

function extensions({ cosigner }: World): HostileBody[] {
  const { privateKey: key } = cosigner
  const members: object[] = [
    { crit: ['exp'] },
    { crit: [] },
    { crit: ['b64'], b64: false },
    { b64: false },
    { b64: true },
    { zip: 'DEF' },
    { jku: 'https://127.0.0.1/' },
    { x5u: 'https://127.0.0.1/' },
    { x5c: [] },
    { jwk: {} },
  ]
  const good = tokenOf(key, approvable())
  const [protectedHeader = '', payload = '', signature = ''] = good.split('.')
  return [
    ...members.map((more) => ({
      what: `extension ${JSON.stringify(more)}`,
      body: tokenOf(key, approvable(), { ...GOOD_HEADER, ...more }),
    })),
    { what: 'detached payload', body: `${protectedHeader}..${signature}` },
    {
      what: 'flattened JSON',
      body: JSON.stringify({ protected: protectedHeader, payload, signature }),
    },
    {
      what: 'general JSON',
      body: JSON.stringify({ payload, signatures: [{ protected: protectedHeader, signature }] }),
    },
    { what: 'five parts', body: `${good}.AA.AA` },
    { what: 'four parts', body: `${good}.` },
    { what: 'a token in a token', body: tokenOf(key, good, { ...GOOD_HEADER, cty: 'JWT' }) },
    { what: 'bare claims', body: JSON.stringify(approvable()) },
  ]
}

function encodings({ cosigner }: World): HostileBody[] {
  const good = tokenOf(cosigner.privateKey, approvable())
  const [header = '', payload = '', signature = ''] = good.split('.')
  const standard = (part: string) => part.replaceAll('-', '+').replaceAll('_', '/')
  const around = ['\n', '\r\n', ' ', '\t', '\0', '"', "'", '=', '==', '\ufeff', ',', ';', '.']
  const inside = ['\n', ' ', '=', '%', '\0', '\u00a0']
  return [
    ...around.flatMap((each) => [
      { what: `${JSON.stringify(each)} before`, body: `${each}${good}` },
      { what: `${JSON.stringify(each)} after`, body: `${good}${each}` },
    ]),
    ...inside.map((each) => ({
      what: `${JSON.stringify(each)} inside`,
      body: `${header}.${payload.slice(0, 40)}${each}${payload.slice(40)}.${signature}`,
    })),
    { what: 'standard alphabet', body: `${header}.${payload}.${standard(`${signature}_-`)}` },
    { what: 'padded signature', body: `${good}==` },
    { what: 'quoted', body: `"${good}"` },
    { what: 'as a bearer', body: `Bearer ${good}` },
    { what: 'as a form', body: `token=${good}` },
    { what: 'UTF-16', body: Buffer.from(good, 'utf16le') },
    ...otherTrailingBits(signature).map((other) => ({
      what: 'other trailing bits',
      body: `${header}.${payload}.${other}`,
    })),
  ]
}

/** The same bytes, spelt with other unused bits in the last character. */
function otherTrailingBits(part: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const start = part.slice(0, -1)
  return [...alphabet]
    .map((last) => `${start}${last}`)
    .filter(
      (other) =>
        other !== part && Buffer.from(other, 'base64url').equals(Buffer.from(part, 'base64url')),
    )
}

function headersAndPayloads({ cosigner }: World): HostileBody[] {
  const { privateKey: key } = cosigner
  const headers = [
    '{"alg":"RS256","alg":"RS256"}',
    '{"alg":"none","alg":"RS256"}',
    '["RS256"]',
    '"RS256"',
    'null',
    '',
    '{alg:RS256}',
    '{"alg":"RS256"}{}',
    '\ufeff{"alg":"RS256"}',
    `{"alg":"RS256","x":${'['.repeat(40)}${']'.repeat(40)}}`,
  ]
  const text = JSON.stringify(approvable())
  const payloads: (string | Buffer)[] = [
    '',
    '[]',
    `[${text}]`,
    JSON.stringify(text),
    '1',
    'null',
    'true',
    `\ufeff${text}`,
    `${text}${text}`,
    `${text} x`,
    text.slice(0, -1),
    text.replaceAll('"', "'"),
    text.replace('{', '{,'),
    text.replace('{', '{/**/'),
    text.replace('{', '{"amountStr":"0.1",'),
    text.replace('{', String.raw`{"amountSt\u0072":"0.1",`),
    text.replace('{', String.raw`{"note":"\ud800",`),
    text.replace('{', `{"x":${'['.repeat(33)}${']'.repeat(33)},`),
    '['.repeat(1_000_000),
    '{"a":'.repeat(100_000),
    Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from(',"note":"\xff\xfe"}', 'latin1')]),
    Buffer.from(text, 'utf16le'),
    '{"action":"APPROVE","requestId":"r"}',
    '{"action":"REJECT","requestId":"r","rejectionReason":""}',
  ]
  return [
    ...headers.map((header) => ({
      what: `header ${header.slice(0, 30)}`,
      body: tokenOf(key, text, header),
    })),
    ...payloads.map((payload) => ({
      what: `payload ${payload.toString('latin1').slice(0, 30)}`,
      body: tokenOf(key, payload),
    })),
    { what: 'nothing', body: '' },
    { what: 'one dot', body: '.' },
    { what: 'two dots', body: '..' },
  ]
}
