/** Words, names and texts that mean something to somebody else than the policy. */
import { refused, request } from './content.ts'
import type { HostileContent } from './content.ts'

export function strangeWords(): readonly HostileContent[] {
  return [...identities(), ...structures(), ...freeTexts()]
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
function freeTexts(): HostileContent[] {
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
