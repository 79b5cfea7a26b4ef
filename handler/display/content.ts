/** Contents that are signed instead of, or beside, a payment: call data, messages, typed data, other parameters. */
import type { ViewRow, ViewSection } from '../../common/admin-api.ts'
import { isList, isObject, type JsonObject, type JsonValue } from '../protocol/json-value.ts'
import { callDataRows, type OwnFunction } from './call-data.ts'
import { row, rowsOf } from './rows.ts'

/** Sections about `extraParameters`; nothing of it is left out. `own`: functions that the policy explains. */
export async function contentSections(
  claims: JsonObject,
  own: readonly OwnFunction[] = [],
): Promise<readonly ViewSection[]> {
  const parameters = claims['extraParameters']
  if (!isObject(parameters)) {
    const rows = rowsOf('extraParameters', parameters)
    return rows.length === 0 ? [] : [{ title: 'Extra parameters', rows }]
  }
  const { contractCallData: callData, rawMessageData: messages, ...others } = parameters
  return [
    ...(typeof callData === 'string'
      ? [{ title: 'Contract call', rows: await callDataRows(callData, own) }]
      : [{ title: 'Contract call', rows: rowsOf('contractCallData', callData) }]),
    ...messageSections(messages),
    { title: 'Extra parameters', rows: rowsOf('', others) },
  ]
}

function messageSections(data: JsonValue | undefined): readonly ViewSection[] {
  if (!isObject(data)) {
    const rows = rowsOf('rawMessageData', data)
    return rows.length === 0 ? [] : [{ title: 'Message', rows }]
  }
  const { messages, ...others } = data
  const about = { title: 'Messages', rows: rowsOf('', others) }
  if (!isList(messages)) return [about, { title: 'Message', rows: rowsOf('messages', messages) }]
  return [
    about,
    ...messages.map((message, index) => ({
      title: `Message ${index + 1} of ${messages.length}`,
      rows: isObject(message) ? messageRows(message) : rowsOf('message', message),
    })),
  ]
}

function messageRows({ type, content, ...others }: JsonObject): readonly ViewRow[] {
  const head = [...rowsOf('type', type), ...rowsOf('', others)]
  if (isObject(content)) {
    const { domain, primaryType, message, types, ...rest } = content
    return [
      ...head,
      ...rowsOf('domain', domain),
      ...rowsOf('primaryType', primaryType),
      ...rowsOf('message', message),
      ...typeRows(types),
      ...rowsOf('', rest),
    ]
  }
  const text = typeof content === 'string' ? utf8Of(content) : undefined
  return [
    ...head,
    ...(text === undefined ? [] : [row('text', text)]),
    ...rowsOf('content', content),
  ]
}

/** Struct types as Solidity writes them: `Mail(Person from,string contents)`. */
function typeRows(types: JsonValue | undefined): readonly ViewRow[] {
  if (!isObject(types)) return rowsOf('types', types)
  return Object.entries(types).flatMap(([name, members]) => {
    const texts = isList(members) ? members.map(memberOf) : [undefined]
    return texts.every((text) => text !== undefined)
      ? [row(`type ${name}`, texts.join(', '))]
      : rowsOf(`types.${name}`, members)
  })
}

function memberOf(member: JsonValue): string | undefined {
  if (!isObject(member)) return undefined
  const { name, type, ...others } = member
  const isPlain = typeof name === 'string' && typeof type === 'string'
  return isPlain && Object.keys(others).length === 0 ? `${type} ${name}` : undefined
}

/** The text behind hex digits; undefined when they are none, or no UTF-8. */
function utf8Of(hex: string): string | undefined {
  const digits = hex.startsWith('0x') ? hex.slice(2) : hex
  if (digits === '' || !/^(?:[0-9a-fA-F]{2})+$/.test(digits)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(digits, 'hex'))
  } catch {
    return undefined
  }
}
