/**
 * Reads the plain part of YAML that large policies are made of, twenty times faster than the full library. It never
 * guesses: whatever it does not know for certain (block style but for `|`, lines that go on, escapes, anchors, odd
 * numbers, errors of any kind) makes it give up, and the full library decides.
 */
import { resolvePlain } from './plain-scalar.ts'

/** The value that the full library would give; undefined when that is for it to say. */
export function readPlainYaml(text: string): unknown {
  const unix = text.replaceAll('\r\n', '\n')
  if (unix.includes('\r')) return undefined
  const reader: Reader = { lines: unix.split('\n'), at: 0, indent: 0, rest: '' }
  try {
    if (!advance(reader, 0) || reader.indent !== 0) return undefined
    const value = readMap(reader, 0, 0)
    return reader.at < reader.lines.length ? undefined : value
  } catch {
    return undefined
  }
}

/** Where reading has got to: the line `at`, with what is left of it from column `indent` on. */
interface Reader {
  readonly lines: readonly string[]
  at: number
  indent: number
  rest: string
}

/** A place inside one line. */
interface Cursor {
  readonly text: string
  at: number
}

const GIVE_UP = new Error('not plain')
const MAX_DEPTH = 48

function giveUp(): never {
  throw GIVE_UP
}

/** Moves to the first line from `from` on that is neither blank nor a comment; false at the end. */
function advance(reader: Reader, from: number): boolean {
  for (let at = from; at < reader.lines.length; at += 1) {
    const line = String(reader.lines[at])
    const indent = indentOf(line)
    if (indent === line.length || line[indent] === '#') continue
    reader.at = at
    reader.indent = indent
    reader.rest = line.slice(indent)
    return true
  }
  reader.at = reader.lines.length
  reader.indent = -1
  reader.rest = ''
  return false
}

function indentOf(line: string): number {
  let indent = 0
  while (line[indent] === ' ') indent += 1
  return indent
}

function readBlock(reader: Reader, depth: number): unknown {
  if (depth > MAX_DEPTH) giveUp()
  const { indent } = reader
  return isItem(reader.rest) ? readList(reader, indent, depth) : readMap(reader, indent, depth)
}

function isItem(rest: string): boolean {
  return rest === '-' || rest.startsWith('- ')
}

function readList(reader: Reader, indent: number, depth: number): unknown[] {
  const list: unknown[] = []
  while (reader.indent === indent && isItem(reader.rest)) {
    const content = reader.rest.slice(1).trimStart()
    if (content === '' || content.startsWith('#')) giveUp()
    const column = indent + reader.rest.length - content.length
    if (isItem(content) || KEY.test(content)) {
      reader.indent = column
      reader.rest = content
      list.push(readBlock(reader, depth + 1))
    } else {
      list.push(readInline(content, depth))
      advance(reader, reader.at + 1)
    }
  }
  if (reader.indent > indent) giveUp()
  return list
}

/** A plain key that no schema takes for anything but a text, or a quoted one; with its colon. */
const KEY = /^(?:([A-Za-z][A-Za-z0-9_./-]*)|"([A-Za-z0-9_./ -]*)"):(?: +|$)/

function readMap(reader: Reader, indent: number, depth: number): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  while (reader.indent === indent && !isItem(reader.rest)) {
    const match = KEY.exec(reader.rest) ?? giveUp()
    const key = keyOf(match)
    const content = reader.rest.slice(match[0].length)
    if (Object.hasOwn(map, key)) giveUp()
    if (content === '|') map[key] = readLiteral(reader, indent)
    else if (content === '' || content.startsWith('#')) map[key] = readBelow(reader, indent, depth)
    else {
      map[key] = readInline(content, depth)
      advance(reader, reader.at + 1)
    }
  }
  if (reader.indent > indent) giveUp()
  return map
}

function keyOf(match: RegExpExecArray): string {
  const [, plain, quoted] = match
  const key = plain === undefined ? quoted : resolvePlain(plain)
  return typeof key === 'string' && key !== '__proto__' ? key : giveUp()
}

/** The value of a key that has none on its own line. */
function readBelow(reader: Reader, indent: number, depth: number): unknown {
  advance(reader, reader.at + 1)
  if (reader.indent > indent) return readBlock(reader, depth + 1)
  if (reader.indent === indent && isItem(reader.rest)) return readList(reader, indent, depth + 1)
  return null
}

