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
import { GOOD_HEADER, hostileForms } from './forms.ts'
import type { HostileBody } from './forms.ts'

/** Every class; `beacon` is a URL of a listener that nobody must call. */
export function hostileTokens(world: World, beacon: string): readonly HostileBody[] {
  return [
    ...algorithms(world),
    ...signatures(world),
    ...keyInjections(world, beacon),
    ...hostileForms(world),
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
