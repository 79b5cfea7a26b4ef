/** Policy text as plain values, and the line and column of each: YAML 1.2 without its traps. */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document } from 'yaml'
import type { Finding } from './problems.ts'

/** 1-based, as editors count. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** A read text: its value, or what is wrong with it, with a way to find places. */
export interface YamlSource {
  readonly value: unknown
  readonly problems: readonly { readonly place: Place; readonly message: string }[]
  /** The place of the deepest value on the path that exists; of a key when the finding is about one. */
  locate(finding: Finding): Place
}

/**
 * Reads one YAML document of maps, sequences and scalars. Refused: aliases and anchors, tags, merge keys, duplicate
 * keys, keys that are not texts, a second document, and everything that the YAML library itself warns about.
 */
export function readYaml(text: string): YamlSource {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    place: at(error.pos[0]),
    message: lowerFirst(error.message),
  }))
  if (problems.length === 0) problems.push(...forbidden(document, at))
  return {
    value: problems.length === 0 ? document.toJS() : undefined,
    problems,
    locate: (finding) => at(offsetOf(document, finding)),
  }
}

function forbidden(
  document: Document.Parsed,
  at: (offset: number) => Place,
): { place: Place; message: string }[] {
  const found: { place: Place; message: string }[] = []
  const report = (node: unknown, message: string) => {
    found.push({ place: at(startOf(node)), message })
  }
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) report(node, 'aliases are not allowed, write the value out')
      else if (node.anchor !== undefined) report(node, 'anchors are not allowed')
      else if (node.tag !== undefined) report(node, 'tags are not allowed')
    },
    Pair(_key, pair) {
      const { key } = pair
      if (isScalar(key) && typeof key.value === 'string' && key.value !== '<<') return
      report(key, 'keys must be texts, and `<<` is not allowed')
    },
  })
  return found
}

function offsetOf(document: Document.Parsed, { path, key }: Finding): number {
  let node: unknown = document.contents
  let offset = 0
  for (const step of path) {
    const next = childOf(node, step)
    if (next === undefined) break
    node = next.value
    offset = next.offset
  }
  return key === undefined ? offset : (keyOffset(node, key) ?? offset)
}

/** A value and where it starts: where its key does, when there is no value. */
interface Child {
  readonly value: unknown
  readonly offset: number
}

function childOf(node: unknown, step: string | number): Child | undefined {
  if (isSeq(node)) {
    const value = node.items[Number(step)]
    return value === undefined ? undefined : { value, offset: startOf(value) }
  }
  const pair = pairOf(node, step)
  if (pair === undefined) return undefined
  return { value: pair.value, offset: startOf(isNode(pair.value) ? pair.value : pair.key) }
}

function keyOffset(node: unknown, name: string): number | undefined {
  const pair = pairOf(node, name)
  return pair === undefined ? undefined : startOf(pair.key)
}

function pairOf(node: unknown, name: string | number) {
  if (!isMap(node)) return undefined
  return node.items.find(({ key }) => isScalar(key) && key.value === name)
}

/** Where a node starts; 0 for what has no place of its own. */
function startOf(node: unknown): number {
  return Number(isNode(node) && node.range?.[0])
}

/** The first line of a message, as we write messages. */
function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replace(/\n[^]*$/, '')
}