/** A literal text, with one line feed at its end. */
function readLiteral(reader: Reader, indent: number): string {
  const { lines } = reader
  const start = reader.at + 1
  const inner = indentOf(String(lines[start]))
  let end = start
  while (end < lines.length && indentOf(String(lines[end])) >= inner && lines[end] !== '') end += 1
  const parts = lines.slice(start, end).map((line) => line.slice(inner))
  const next = lines[end]
  if (inner <= indent || parts.some((part) => !TEXT.test(part))) giveUp()
  if (next !== undefined && next.trim() === '' && end < lines.length - 1) giveUp()
  advance(reader, end)
  return `${parts.join('\n')}\n`
}

/** What may stand in a text without any doubt about its meaning; never empty. */
const TEXT = /^[\x20-\x7e\u00a1-\u1fff\u2010-\u2027\u2030-\ud7ff]+$/

/** The value that is the rest of a line. */
function readInline(content: string, depth: number): unknown {
  const cursor = { text: content, at: 0 }
  const value = readValue(cursor, BLOCK_SCALAR, depth + 1)
  const tail = content.slice(cursor.at)
  return tail.trimEnd() === '' || /^ +#/.test(tail) ? value : giveUp()
}

const BLOCK_SCALAR = /(?:[^:# \t]| +(?![ #]|$)|:(?! |$)|(?<! )#)+/y
const FLOW_SCALAR = /[A-Za-z0-9_.+/](?:[A-Za-z0-9_.+/*?@()-]| +(?=[A-Za-z0-9_.+/*?@()-]))*/y

function readValue(cursor: Cursor, scalar: RegExp, depth: number): unknown {
  if (depth > MAX_DEPTH) giveUp()
  const first = cursor.text[cursor.at]
  if (first === '"' || first === "'") return readQuoted(cursor, first)
  if (first === '[') return readFlowList(cursor, depth)
  if (first === '{') return readFlowMap(cursor, depth)
  scalar.lastIndex = cursor.at
  const text = scalar.exec(cursor.text)?.[0] ?? giveUp()
  if (!/^[A-Za-z0-9/_(]/.test(text) || !TEXT.test(text)) giveUp()
  cursor.at += text.length
  return resolvePlain(text) ?? giveUp()
}

function readQuoted(cursor: Cursor, quote: string): string {
  const start = cursor.at + 1
  const end = cursor.text.indexOf(quote, start)
  const text = end < 0 ? giveUp() : cursor.text.slice(start, end)
  if (cursor.text[end + 1] === quote || (text !== '' && !TEXT.test(text))) giveUp()
  if (quote === '"' && text.includes('\\')) giveUp()
  cursor.at = end + 1
  return text
}

function readFlowList(cursor: Cursor, depth: number): unknown[] {
  const list: unknown[] = []
  if (opensEmpty(cursor, ']')) return list
  do list.push(readValue(cursor, FLOW_SCALAR, depth + 1))
  while (goesOn(cursor, ']'))
  return list
}

const FLOW_KEY = /(?:([A-Za-z][A-Za-z0-9_./-]*)|"([A-Za-z0-9_./ -]*)"): +/y

function readFlowMap(cursor: Cursor, depth: number): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  if (opensEmpty(cursor, '}')) return map
  do {
    FLOW_KEY.lastIndex = cursor.at
    const match = FLOW_KEY.exec(cursor.text) ?? giveUp()
    const key = keyOf(match)
    if (Object.hasOwn(map, key)) giveUp()
    cursor.at += match[0].length
    map[key] = readValue(cursor, FLOW_SCALAR, depth + 1)
  } while (goesOn(cursor, '}'))
  return map
}

/** Steps over the opening sign; true when the closing one follows. */
function opensEmpty(cursor: Cursor, closing: string): boolean {
  cursor.at += 1
  skipSpaces(cursor)
  if (cursor.text[cursor.at] !== closing) return false
  cursor.at += 1
  return true
}

/** Steps over what follows an element: true for a comma, false for the closing sign. */
function goesOn(cursor: Cursor, closing: string): boolean {
  skipSpaces(cursor)
  const sign = cursor.text[cursor.at]
  if (sign !== ',' && sign !== closing) giveUp()
  cursor.at += 1
  if (sign === closing) return false
  skipSpaces(cursor)
  return true
}

function skipSpaces(cursor: Cursor): void {
  while (cursor.text[cursor.at] === ' ') cursor.at += 1
}
