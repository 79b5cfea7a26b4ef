/** Rows of name and text: any JSON, flattened so that nothing is left out without saying so. */
import type { ViewRow } from '../../common/admin-api.ts'
import { isList, isObject, JsonNumber, type JsonValue } from '../protocol/json-value.ts'
import { sha256 } from '../protocol/digest.ts'

/** Rows of one value at most; what is beyond is counted and named by its digest. */
const MAX_ROWS = 500
/** Characters of one text at most. */
const MAX_TEXT = 2_048

/** One row; a long text is cut, and then says its length and digest. */
export function row(name: string, text: string): ViewRow {
  return { name, text: text.length <= MAX_TEXT ? text : shortened(text) }
}

/** The value as rows, one per scalar, named by its path: `messages[0].content`. Without a name: the rows of its members. */
export function rowsOf(name: string, value: JsonValue | undefined): readonly ViewRow[] {
  const rows: ViewRow[] = []
  let more = 0
  const rest: string[] = []
  for (const [path, text] of scalarsOf(name, value)) {
    if (rows.length < MAX_ROWS) {
      rows.push(row(path, text))
      continue
    }
    more += 1
    rest.push(path, text)
  }
  if (more > 0) rows.push(row(`${more} more values`, `SHA-256 ${sha256(JSON.stringify(rest))}`))
  return rows
}

/** A scalar as text: numbers as they were sent, and what is empty in words that no text can be taken for. */
export function textOf(value: JsonValue): string {
  if (typeof value === 'string') return value === '' ? '(empty text)' : value
  if (value instanceof JsonNumber) return value.text
  if (isList(value)) return '(empty list)'
  return isObject(value) ? '(empty object)' : String(value)
}

function* scalarsOf(
  path: string,
  value: JsonValue | undefined,
): Generator<readonly [path: string, text: string]> {
  if (value === undefined) return
  if (isList(value) && value.length > 0) {
    for (const [index, element] of value.entries()) yield* scalarsOf(`${path}[${index}]`, element)
    return
  }
  if (isObject(value) && Object.keys(value).length > 0) {
    for (const [name, member] of Object.entries(value)) {
      yield* scalarsOf(path === '' ? name : `${path}.${name}`, member)
    }
    return
  }
  if (path !== '') yield [path, textOf(value)]
}

function shortened(text: string): string {
  const start = text.slice(0, MAX_TEXT / 2)
  return `${start}… (${text.length} characters, SHA-256 ${sha256(text)})`
}
