/** Checks one row of the audit chain against the row before it. */
import { fingerprintOf } from './fingerprint.ts'
import { recordHash, sha256 } from './record.ts'
import { readBody } from './record-body.ts'
import type { ChainHead, RecordBody } from './record.ts'

/** A row as stored. */
export interface ChainRow {
  readonly seq: number
  readonly fingerprint: number | null
  readonly body: string
  readonly token: string | null
  readonly prev: string
  readonly hash: string
}

/** What is wrong with a row, in words; empty when nothing is. `before` is the head that the row before left. */
export function checkRow(row: ChainRow, before: ChainHead): readonly string[] {
  const problems: string[] = []
  if (row.seq !== before.seq + 1) problems.push(gap(before.seq + 1, row.seq - 1))
  else if (row.prev !== before.hash) problems.push('does not follow the record before it')
  if (recordHash(row.seq, row.prev, row.body) !== row.hash) problems.push('hash does not match')
  const body = readBody(row.body)
  if (body === undefined) return [...problems, 'body is not a record']
  if (!(Date.parse(body.time) >= before.timeMs)) problems.push('time is before that of the last')
  return [...problems, ...checkBeside(row, body)]
}

function gap(first: number, last: number): string {
  return first === last ? `record ${first} is missing` : `records ${first} to ${last} are missing`
}

/** What lies beside the body must be what the body says. */
function checkBeside({ token, fingerprint }: ChainRow, body: RecordBody): string[] {
  if (body.kind !== 'decision') {
    return token === null && fingerprint === null ? [] : ['has evidence that its kind cannot have']
  }
  const problems: string[] = []
  if (token === null) problems.push('evidence is missing')
  else if (sha256(token) !== body.tokenSha256) problems.push('evidence is altered')
  if (fingerprint !== null && fingerprint !== fingerprintOf(body)) {
    problems.push('fingerprint does not match')
  }
  return problems
}
