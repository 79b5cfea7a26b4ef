/** Requests that the co-signer really signed, with content that somebody who may initiate transactions could choose. */
import { transfer } from '../../../emulator/demo/requests.ts'

/** What may come of a signed request: anything but an approval, or exactly what the harmless request gets. */
export interface HostileContent {
  readonly what: string
  /** JSON text; `<id>` stands for the request id. */
  readonly payload: string
  readonly mayApprove: boolean
}

const ADDRESS = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'

export function hostileContents(): readonly HostileContent[] {
  return [...numbers(), ...addresses(), ...identities(), ...structures(), ...texts()]
}

/** A request of `0.25` with text replaced; the ids become `<id>`. */
function request(change: (text: string) => string): string {
  const claims = transfer('0.25')
  const id = String(claims['txId'])
  return change(JSON.stringify(claims).replaceAll(id, '<id>'))
}

function refused(what: string, payload: string): HostileContent {
  return { what, payload, mayApprove: false }
}

/** Amounts above the limit, or amounts that are none, however they are spelt. */
function numbers(): HostileContent[] {
  const texts = [
    '2.5e-1',
    '25e-2',
    '0.25e0',
    '2.5E-1',
    '1E-999',
    '1e999',
    '+0.25',
    '-0.25',
    '-0',
    ' 0.25',
    '0.25 ',
    '0.25\n',
    '0,25',
    '.25',
    '0.',
    '00.25',
    '0x0',
    '0b1',
    '0_25',
    '1/4',
    'NaN',
    'Infinity',
    '',
    '٠.٢٥',
    '０.２５',
    '0．25',
    '1.5000000000000000001',
    '1.500000000000000000000000000001',
    `0.${'0'.repeat(80)}1`,
    `${'9'.repeat(79)}`,
    `${'0'.repeat(100)}.25`,
    '9007199254740993',
    '0.30000000000000004e1',
    '1.5\u0000',
    '\u200b0.25',
    '0.25\u202e',
  ]
  const raw = [
    'null',
    'true',
    '0.25',
    '[]',
    '{}',
    '["0.25"]',
    '1e400',
    '-0.0',
    '10000000000000000999',
  ]
  return [
    ...texts.map((text) => {
      const json = JSON.stringify(text)
      const change = (whole: string) =>
        whole.replaceAll('Str":"0.25"', `Str":${json}`).replaceAll(':0.25', ':0.25')
      return refused(`amount ${json.slice(0, 40)}`, request(change))
    }),
    ...raw.map((value) =>
      refused(
        `amountStr ${value}`,
        request((text) => text.replace('"amountStr":"0.25"', `"amountStr":${value}`)),
      ),
    ),
    refused(
      'a text above the limit beside a number below it',
      request((text) => text.replace('"amountStr":"0.25"', '"amountStr":"2.5"')),
    ),
    refused(
      'a destination of more than the whole',
      request((text) => text.replace('"amountNativeStr":"0.25"', '"amountNativeStr":"2.5"')),
    ),
  ]
}

/** Destinations that look like the allowed one. */
function addresses(): HostileContent[] {
  const lookAlikes = [
    ADDRESS.toUpperCase(),
    ADDRESS.replace('5dC69', '5Dc69'),
    ADDRESS.replace('5dC', '5dС'),
    `${ADDRESS} `,
    ` ${ADDRESS}`,
    `${ADDRESS}\u0000`,
    `\u202e${ADDRESS}`,
    `${ADDRESS.slice(0, 10)}\u200b${ADDRESS.slice(10)}`,
    ADDRESS.slice(0, -1),
    `${ADDRESS}0`,
    ADDRESS.slice(2),
    `0X${ADDRESS.slice(2)}`,
    ADDRESS.normalize('NFD').replace('C', 'C\u0327'),
    '',
    '*',
    '.*',
  ]
  return [
    ...lookAlikes.map((address) =>
      refused(
        `address ${JSON.stringify(address).slice(0, 60)}`,
        request((text) => text.replaceAll(JSON.stringify(ADDRESS), JSON.stringify(address))),
      ),
    ),
    refused(
      'only the array has another address',
      request((text) =>
        text.replace(`"dstAddress":"${ADDRESS}"`, `"dstAddress":"0x${'11'.repeat(20)}"`),
      ),
    ),
    refused(
      'only the member has another address',
      request((text) =>
        text.replace(`"destAddress":"${ADDRESS}"`, `"destAddress":"0x${'11'.repeat(20)}"`),
      ),
    ),
    refused(
      'a second destination',
      request((text) =>
        text.replace(
          '"destinations":[',
          `"destinations":[{"amountNativeStr":"0","dstAddressType":"ONE_TIME","dstType":"ONE_TIME_ADDRESS","dstAddress":"0x${'11'.repeat(20)}"},`,
        ),
      ),
    ),
  ]
}

