/** `check`: one line per thing that was looked at, exit 0 when the handler would start and 2 when it would not. */
import { inspect } from '../service/inspect.ts'
import type { Finding } from '../service/inspections.ts'
import type { CommandIo } from './command-io.ts'

/** Prints the findings; with `json` as one object `{ ok, findings, warnings }`. */
export async function check(io: CommandIo, json: boolean): Promise<void> {
  const { findings, warnings, material } = await inspect(io.env, io.clock)
  const ok = material !== undefined
  io.exitCode = ok ? 0 : 2
  if (json) {
    io.stdout.write(`${JSON.stringify({ ok, findings, warnings }, null, 2)}\n`)
    return
  }
  for (const finding of findings) io.stdout.write(`${formatFinding(finding)}\n`)
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`)
}

/** `ok      policy       12 rules, …`. */
export function formatFinding({ item, ok, detail }: Finding): string {
  return `${ok ? 'ok     ' : 'problem'} ${item.padEnd(11)} ${detail}`
}
