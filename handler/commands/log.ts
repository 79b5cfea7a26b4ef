/** `log`: the JSON lines of the log, from standard input, as lines for people. */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { CountersignError } from '../../common/errors.ts'
import { escapeLine } from '../telemetry/log.ts'
import { writeInPace } from './command-io.ts'
import type { CommandIo } from './command-io.ts'

/** Reads until the end of the input; what is no line of the log is printed as it is. */
export async function readableLog(io: CommandIo): Promise<void> {
  if (io.stdin === undefined) throw new CountersignError('there is no standard input to read')
  const lines = createInterface({ input: Readable.from(io.stdin), crlfDelay: Infinity })
  for await (const line of lines) await writeInPace(io, `${readableLine(line)}\n`)
}

/** Members that every line has; they are shown in front, or say nothing that a reader does not know. */
const COMMON: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'app', 'version', 'msg'])

/** One line: time of day (UTC), level, message, then what else is in it. */
export function readableLine(line: string): string {
  const entry = entryOf(line)
  if (entry === undefined) return escapeLine(line)
  const { time, level, msg } = entry
  const head = [String(time).slice(11, 23), String(level).toUpperCase().padEnd(5), String(msg)]
  const rest = Object.entries(entry)
    .filter(([name, value]) => !COMMON.has(name) && value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${shown(value)}`)
  return escapeLine([...head, ...rest].join(' '))
}

function entryOf(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const entry: Record<string, unknown> = JSON.parse(line)
    return 'time' in entry && 'level' in entry && 'msg' in entry ? entry : undefined
  } catch {
    return undefined
  }
}

/** A text without blanks as it is; everything else as JSON. */
function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}
