/** Requests that the co-signer really signed, with content that somebody who may initiate transactions could choose. */
import { request, refused } from './content.ts'
import type { HostileContent } from './content.ts'
import { strangeWords } from './words.ts'

const ADDRESS = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'

export function hostileContents(): readonly HostileContent[] {
  return [...numbers(), ...unreadable(), ...addresses(), ...strangeWords()]
}

/** What is signed but of a form that is not read is asked again. */
function unreadable(): HostileContent[] {
  const starts = [
    String.raw`{"note":"\ud800",`,
    `{"x":${'['.repeat(33)}${']'.repeat(33)},`,
    `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},`,
    '{"action":"APPROVE",',
    '{"exp":null,',
    '{"nbf":"0",',
  ]
  return starts.map((start) =>
    refused(
      `begins with ${start.slice(0, 30)}`,
      request((text) => text.replace('{', start)),
    ),
  )
}

/** Texts that say 0.25. */
const SAME_AMOUNT = /^(?:0*\.25|0\.25e0|25e-2|2\.5[eE]-1)$/

/** Amounts above the limit, or amounts that are none, however they are spelt; and the same amount in other words. */
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
    '9'.repeat(79),
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
      const what = `amount ${json.slice(0, 40)}`
      return { what, payload: request(change), mayApprove: SAME_AMOUNT.test(text) }
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
