/** Bodies of events: the standard one, or a structure of the target's own with placeholders in its strings. */
import type { OutgoingEvent } from './catalogue.ts'

/** A structure with placeholders, as the file of targets has it. */
export type Template =
  string | number | boolean | null | readonly Template[] | { readonly [name: string]: Template }

/** What a placeholder may name; a member that an event has not is left empty. */
export const PLACEHOLDERS: ReadonlySet<string> = new Set([
  'type',
  'id',
  'time',
  'text',
  'store',
  'hold',
  'requestId',
  'stage',
  'owner',
  'rule',
  'action',
  'by',
  'until',
  'approvals',
  'approvalsWanted',
  'summary',
  'note',
])

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g

/** What chats take for markup, for a mention or for a link. */
const MARKUP = /[<>&@*`|~[\]\\]/g

/** Names between double braces in the strings of a template. */
export function placeholdersOf(template: Template): readonly string[] {
  if (typeof template === 'string') {
    return Array.from(template.matchAll(PLACEHOLDER), ([, name = '']) => name)
  }
  if (typeof template !== 'object' || template === null) return []
  return Object.values(template).flatMap(placeholdersOf)
}

/** The body as it is signed and sent: JSON in ASCII. */
export function renderBody(
  event: OutgoingEvent,
  { template, full, storeId }: { template: Template | undefined; full: boolean; storeId: string },
): string {
  const { id, type, time, text, data } = event
  const details = full ? event.details : {}
  if (template === undefined) {
    return ascii({ type, timestamp: time, data: { store: storeId, text, ...data, ...details } })
  }
  // Without more ado a chat shows `text`, so with `details: full` it says everything.
  const more = Object.values(details).filter((value) => value !== '')
  const values = {
    ...data,
    ...details,
    id,
    type,
    time,
    store: storeId,
    text: [text, ...more].join(': '),
  }
  return ascii(fill(template, new Map(Object.entries(values))))
}

function fill(template: Template, values: ReadonlyMap<string, string | number>): Template {
  if (typeof template === 'string') {
    return template.replaceAll(PLACEHOLDER, (_, name: string) => plain(values.get(name) ?? ''))
  }
  if (typeof template !== 'object' || template === null) return template
  if (Array.isArray(template)) return template.map((each: Template) => fill(each, values))
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) => [name, fill(value, values)]),
  )
}

function plain(value: string | number): string {
  return String(value)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll(MARKUP, '?')
    .replaceAll('://', ': //')
}

function ascii(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
