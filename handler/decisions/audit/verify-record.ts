/** Checks one row of the audit chain against the row before it. */
import { fingerprintOf, sha256 } from '../../protocol/digest.ts'
import { recordHash } from '../record.ts'
import type { ChainHead, ChainRow, RecordBody } from '../record.ts'

/**
 * What is wrong with a row, in words; empty when nothing is. `body` is its body unless that is no record, `before` the
 * head that the row before left. Whether evidence that it names elsewhere is there: see `createEvidenceCheck`.
 */
export function checkRow(
  row: ChainRow,
  body: RecordBody | undefined,
  before: ChainHead,
): readonly string[] {
  const problems: string[] = []
  if (row.seq !== before.seq + 1) problems.push(gap(before.seq + 1, row.seq - 1))
  else if (row.prev !== before.hash) problems.push('does not follow the record before it')
  if (recordHash(row.seq, row.prev, row.body) !== row.hash) problems.push('hash does not match')
  if (body === undefined) return [...problems, 'body is not a record']
  if (!(Date.parse(body.time) >= before.timeMs)) problems.push('time is before that of the last')
  return [...problems, ...checkExtras(row, body)]
}

function gap(first: number, last: number): string {
  return first === last ? `record ${first} is missing` : `records ${first} to ${last} are missing`
}

/** What the row has besides the body must be what the body says. */
function checkExtras({ token, fingerprint }: ChainRow, body: RecordBody): string[] {
  if (body.kind !== 'decision') {
    return token === null && fingerprint === null
      ? []
      : ['unexpected evidence for this record kind']
  }
  const problems: string[] = []
  if (body.evidenceIn !== undefined) {
    if (token !== null) problems.push('evidence is in two records')
  } else if (token === null) problems.push('evidence is missing')
  else if (sha256(token) !== body.tokenSha256) problems.push('evidence is altered')
  if (fingerprint !== null && fingerprint !== fingerprintOf(body)) {
    problems.push('fingerprint does not match')
  }
  return problems
}
