import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { parse } from 'yaml'
import { readPlainYaml } from '../../../../handler/policy/file/plain-yaml.ts'
import { readWithLibrary, readYaml } from '../../../../handler/policy/file/yaml-source.ts'

/** Texts that the fast reader must either read as the library does, or leave to it. */
const LINES = [
  'version: 1',
  'a: b',
  'a: "b c"',
  "b: 'it'",
  "b: 'it''s'",
  'c: "x\\n"',
  'd: [1, a, "b"]',
  'd: []',
  'e: { a: 1, b: [x, y] }',
  'e: {}',
  'e: {a: 1}',
  'f:',
  'f: # nothing',
  '  g: 1',
  '  - 1',
  '- a',
  '- a: 1',
  '  b: 2',
  '- - 1',
  '-',
  '- # x',
  '    h: 24h # a day',
  '# comment',
  '',
  '   ',
  'i: |',
  '  text: not a key',
  '   more',
  'i: >',
  'j: 0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
  'j: 1.50',
  'j: 007',
  'j: 1e3',
  'j: 12345678901234567890',
  'k: null',
  'k: ~',
  'k: true',
  'k: "true"',
  'k: no',
  'l: a:b',
  'l: a: b',
  'l: a #b',
  'l: a#b',
  'l: 2026-01-01T00:00:00Z',
  'm: *x',
  'm: &x y',
  'm: !!str y',
  'm: [a, [b, { c: d }], 1.5]',
  'm: [a b, c]',
  'm: [a',
  'm: [a,]',
  'm: { a: b',
  'm: { a: b, a: c }',
  'true: 1',
  '1: 1',
  '"q r": 1',
  '"q": [a]',
  '__proto__: 1',
  '<<: 1',
  'n: Zürich – ok',
  'n: \u0085',
  'n: x\ty',
  '\to: 1',
  '---',
  '...',
  '%YAML 1.2',
  'p:x',
  'p:  x  ',
  'p: "x"y',
  'p: "x" # y',
  'p: "x"# y',
  "p: 'x' y",
  'p: {"a": 1}',
  'p: {"a":1}',
  'q: -1',
  'q: +1',
  'q: .5',
  'q: (x)',
  'q: @x',
  'r: \r',
]

describe('readPlainYaml', () => {
  it('reads what the library reads, or leaves it to it', () => {
    let read = 0
    const text = fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 2, 4), fc.constantFrom(...LINES)), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(text, fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const yaml = lines.map(([indent, line]) => ' '.repeat(indent) + line).join(end)
        const value = readPlainYaml(yaml)
        if (value === undefined) return
        read += 1
        const library = readWithLibrary(yaml)
        expect({ yaml, value }).toEqual({ yaml, value: library.value })
        expect(library.problems).toEqual([])
      }),
      { numRuns: 4000 },
    )
    expect(read).toBeGreaterThan(50)
  })

  it.each(LINES)('agrees with the library on `%s` alone', (line) => {
    const value = readPlainYaml(`${line}\n`)
    if (value !== undefined) expect(value).toEqual(parse(`${line}\n`))
  })

  it('reads a policy as people write it without the library', () => {
    const text = `# policy
version: 1
rules:   # first match wins
  - id: a
    when:
      asset: [ETH, "BTC"]
      source: { type: VAULT, id: "0" }

    then: APPROVE
lists:
- x
statementKeys:
  k:
    publicKey: |
      -----BEGIN PUBLIC KEY-----
      AAAA
      -----END PUBLIC KEY-----
    notAfter: 2027-01-01T00:00:00Z
  l:
    publicKey: |
      A
`
    expect(readPlainYaml(text)).toEqual(parse(text))
    expect(readPlainYaml(text)).toBeDefined()
  })

  it.each([
    ['nothing', ''],
    ['a comment', '# x\n'],
    ['an indented document', '  a: 1\n'],
    ['a literal that is not indented', 'a: |\nb: 1\n'],
    ['a literal at the end', 'a: |'],
    ['a literal with a blank line inside', 'a: |\n  x\n\n  y\n'],
    ['a literal with a tab inside', 'a: |\n  x\ty\n'],
    ['a line that goes on', 'a: b\n  c\n'],
    ['a list item that goes on', '- a\n  b\n'],
    ['a list item without a value', 'a:\n  -\n  - b\n'],
    ['a list item in a map that goes on', 'a:\n  - b\n    c\n'],
    ['a quote that goes on', 'a: "b\n  c"\n'],
    ['lists too deep', `a: ${'['.repeat(60)}1${']'.repeat(60)}\n`],
    ['blocks too deep', Array.from({ length: 60 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
    ['a duplicate key', 'a: 1\na: 2\n'],
  ])('leaves %s to the library', (_name, text) => {
    expect(readPlainYaml(text)).toBeUndefined()
  })
})

describe('readYaml', () => {
  it('places keys, values, missing values and whatever lies above them', () => {
    const source = readYaml('a:\n  - b: 1\n    c:\n  - d\n')
    const at = (path: (string | number)[], key?: string) =>
      source.locate({ path, message: '', ...(key === undefined ? {} : { key }) })
    expect(at([])).toEqual({ line: 1, column: 1 })
    expect(at(['a', 0, 'b'])).toEqual({ line: 2, column: 8 })
    expect(at(['a', 0], 'b')).toEqual({ line: 2, column: 5 })
    expect(at(['a', 0], 'x')).toEqual({ line: 2, column: 5 })
    expect(at(['a', 0, 'x'])).toEqual({ line: 2, column: 5 })
    expect(at(['a', 1])).toEqual({ line: 4, column: 5 })
    expect(at(['a', 1, 'x'])).toEqual({ line: 4, column: 5 })
    expect(at(['a', 9])).toEqual({ line: 2, column: 3 })
    expect(at(['a', 1], 'x')).toEqual({ line: 4, column: 5 })
    expect(at(['a', 0, 'c']).line).toBe(3)
    expect(readYaml('{ a, b: 1 }').locate({ path: ['a'], message: '' })).toEqual({
      line: 1,
      column: 3,
    })
  })
})
