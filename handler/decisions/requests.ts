/** Requests that were seen and decided: the same one gets the same decision, an altered one is recognised. */
import type { Decision } from '../policy/decision.ts'
import { IDENTITY_VERSION } from '../protocol/digest.ts'
import type { RequestKey } from '../protocol/digest.ts'
import { MAX_COMPARED_VALUES, readRecent, readStored } from '../protocol/stored-token.ts'
import type { StoredRequest } from '../protocol/stored-token.ts'
import { readRecord } from './chain.ts'
import { compareCores } from './cores.ts'
import type { Difference } from './cores.ts'
import type { DecisionBody } from './decision-fields.ts'
import type { ChainRow } from './record.ts'
import { StoreError } from './store-error.ts'
import type { Recall } from './store.ts'

/**
 * Records that are looked at for one fingerprint. The vendor sends two or three contents under one request id; whoever
 * sends more than this is refused, at a constant cost.
 */
export const MAX_CANDIDATES = 64

/** What is known of a request id. */
export interface Known {
  readonly recall: Recall
  /** Whether a new record of this request can be found again, by whether it is final. */
  readonly indexed: { readonly final: boolean; readonly retry: boolean }
  /** How it differs from the other stage of its transaction; once, with the first record of it. */
  readonly differs: readonly Difference[]
  /** Number of the record of its first RETRY, whose token is evidence of a repeated one, too. */
  readonly evidenceIn?: number | undefined
}

/** A record of the same request id, whatever its stage and content. */
interface Version {
  readonly seq: number
  readonly body: DecisionBody
  /** Its identity as it is computed now. */
  readonly identity: Pick<RequestKey, 'stage' | 'digest' | 'coreDigest'>
  readonly token: string | null
}

/**
 * Numbers of the records whose tokens must be loaded to recall a request: those of an older version, and the first ones of
 * each stage when another core is asked for.
 */
export function tokensNeeded(rows: readonly ChainRow[], key: RequestKey): readonly number[] {
  const seen = versionsOf(rows, key)
  if (seen.some((each) => isVersion(each, key) && isFinal(each))) return []
  const older = seen.filter(({ body }) => body.identity !== IDENTITY_VERSION)
  const firsts = firstsOf(seen, key)
  return [...new Set([...older, ...firsts].map(({ seq }) => seq))]
}

/**
 * What the records with a request's fingerprint say of it; `rows` are ascending and at most `MAX_CANDIDATES`. `token` is
 * that of the request, `cosigner` who signed it, where it is to be recorded.
 *
 * @throws StoreError `ERR_STORE_DAMAGED` when a record is altered, `ERR_STORE_NOT_COMPARED`
 */
export function recallFrom(
  rows: readonly ChainRow[],
  key: RequestKey,
  token: string,
  cosigner?: string,
): Known {
  const seen = versionsOf(rows, key)
  const room = rows.length < MAX_CANDIDATES
  const own = seen.filter((each) => isVersion(each, key))
  const evidenceIn = own.find(({ body }) => body.cosigner === cosigner)?.seq
  const indexed = { final: room, retry: room && evidenceIn === undefined }
  const decided = own.find(isFinal)
  if (decided !== undefined) {
    return { recall: { kind: 'decided', ...decisionOf(decided) }, indexed, differs: [] }
  }
  const { conflict, differs } = compared(seen, key, token)
  const recall = recallOf(seen, own, room ? conflict : seen[0])
  return { recall, indexed, differs: own.length === 0 ? differs : [], evidenceIn }
}

function recallOf(
  seen: readonly Version[],
  own: readonly Version[],
  conflict: Version | undefined,
): Recall {
  if (conflict !== undefined) return { kind: 'conflict', seq: conflict.seq }
  const refusal = seen.find((each) => each.body.action === 'REJECT' && !isConflict(each))
  if (refusal !== undefined) return { kind: 'rejected-sibling', ...decisionOf(refusal) }
  // The first RETRY of each stage and content is indexed, so its time is that of the first delivery.
  const [retried] = own
  if (retried === undefined) return { kind: 'new' }
  const { time: firstAt, consistency } = retried.body
  return { kind: 'new', firstAt, ...(consistency === undefined ? {} : { consistency }) }
}

/** Compares a request with the first ones of its stage and of the other stage. */
function compared(seen: readonly Version[], key: RequestKey, token: string) {
  const firsts = firstsOf(seen, key)
  if (firsts.length === 0) return { conflict: undefined, differs: [] }
  const now = readRecent(key.endpoint, token)
  const differs: Difference[] = []
  for (const first of firsts) {
    const before = first.token === null ? undefined : readRecent(key.endpoint, first.token)
    if (now === 'too-large' || before === 'too-large') throw notCompared(first)
    if (now === undefined || before === undefined) {
      // What is unknown of one is no difference; of two that cannot be read, the texts are compared.
      const isOther = now === before && first.identity.coreDigest !== key.coreDigest
      if (isOther) return { conflict: first, differs: [] }
      continue
    }
    const { conflicts, noted } = compareCores(before, now, first.identity.stage === key.stage)
    if (conflicts.length > 0) return { conflict: first, differs: [] }
    differs.push(...noted)
  }
  return { conflict: undefined, differs: [...new Set(differs)] }
}

function notCompared({ seq }: Version): StoreError {
  return new StoreError(
    'ERR_STORE_NOT_COMPARED',
    `the request, or the one in record ${seq} under the same id, has more than ${MAX_COMPARED_VALUES} values`,
  )
}

/** The first record of each stage, unless it is of the very same request; what conflicted with them does not count. */
function firstsOf(seen: readonly Version[], key: RequestKey): readonly Version[] {
  const genuine = seen.filter((each) => !isConflict(each))
  const same = genuine.find(({ identity }) => identity.stage === key.stage)
  const other = genuine.find(({ identity }) => identity.stage !== key.stage)
  return [same, other].flatMap((each) =>
    each === undefined || each.identity.digest === key.digest ? [] : [each],
  )
}

function versionsOf(rows: readonly ChainRow[], key: RequestKey): readonly Version[] {
  return rows.flatMap((row) => {
    const { seq, body } = readRecord(row)
    if (body.kind !== 'decision' || !isOfRequest(body, key)) return []
    return [{ seq, body, identity: identityOf(body, row.token), token: row.token }]
  })
}

function isOfRequest(body: DecisionBody, key: RequestKey): boolean {
  return (
    body.endpoint === key.endpoint &&
    body.requestId === key.requestId &&
    body.signerId === key.signerId
  )
}

/** Of a record of an older version, from its token. */
function identityOf(body: DecisionBody, token: string | null): Version['identity'] {
  return body.identity === IDENTITY_VERSION ? body : (storedOf(body, token)?.key ?? body)
}

function storedOf(body: DecisionBody, token: string | null): StoredRequest | undefined {
  return token === null ? undefined : readStored(body.endpoint, token, body.cosigner)
}

function isConflict({ body }: Version): boolean {
  return body.rule === 'conflict' && body.action === 'REJECT'
}

function isFinal({ body }: Version): boolean {
  return body.action !== 'RETRY'
}

function isVersion({ identity }: Version, { stage, digest }: RequestKey): boolean {
  return identity.stage === stage && identity.digest === digest
}

function decisionOf({ seq, body: { action, rule, reason } }: Version): {
  readonly decision: Decision
  readonly seq: number
} {
  return { decision: { action, rule, reason }, seq }
}
