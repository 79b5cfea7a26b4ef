/** Good signatures in forms that are not the one form of a token, or over content that is none. */
import { approvable, tokenOf } from '../client.ts'
import type { World } from '../rig.ts'

/** One hostile body and what is wrong with it. */
export interface HostileBody {
  readonly what: string
  readonly body: string | Buffer
}

export const GOOD_HEADER = { typ: 'JWT', alg: 'RS256' }

export function hostileForms(world: World): readonly HostileBody[] {
  return [...extensions(world), ...encodings(world), ...headersAndPayloads(world)]
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
    text.replace('{', `{"x":${'['.repeat(99)}{"a":1,"a":2}${']'.repeat(99)},`),
    '['.repeat(1_000_000),
    '{"a":'.repeat(100_000),
    Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from(',"note":"\xff\xfe"}', 'latin1')]),
    Buffer.from(text, 'utf16le'),
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
