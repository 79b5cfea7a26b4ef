/** Freezes, pure: a second one adds to the first and never weakens it; all of them are kept until the freeze ends. */
import type { Act, Freeze, FreezeAct } from '../../common/admin-api.ts'

/** A freeze as it is stored. */
export interface FreezeRow {
  readonly action: string
  readonly person: string
  /** The first reason, which has no line feeds; then one line of JSON for each further freeze. */
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly since: number
}

/** The freeze in force after another one: the stronger action, with the person, time and reason of the first. */
export function addFreeze(before: Freeze | undefined, asked: FreezeAct): Freeze {
  if (before === undefined) return { ...asked, also: [] }
  const action = before.action === 'REJECT' ? before.action : asked.action
  return { ...before, action, also: [...before.also, asked] }
}

/** What a person asked for, at a time in ISO 8601. */
export function freezeActOf(action: Freeze['action'], { by, note }: Act, since: string): FreezeAct {
  return { action, by, reason: note, since }
}

/** Any row freezes; an action that is not RETRY counts as REJECT. */
export function freezeFrom({ action, person, reason, since }: FreezeRow): Freeze {
  const [first = '', ...more] = reason.split('\n')
  return {
    action: action === 'RETRY' ? 'RETRY' : 'REJECT',
    by: person,
    reason: first,
    since: new Date(since).toISOString(),
    also: more.map((line): FreezeAct => JSON.parse(line)),
  }
}

/** @see freezeFrom */
export function freezeRowOf({ action, by, reason, since, also }: Freeze): FreezeRow {
  const lines = [reason.replaceAll('\n', ' '), ...also.map((each) => JSON.stringify(each))]
  return { action, person: by, reason: lines.join('\n'), since: Date.parse(since) }
}