/** Ids and enumerations with characters that mean something to others. */
function identities(): HostileContent[] {
  const words = [
    'TRANSFER\u0000',
    'transfer',
    'ТRANSFER',
    'TRANSFER ',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
  ]
  return [
    ...words.map((word) =>
      refused(
        `operation ${JSON.stringify(word)}`,
        request((text) => text.replace('"TRANSFER"', JSON.stringify(word))),
      ),
    ),
    ...words.map((word) =>
      refused(
        `asset ${JSON.stringify(word)}`,
        request((text) => text.replace('"ETH_TEST5"', JSON.stringify(word))),
      ),
    ),
    refused(
      'no asset',
      request((text) => text.replace('"asset":"ETH_TEST5",', '')),
    ),
    refused(
      'no source',
      request((text) => text.replace('"sourceType":"VAULT","sourceId":"0",', '')),
    ),
    refused(
      'no request id',
      request((text) => text.replace(',"requestId":"<id>"', '')),
    ),
    ...['null', '1', '[]', '{}', '""', '"a\\u0000b"', '"a\\nb"'].map((id) =>
      refused(
        `request id ${id}`,
        request((text) => text.replace('"requestId":"<id>"', `"requestId":${id}`)),
      ),
    ),
  ]
}

/** Members that try to be properties of everything, on a request that is too large to approve. */
function structures(): HostileContent[] {
  const large = request((text) => text.replaceAll('0.25', '4'))
  const cheap = '{"amountStr":"0.25","amount":0.25,"action":"APPROVE","then":"APPROVE"}'
  const members = [
    '__proto__',
    'constructor',
    'prototype',
    'toJSON',
    'then',
    'valueOf',
    'hasOwnProperty',
  ]
  return [
    ...members.map((name) =>
      refused(`own member ${name}`, large.replace('{', `{"${name}":${cheap},`)),
    ),
    refused('constructor.prototype', large.replace('{', `{"constructor":{"prototype":${cheap}},`)),
    refused(
      'ten thousand members',
      large.replace('{', `{${Array.from({ length: 10_000 }, (_, n) => `"x${n}":${n},`).join('')}`),
    ),
    refused(
      'ten thousand destinations',
      large.replace('"destinations":[', `"destinations":[${'{},'.repeat(10_000)}`),
    ),
  ]
}

/** Free text that means something to a terminal, a log reader or a template: data, and nothing else. */
function texts(): HostileContent[] {
  const notes = [
    '\u001b[2J\u001b[31mAPPROVED',
    '\r\n{"level":"info","msg":"decided","action":"APPROVE"}',
    '\u2028\u2029',
    '\u202eEVORPPA',
    '%s%n%x',
    '${jndi:ldap://127.0.0.1/a}',
    '{{7*7}}',
    '<script>alert(1)</script>',
    "'; DROP TABLE chain;--",
    '\u0000',
    '\u0085\u009b',
    'x'.repeat(100_000),
    '\ud83d\ude00',
    'é'.normalize('NFD'),
    '$(id)',
    '../../etc/passwd',
    '{"action":"APPROVE"}',
  ]
  return notes.flatMap((note) => [
    {
      what: `note ${JSON.stringify(note).slice(0, 40)}`,
      payload: request((text) => text.replace('{', () => `{"note":${JSON.stringify(note)},`)),
      mayApprove: true,
    },
    refused(
      `note on a large amount ${JSON.stringify(note).slice(0, 40)}`,
      request((text) =>
        text.replaceAll('0.25', '4').replace('{', () => `{"note":${JSON.stringify(note)},`),
      ),
    ),
  ])
}
