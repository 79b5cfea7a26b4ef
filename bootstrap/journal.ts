/**
 * The append-only record of what was intended and what came of it: hash-chained, durable before
 * `append` returns.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from '../common/atomic-file.ts'
import type { Clock } from '../common/clock.ts'
import { errnoOf } from '../common/errors.ts'
import { isObject, parseJson } from '../common/json.ts'
import { BootstrapError } from './errors.ts'

/** Version of the record format; another one is refused. */
export const JOURNAL_VERSION = 1

/**
 * One line of the file. `sum` is the hex SHA-256 over `prev` and the record without `sum`. No field
 * is a secret.
 */
export interface JournalRecord {
  readonly seq: number
  /** `sum` of the record before, 64 zeros for the first. */
  readonly prev: string
  /** ISO 8601. */
  readonly ts: string
  /** Id of the run that wrote it. */
  readonly run: string
  readonly op: string
  readonly data: Readonly<Record<string, unknown>>
  readonly sum: string
}

export interface Journal {
  /** Everything recorded so far, the first record (`open`) included. */
  records(): readonly JournalRecord[]
  /** Writes and fsyncs one record. A failure is final: the file is not touched again. */
  append(op: string, data: Readonly<Record<string, unknown>>): Promise<void>
  /** Writes one record without waiting for the disk, for what may as well be lost. */
  note(op: string): Promise<void>
  close(): Promise<void>
}

export interface JournalDeps {
  readonly clock: Clock
  /** Id of this run. */
  readonly run: string
}

/** Opens a journal of its own subject and drops a torn last line. */
export type OpenJournal = (path: string, subject: string, deps: JournalDeps) => Promise<Journal>

const FIRST_PREV = '0'.repeat(64)

/** The records of a journal file; none when the file does not exist. Changes nothing. */
export async function readJournal(path: string, subject?: string): Promise<JournalRecord[]> {
  return parseJournal(await readText(path), path, subject).records
}

export const openJournal: OpenJournal = async (path, subject, deps) => {
  const { records, bytes } = parseJournal(await readText(path), path, subject)
  const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW } = constants
  const file = await open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600)
  let failed: unknown
  const write = async (op: string, data: JournalRecord['data'], durable: boolean) => {
    if (failed !== undefined) throw diskFailure(path, failed)
    const ts = deps.clock.now().toISOString()
    const record = link(records.at(-1), { ts, run: deps.run, op, data })
    try {
      await file.writeFile(`${JSON.stringify(record)}\n`)
      if (durable) await file.sync()
    } catch (error) {
      // After a failed fsync the kernel may call the pages clean: nothing about this file can be
      // trusted any more.
      failed = error
      throw diskFailure(path, error)
    }
    records.push(record)
  }
  const append: Journal['append'] = (op, data) => write(op, data, true)
  const note: Journal['note'] = (op) => write(op, {}, false)
  try {
    await dropTorn(file, bytes)
    if (records.length === 0) {
      await append('open', { version: JOURNAL_VERSION, subject })
      await syncDirectory(dirname(path))
    }
  } catch (error) {
    await file.close()
    throw error
  }
  return { records: () => records, append, note, close: () => file.close() }
}

async function dropTorn(file: FileHandle, bytes: number): Promise<void> {
  const { size } = await file.stat()
  if (size === bytes) return
  await file.truncate(bytes)
  await file.sync()
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return ''
    throw error
  })
}

/** Checks every record but an unfinished last line; `bytes` is the length of what was checked. */
function parseJournal(
  text: string,
  path: string,
  subject: string | undefined,
): { records: JournalRecord[]; bytes: number } {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const records: JournalRecord[] = []
  for (const [index, line] of whole.split('\n').slice(0, -1).entries()) {
    const record = parseJson(line)
    if (!isRecord(record)) throw damaged(path, index + 1, 'is not a record')
    if (index === 0) assertVersion(record, path)
    const { sum, seq, prev, ...rest } = record
    const expected = link(records.at(-1), rest)
    if (seq !== expected.seq || prev !== expected.prev || sum !== expected.sum) {
      throw damaged(path, index + 1, 'does not follow from the one before')
    }
    records.push(record)
  }
  const first = records[0]
  if (first !== undefined && subject !== undefined && first.data['subject'] !== subject) {
    throw damaged(path, 1, 'belongs to another subject')
  }
  return { records, bytes: Buffer.byteLength(whole) }
}

function assertVersion(record: JournalRecord, path: string): void {
  if (record.op === 'open' && record.data['version'] === JOURNAL_VERSION) return
  throw new BootstrapError(
    'ERR_STATE_VERSION',
    `\`${path}\` is not a journal of version ${JOURNAL_VERSION}`,
    { hint: 'use the release of this program that wrote it' },
  )
}

function link(
  before: JournalRecord | undefined,
  content: Pick<JournalRecord, 'ts' | 'run' | 'op' | 'data'>,
): JournalRecord {
  const { ts, run, op, data } = content
  const chained = {
    seq: (before?.seq ?? 0) + 1,
    prev: before?.sum ?? FIRST_PREV,
    ts,
    run,
    op,
    data,
  }
  const sum = createHash('sha256')
    .update(chained.prev)
    .update(JSON.stringify(chained))
    .digest('hex')
  return { ...chained, sum }
}

function isRecord(value: unknown): value is JournalRecord {
  return (
    isObject(value) &&
    typeof value['seq'] === 'number' &&
    ['prev', 'ts', 'run', 'op', 'sum'].every((name) => typeof value[name] === 'string') &&
    isObject(value['data'])
  )
}

function damaged(path: string, line: number, what: string): BootstrapError {
  return new BootstrapError('ERR_STATE_DAMAGED', `line ${line} of \`${path}\` ${what}`, {
    hint: 'restore the file from a backup; see docs/runbooks/state-damaged.md',
  })
}

function diskFailure(path: string, cause: unknown): BootstrapError {
  return new BootstrapError('ERR_DISK', `cannot write \`${path}\``, {
    cause,
    hint: 'mend the disk, then run the same command again',
  })
}
