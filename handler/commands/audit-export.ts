/** `audit export`: records as JSON lines on stdout. */
import { openReadOnly } from '../decisions/database.ts'
import { exportRecords } from '../decisions/export.ts'
import { AuditUsageError, databaseOf } from './audit-place.ts'
import type { StorePlace } from './audit-place.ts'
import { writeInPace } from './command-io.ts'
import type { CommandIo } from './command-io.ts'

export interface ExportCommandOptions extends StorePlace {
  readonly since?: string
  readonly until?: string
  readonly fromSeq?: string
  readonly withEvidence?: true
}

/** Writes one line per record, in order, as fast as the reader takes them. */
export async function exportChain(options: ExportCommandOptions, io: CommandIo): Promise<void> {
  const fromSeq = options.fromSeq === undefined ? 1 : Number(options.fromSeq)
  if (!Number.isSafeInteger(fromSeq) || fromSeq < 1) {
    throw new AuditUsageError(`\`${options.fromSeq}\` is not a record number`)
  }
  const sinceMs = timeOf(options.since, Number.NEGATIVE_INFINITY)
  const untilMs = timeOf(options.until, Number.POSITIVE_INFINITY)
  const db = openReadOnly(databaseOf(options, io))
  try {
    const withEvidence = options.withEvidence ?? false
    for (const line of exportRecords(db, { fromSeq, sinceMs, untilMs, withEvidence })) {
      await writeInPace(io, `${line}\n`)
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
  throw new AuditUsageError(`\`${text}\` is not an ISO 8601 time with a time zone`, {
    hint: 'e.g. `2026-11-21` or `2026-11-21T08:00:00Z`',
  })
}
