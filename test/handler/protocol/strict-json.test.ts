import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { isList, isObject, JsonNumber } from '../../../handler/protocol/json-value.ts'
import type { JsonValue } from '../../../handler/protocol/json-value.ts'
import {
  MAX_DEPTH,
  parseLenientJson,
  parseStrictJson,
  StrictJsonError,
} from '../../../handler/protocol/strict-json.ts'
import { ETH_PAYLOAD } from '../../fixtures/tokens.ts'

/** What `JSON.parse` would have made of it. */
function plain(value: JsonValue | undefined): unknown {
  if (value instanceof JsonNumber) return Number(value.text)
  if (isList(value)) return value.map(plain)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

function flawOf(text: string, parse = parseStrictJson): string {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof StrictJsonError) return error.flaw
    throw error
  }
  return 'none'
}

function isDeeplyFrozen(value: JsonValue | undefined): boolean {
  if (!isList(value) && !isObject(value)) return Object.isFrozen(value)
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen)
}

describe('parseStrictJson', () => {
  it('agrees with JSON.parse on any JSON text', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text))
      }),
    )
  })

  it('agrees with JSON.parse on pretty-printed text with any characters', () => {
    const text = fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 4 })
    fc.assert(
      fc.property(text, fc.constantFrom(' ', '\t', '\n\r '), (value, indent) => {
        const printed = JSON.stringify(value, undefined, indent)
        expect(plain(parseStrictJson(printed))).toEqual(JSON.parse(printed))
      }),
    )
  })

  it('accepts nothing that JSON.parse refuses', () => {
    const soup = fc.string({
      unit: fc.constantFrom(...Array.from('{}[]",:\\u0019-+.eE tfnrls\n\u0000\u2028')),
      maxLength: 12,
    })
    fc.assert(
      fc.property(soup, (text) => {
        if (flawOf(text) === 'none') expect(() => JSON.parse(text)).not.toThrow()
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps numbers as they were written', () => {
    const text = '[0.01000000,88226397651234567.12345678,-0,1E-999,1e+2]'
    expect(parseStrictJson(text)).toEqual(
      ['0.01000000', '88226397651234567.12345678', '-0', '1E-999', '1e+2'].map(
        (n) => new JsonNumber(n),
      ),
    )
  })

  it('reads the published payload and freezes all of it', () => {
    const value = parseStrictJson(ETH_PAYLOAD)
    expect(plain(value)).toEqual(JSON.parse(ETH_PAYLOAD))
    expect(isDeeplyFrozen(value)).toBe(true)
  })

  it.each([
    ['__proto__ as a name', '{"__proto__":{"polluted":1}}', '__proto__'],
    ['constructor as a name', '{"constructor":{"prototype":{"polluted":1}}}', 'constructor'],
    ['toString as a name', '{"toString":1}', 'toString'],
    ['hasOwnProperty as a name', '{"hasOwnProperty":null}', 'hasOwnProperty'],
  ])('treats %s as any other', (_, text, name) => {
    const value = parseStrictJson(text)
    if (!isObject(value)) throw new Error('not an object')
    expect(Object.keys(value)).toEqual([name])
    expect(inheritedBy(value)).toEqual([])
    expect(inheritedBy(parseStrictJson('{}'))).toEqual([])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([
    ['top level', '{"a":1,"a":2}'],
    ['the same value twice', '{"a":null,"a":null}'],
    ['below', '[{"b":{"a":1,"c":2,"a":3}}]'],
    ['two spellings', String.raw`{"a":1,"\u0061":2}`],
    ['__proto__', '{"__proto__":1,"__proto__":2}'],
    ['the empty name', '{"":1,"":2}'],
  ])('refuses a duplicate name: %s', (_, text) => {
    expect(flawOf(text)).toBe('duplicate-name')
  })

  it.each([
    ['escaped high', String.raw`"\ud800"`],
    ['escaped low', String.raw`"\udc00"`],
    ['the wrong way round', String.raw`"\udc00\ud800"`],
    ['raw', '"\ud800"'],
    ['in a name', String.raw`{"\ud83d":1}`],
  ])('refuses a lone surrogate: %s', (_, text) => {
    expect(flawOf(text)).toBe('lone-surrogate')
  })

  it.each([String.raw`"\ud83d\ude00"`, '"😀"'])('accepts a pair: %s', (text) => {
    expect(parseStrictJson(text)).toBe('😀')
  })

  it('accepts 32 levels and refuses 33, for arrays, objects and mixtures', () => {
    const nested = (depth: number, open: string, close: string) =>
      open.repeat(depth) + '1' + close.repeat(depth)
    expect(flawOf(nested(MAX_DEPTH, '[', ']'))).toBe('none')
    expect(flawOf(nested(MAX_DEPTH + 1, '[', ']'))).toBe('too-deep')
    expect(flawOf(nested(MAX_DEPTH, '{"a":', '}'))).toBe('none')
    expect(flawOf(nested(MAX_DEPTH + 1, '{"a":', '}'))).toBe('too-deep')
    expect(flawOf(nested(MAX_DEPTH / 2 + 1, '[{"a":', '}]'))).toBe('too-deep')
    expect(flawOf('['.repeat(1_000_000))).toBe('too-deep')
  })

  it.each([
    '',
    ' ',
    '{',
    '[',
    '"',
    '"a',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{,}',
    '{a:1}',
    "{'a':1}",
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '{1:2}',
    '1 2',
    '{}{}',
    '[]x',
    'tru',
    'True',
    'nul',
    'NaN',
    'Infinity',
    '-Infinity',
    'undefined',
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1e',
    '1e+',
    '0x10',
    '1_000',
    '١',
    '"\n"',
    '"\t"',
    '"\u0000"',
    String.raw`"\x41"`,
    String.raw`"\u12"`,
    String.raw`"\u12g4"`,
    String.raw`"\"`,
    '"\\',
    '\ufeff{}',
    '\u00a0{}',
    '{}\u0000',
    '// c\n{}',
    '/**/{}',
    '[1]]',
    '{"a":}',
    '[\f1]',
    '\v1',
  ])('refuses what is not JSON: %j', (text) => {
    expect(flawOf(text)).toBe('syntax')
    expect(() => JSON.parse(text)).toThrow()
  })

  it('says where the flaw is and not what stands there', () => {
    expect(() => parseStrictJson('{"secret":1,"secret":2}')).toThrow(
      'duplicate member name at offset 12',
    )
    expect(() => parseStrictJson('{"secret":"\\q"}')).toThrow(/^not JSON at offset 10$/)
  })

  it('takes time in proportion to the length of hostile text', () => {
    const escapes = `"${String.raw`\u0041`.repeat(300_000)}"`
    expect(parseStrictJson(escapes)).toBe('A'.repeat(300_000))
    expect(flawOf(`"${'\\'.repeat(1_000_001)}`)).toBe('syntax')
    expect(flawOf(`[${'1,'.repeat(300_000)}1]`)).toBe('none')
    expect(flawOf('9'.repeat(1_000_000))).toBe('none')
    expect(flawOf(`${' '.repeat(1_000_000)}1`)).toBe('none')
  })
})

/** Names that a value has without owning them. */
function inheritedBy(value: unknown): PropertyKey[] {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (typeof prototype !== 'object' || prototype === null) return []
  return [...Reflect.ownKeys(prototype), ...inheritedBy(prototype)]
}

describe('text that is only looked through for whom to answer', () => {
  const lenient = (text: string) => flawOf(text, parseLenientJson)
  const deep = (text: string) => `${'['.repeat(MAX_DEPTH)}${text}${']'.repeat(MAX_DEPTH)}`

  it('may have lone surrogates and any depth; what is too deep reads as null', () => {
    expect(parseLenientJson(String.raw`"\ud800"`)).toBe('\ud800')
    const text = `{"id":"r","x":${'['.repeat(100_000)}${']'.repeat(100_000)},"y":1}`
    expect(parseLenientJson(text)).toMatchObject({ id: 'r', y: { text: '1' } })
    expect(JSON.stringify(parseLenientJson(deep('[1,{"a":[]}]')))).toBe(deep('null'))
  })

  it.each([
    ['duplicate-name', '{"a":1,"a":2}'],
    ['duplicate-name', '[{"b":{"a":1,"c":[],"a":2}}]'],
    ['duplicate-name', String.raw`{"a":1,"\u0061":2}`],
    ['none', '{"a":{"a":1},"b":{"a":2}}'],
    ['none', ' { "a" : [ ] , "b" : { } } '],
    ['syntax', '[1,]'],
    ['syntax', '{"a"}'],
    ['syntax', '{"a":1,}'],
    ['syntax', '{a:1}'],
    ['syntax', '[1}'],
    ['syntax', '[1 2]'],
    ['syntax', '['],
  ])('has the same flaw below the limit as above it: %s in %s', (flaw, text) => {
    expect([lenient(text), lenient(deep(text))]).toEqual([flaw, flaw])
  })

  it('is judged alike by the reader and by what steps over the depths', () => {
    const broken = fc
      .tuple(fc.json({ maxDepth: 4 }), fc.nat(), fc.constantFrom('', '[', '}', '"', ',', ':', '1'))
      .map(([text, at, sign]) => {
        const place = at % (text.length + 1)
        return text.slice(0, place) + sign + text.slice(place + (at % 2))
      })
    fc.assert(
      fc.property(broken, (text) => {
        // A closing sign too many would end the brackets around it.
        expect(lenient(deep(`[${text}]`))).toBe(lenient(`[${text}]`))
      }),
    )
  })
})
