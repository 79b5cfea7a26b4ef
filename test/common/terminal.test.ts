import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { fitted, printable, printableJson, printableLines } from '../../common/terminal.ts'

/** Text full of what a terminal, or a reader of lines, could take for more than text. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\u001B',
      '\u009B',
      '\u202E',
      '\u2028',
      '\0',
      '\r',
      '\n',
      '\u007F',
      '\u{E0041}',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
})

describe('text for terminals', () => {
  it('has no control, format or separator character left', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(printable(text)).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]*$/u)
        expect(Array.from(printable(text))).toHaveLength(Array.from(text).length)
      }),
    )
  })

  it('keeps its lines where it has several', () => {
    expect(printableLines('a\u001B[2J\nb\r\n')).toBe('a?[2J\nb?\n')
  })

  it('as JSON is one printable line that says the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), hostile, hostile, (value, name, text) => {
        const line = printableJson({ value, [name]: text })
        expect(line).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]*$/u)
        expect(line).toBe(printable(line))
        expect(JSON.stringify(JSON.parse(line))).toBe(JSON.stringify({ value, [name]: text }))
      }),
    )
  })

  it('fits the width, and keeps whole characters', () => {
    expect(fitted('waiting', 7)).toBe('waiting')
    expect(fitted('waiting', 6)).toBe('waiti…')
    expect(fitted('𝒜𝒜𝒜', 2)).toBe('𝒜…')
  })
})
