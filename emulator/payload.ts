/**
 * Callback payloads as JSON text: the co-signer signs bytes, so members are moved and added without
 * reparsing values.
 */

/**
 * The members of a JSON object as they are written, or undefined when the text is not one object.
 */
export function members(text: string): string[] | undefined {
  const inner = /^\s*\{([^]*)\}\s*$/.exec(text)?.[1]
  if (inner === undefined || !isJson(text)) return undefined
  const found: string[] = []
  let depth = 0
  let inString = false
  let start = 0
  for (let at = 0; at < inner.length; at += 1) {
    const character = inner[at]
    if (inString) {
      if (character === '\\') at += 1
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    else if (character === ',' && depth === 0) {
      found.push(inner.slice(start, at))
      start = at + 1
    }
  }
  const last = inner.slice(start)
  return last.trim() === '' ? found : [...found, last]
}

/** The same object with its members in reverse order; anything else unchanged. */
export function reordered(text: string): string {
  const found = members(text)
  return found === undefined ? text : `{${found.toReversed().join(',')}}`
}

/** The same object with members that no document mentions; anything else unchanged. */
export function withUnknownMembers(text: string): string {
  const found = members(text)
  if (found === undefined) return text
  return `{${['"x_undocumented":{"tags":["a",1,null]}', ...found].join(',')}}`
}

/** A top-level text member of the payload, if it has one. */
export function textMember(text: string, name: string): string | undefined {
  const value = parseObject(text)?.[name]
  return typeof value === 'string' ? value : undefined
}

/**
 * `signing` when a member is present that the vendor sends in the signing stage only; there is no
 * other marker.
 */
export function stageOf(text: string): 'approval' | 'signing' {
  const payload = parseObject(text)
  if (payload === undefined) return 'approval'
  const marked = destinationsOf(payload).some((entry) => 'displayDstAddress' in entry)
  return marked || 'rawTx' in payload || 'fee' in payload ? 'signing' : 'approval'
}

/**
 * What the approval stage of the same transaction looks like: without the members of the signing
 * stage.
 */
export function approvalStageOf(text: string): string {
  const payload = parseObject(text)
  if (payload === undefined) return text
  const { fee: _fee, rawTx: _rawTx, ...rest } = payload
  const destinations = destinationsOf(payload).map(
    ({ displayDstAddress: _address, ...entry }) => entry,
  )
  return JSON.stringify(destinations.length === 0 ? rest : { ...rest, destinations })
}

/** The entries of `destinations` that are objects, as copies. */
export function destinationsOf(
  payload: Readonly<Record<string, unknown>>,
): Record<string, unknown>[] {
  const list: unknown = payload['destinations']
  if (!Array.isArray(list)) return []
  return list.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null ? [{ ...entry }] : [],
  )
}

/** The object that a text is the JSON of; undefined when it is something else. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined
  } catch {
    return undefined
  }
}

function isJson(text: string): boolean {
  return parseObject(text) !== undefined
}
