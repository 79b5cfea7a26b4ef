/**
 * Follows a change until people have decided and the co-signer has acted, or until the waiting time
 * is over.
 */
import { oneLine } from '../common/terminal.ts'
import {
  isKnownStatus,
  isRefused,
  parseRequestStatus,
  paths,
  type Refused,
  refusalWord,
} from './api/resources.ts'
import type { PairingIds } from './state-paths.ts'
import { BootstrapError, type BootstrapErrorCode } from './errors.ts'
import type { Journal } from './journal.ts'
import { NOUNS, type OperationKind, type Submission } from './memory.ts'
import { formatDuration } from '../common/duration.ts'
import { humanTime } from './report.ts'
import { nowMs, poll, type Poll, type Session } from './session.ts'

/** Who must approve what, by the vendor's architecture page. */
export const APPROVERS: Readonly<Record<OperationKind | 'create-user', string>> = {
  pair: 'the workspace Owner',
  rotate: 'the workspace Owner',
  unpair: 'a workspace admin',
  'create-user': 'the workspace Owner and the Admin Quorum (within 7 days)',
}

/**
 * APPROVED for longer than this usually means that the co-signer is not there to act, in
 * milliseconds.
 */
const SLOW_COSIGNER_MS = 180_000

export interface FollowDeps extends Session {
  readonly journal: Journal
  readonly ids: PairingIds
  readonly basePath: string
}

/** How a change ended. `seen`: the read model shows it, whatever its status says or where it is. */
export type Ending = 'COMPLETED' | 'seen' | Refused

/**
 * Polls the status of a request, and the read model through `isSeen` when there is no status to ask
 * or people have approved: the read model may be ahead of the status. Every change of status is
 * journalled; unknown statuses are reported once and waited out.
 *
 * @throws BootstrapError ERR_APPROVAL_PENDING at the deadline
 */
export async function follow(
  kind: OperationKind,
  submission: Submission,
  isSeen: () => Promise<boolean>,
  deps: FollowDeps,
): Promise<Ending> {
  const { requestId } = submission
  const sinceMs = submission.acceptedAtMs ?? submission.firstSentAtMs
  let status = submission.status
  let approvedAtMs: number | undefined
  const ask = async (): Promise<Poll<Ending>> => {
    const now = await statusOf(submission, deps)
    if (now !== undefined && now !== status) {
      await deps.journal.append('status', { status: now })
      deps.reporter.story(`request ${requestId ?? '?'}: ${oneLine(now)}`)
      if (!isKnownStatus(now)) deps.reporter.warning(`\`${oneLine(now)}\` is a status unknown here`)
      if (now === 'APPROVED') approvedAtMs = nowMs(deps)
      status = now
    }
    if (now === 'COMPLETED' || isRefused(now)) return { done: now }
    if (now !== 'WAITING_FOR_APPROVAL' && (await isSeen())) return { done: 'seen' }
    return { waiting: describe(kind, submission, now, sinceMs, approvedAtMs, deps) }
  }
  return poll(deps, ask, () => pending(kind, submission, sinceMs))
}

/** The status, from the address that the API gave or else from the documented one. */
async function statusOf(
  { location, requestId }: Submission,
  { api, ids, family, basePath }: FollowDeps,
): Promise<string | undefined> {
  if (location === null) return undefined
  const { cosignerId, apiKeyId } = ids
  const documented =
    requestId === null
      ? []
      : [new URL(basePath).pathname + paths.request(cosignerId, family, apiKeyId, requestId)]
  for (const path of new Set([location, ...documented])) {
    const answer = await api.follow(path)
    const status = answer && parseRequestStatus(answer.body)
    if (status !== undefined) return status
  }
  return undefined
}

function describe(
  kind: OperationKind,
  { requestId, location }: Submission,
  status: string | undefined,
  sinceMs: number,
  approvedAtMs: number | undefined,
  deps: FollowDeps,
): string {
  const left = formatDuration(deps.deadlineMs - deps.clock.monotonicMs())
  const tail = `since ${humanTime(sinceMs)}, ${left} left; Ctrl-C is safe, the same command resumes`
  if (location === null) {
    return `waiting for the ${NOUNS[kind]} to show in the API (no request id is known) ${tail}`
  }
  if (status === undefined) {
    return `waiting for the ${NOUNS[kind]} to show in the API (it knows no request ${requestId ?? ''}) ${tail}`
  }
  if (status !== 'APPROVED') {
    return `waiting for ${APPROVERS[kind]} to approve the ${NOUNS[kind]} (request ${requestId ?? ''}, ${oneLine(status)}) ${tail}`
  }
  const slow = approvedAtMs !== undefined && nowMs(deps) - approvedAtMs > SLOW_COSIGNER_MS
  return `approved, waiting for the co-signer to act${slow ? ' (is it online, and new enough?)' : ''} ${tail}`
}

function pending(kind: OperationKind, submission: Submission, sinceMs: number): BootstrapError {
  const { requestId, status, outcome } = submission
  const since = humanTime(sinceMs)
  if (outcome !== 'accepted') {
    return new BootstrapError(
      'ERR_APPROVAL_PENDING',
      `the fate of the ${NOUNS[kind]} sent at ${since} is still unknown`,
      {
        hint: `look in the approval app: approve it if it waits there; if nothing waits, run again with \`--resubmit\``,
      },
    )
  }
  return new BootstrapError(
    'ERR_APPROVAL_PENDING',
    requestId === null
      ? `the ${NOUNS[kind]} of ${since} does not show in the API yet`
      : `request ${requestId} waits for ${APPROVERS[kind]} since ${since}${status === null ? '' : ` (${oneLine(status)})`}`,
    { hint: 'run the same command again when it has been decided' },
  )
}

/** The error for a change that people refused. */
export function refusedByPeople(kind: OperationKind, reason: string): BootstrapError {
  const code: BootstrapErrorCode =
    reason === refusalWord('REJECTED') ? 'ERR_APPROVAL_REJECTED' : 'ERR_APPROVAL_CANCELLED'
  return new BootstrapError(
    code,
    `the ${NOUNS[kind]} was ${reason}; what was paired before still is`,
    {
      hint: 'ask who refused it and why, and refuse its twin if the same change waits there a second time; the same command starts anew',
    },
  )
}
