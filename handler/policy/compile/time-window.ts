/** Windows of local time: which weekdays, from when to when, in which zone, right across daylight saving. */
import { CERTAINLY, NO } from '../readings/answer.ts'
import type { Subject } from '../readings/subject.ts'
import { simpleCheck } from './check.ts'
import type { Check } from './check.ts'
import type { Findings } from './lists.ts'
import type { Path } from '../file/problems.ts'
import type { TimeWindowEntry } from '../file/schema.ts'

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const

/** Weekday (0 = Sunday) and minute of the day on a wall clock of the zone. */
interface LocalTime {
  readonly day: number
  readonly minute: number
}

interface Window {
  readonly days: ReadonlySet<number>
  readonly from: number
  readonly to: number
  readonly local: (now: Date) => LocalTime
}

/**
 * Holds when the wall clock is inside one of the windows: `from` inclusive, `to` exclusive. A window whose `to` is
 * before its `from` ends on the next day and belongs to the day on which it starts.
 */
export function timeCheck(
  entry: TimeWindowEntry | readonly TimeWindowEntry[],
  path: Path,
  findings: Findings,
): Check {
  const entries = [entry].flat()
  const windows = entries.flatMap((each, index) =>
    compileWindow(each, Array.isArray(entry) ? [...path, index] : path, findings),
  )
  const wants = entries.map(describeWindow).join(', or ')
  return simpleCheck({
    field: 'time',
    wants,
    shape: { kind: 'other', text: JSON.stringify(entries) },
    isPlural: false,
    answer: ({ facts }) => (windows.some((window) => isInside(window, facts.now)) ? CERTAINLY : NO),
    found: ({ facts }: Subject) => `\`${facts.now.toISOString()}\``,
  })
}

function isInside({ days, from, to, local }: Window, now: Date): boolean {
  const { day, minute } = local(now)
  if (from < to) return days.has(day) && minute >= from && minute < to
  return (days.has(day) && minute >= from) || (days.has((day + 6) % 7) && minute < to)
}

function compileWindow(entry: TimeWindowEntry, path: Path, findings: Findings): Window[] {
  const { days, from, to, zone } = entry
  if ((from === undefined) !== (to === undefined)) {
    findings.report(path, 'expected both `from` and `to`, or neither')
  }
  if (days === undefined && from === undefined) findings.report(path, 'expected days or times')
  if (from === '24:00') findings.report([...path, 'from'], 'a window starts before `24:00`')
  if (from !== undefined && from === to) findings.report(path, 'the window is empty')
  const local = localClock(zone)
  if (local === undefined) {
    findings.report([...path, 'zone'], `unknown time zone \`${zone}\``)
    return []
  }
  const listed = days === undefined ? DAYS : [days].flat()
  return [
    {
      days: new Set(listed.map((day) => DAYS.indexOf(day))),
      from: minuteOf(from ?? '00:00'),
      to: minuteOf(to ?? '24:00'),
      local,
    },
  ]
}

/** Reads the clock of a zone; the last answer is kept, since all rules of one evaluation ask for the same instant. */
function localClock(zone: string): ((now: Date) => LocalTime) | undefined {
  const format = formatterOf(zone)
  if (format === undefined) return undefined
  let lastMs = Number.NaN
  let last: LocalTime = { day: 0, minute: 0 }
  return (now) => {
    const nowMs = now.getTime()
    if (nowMs === lastMs) return last
    const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]))
    const day = DAYS.findIndex((name) => name === parts.get('weekday')?.toUpperCase())
    last = { day, minute: minuteOf(`${parts.get('hour')}:${parts.get('minute')}`) }
    lastMs = nowMs
    return last
  }
}

function formatterOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
  } catch {
    return undefined
  }
}

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
}

function describeWindow({ zone, days, from, to }: TimeWindowEntry): string {
  const on = days === undefined ? 'any day' : [days].flat().join(', ')
  return from === undefined ? `${on} in ${zone}` : `${on} from ${from} to ${to} in ${zone}`
}
