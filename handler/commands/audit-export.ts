/** `audit export`: records as JSON lines on stdout. */
import { UsageError } from '../../common/errors.ts'
import type { Reporter } from '../../common/reporter.ts'
import { escapeUnprintable } from '../../common/terminal.ts'
import { exportRecords } from '../decisions/audit/export.ts'
import { writeInPace } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { openForReading } from './open-store.ts'
import { storePathsOf } from './options.ts'
import type { StoreFlags } from './options.ts'

export interface ExportCommandOptions extends StoreFlags {
  readonly since?: string
  readonly until?: string
  readonly fromSeq?: string
  readonly withEvidence?: true
}

/** Writes one line per record, in order, as fast as the reader takes them. */
export async function exportChain(
  options: ExportCommandOptions,
  io: CommandIo,
  reporter: Reporter,
): Promise<void> {
  const fromSeq = options.fromSeq === undefined ? 1 : Number(options.fromSeq)
  if (!Number.isSafeInteger(fromSeq) || fromSeq < 1) {
    throw new UsageError(`\`${options.fromSeq}\` is not a record number`)
  }
  const sinceMs = timeOf(options.since, Number.NEGATIVE_INFINITY)
  const untilMs = timeOf(options.until, Number.POSITIVE_INFINITY)
  const db = openForReading(storePathsOf(options, io, reporter).storePath)
  try {
    const withEvidence = options.withEvidence ?? false
    for (const line of exportRecords(db, { fromSeq, sinceMs, untilMs, withEvidence })) {
      await writeInPace(io, `${escapeUnprintable(line)}\n`)
    }
  } finally {
    db.close()
  }
}

/** A date alone means its first moment in UTC. */
function timeOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const timeMs = /^\d{4}-\d{2}-\d{2}(T.*(Z|[+-]\d{2}:\d{2}))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (!Number.isNaN(timeMs)) return timeMs
  throw new UsageError(`\`${text}\` is not an ISO 8601 time with a time zone`, {
    hint: 'e.g. `2026-11-21` or `2026-11-21T08:00:00Z`',
  })
}
