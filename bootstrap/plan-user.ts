/**
 * Decides what is left to do for an API user, so that exactly one is ever made from one key; pure.
 */
import type { ApiUser } from './api/resources.ts'
import { mayReuseKey, type UserMemory } from './memory.ts'
import { type Refusal, refuse } from './steps.ts'

export type UserStep =
  /** Key and CSR, durable and tried out, before anything remote. */
  | { readonly do: 'generate-key' }
  | { readonly do: 'create-api-user'; readonly idempotencyKey: string | null }
  /** Until exactly one user of that name is listed. */
  | { readonly do: 'await-user' }
  /** One signed GET as the new user. */
  | { readonly do: 'prove-possession' }
  | { readonly do: 'issue-pairing-token' }

export interface UserPlanInput {
  readonly role: string
  readonly firstUser: boolean
  /** Hex SHA-256 of the key's SPKI; null while there is no key on disk. */
  readonly kid: string | null
  /** Listed users of the expected name. */
  readonly matches: readonly ApiUser[]
  readonly memory: UserMemory
  /** Send a request again whose fate is unknown. */
  readonly resubmit: boolean
  readonly nowMs: number
}

export type UserPlan =
  | { readonly steps: readonly UserStep[]; readonly notes: readonly string[] }
  | { readonly refusal: Refusal }

/** Longest name of an API user (vendor: "display name"). */
export const MAX_NAME_LENGTH = 30

/**
 * The user's name: the requested name, shortened to 13 characters, and 64 bits of the key's
 * fingerprint. The API gives no id for what it creates and lists no keys, so the name is what ties
 * a user to its key.
 */
export function userName(wish: string, kid: string): string {
  const prefix = wish.slice(0, MAX_NAME_LENGTH - 17).replace(/[-_.\s]+$/, '')
  return `${prefix}-${kid.slice(0, 16)}`
}

/** The remaining steps; none when the user exists, once, and is ours. */
export function planUser(input: UserPlanInput): UserPlan {
  const { kid, matches, memory } = input
  if (kid === null && memory.kid !== null) {
    return refuse(
      'ERR_STATE_DAMAGED',
      `the private key of API user \`${memory.name ?? ''}\` is gone`,
      'restore the state directory from a backup, or start a new user with another `--name`',
    )
  }
  if (kid === null) return go(['generate-key', 'create-api-user', 'await-user'], input)
  const [user, second] = matches
  if (second !== undefined) {
    return refuse(
      'ERR_AMBIGUOUS',
      `more than one API user has the name \`${user?.name ?? ''}\`: ${matches.map(({ id }) => `\`${id}\``).join(', ')}`,
      'delete the wrong ones in the Console, or name the right one with `--api-key-id`',
    )
  }
  if (user === undefined) return planCreation(input)
  if (user.role !== undefined && user.role !== input.role) {
    return refuse(
      'ERR_DRIFT',
      `API user \`${user.id}\` has the role \`${user.role}\`, \`${input.role}\` was asked for`,
      'ask for the role it has, or start a new user with another `--name`',
    )
  }
  return go([], input)
}

function planCreation(input: UserPlanInput): UserPlan {
  const { submission } = input.memory
  if (submission === null || submission.outcome === 'clear') {
    return go(['create-api-user', 'await-user'], input)
  }
  if (submission.outcome === 'accepted' && !input.resubmit) return go(['await-user'], input)
  if (mayReuseKey(submission, input.nowMs)) {
    return go(['create-api-user', 'await-user'], input, submission.idempotencyKey)
  }
  if (input.resubmit) return go(['create-api-user', 'await-user'], input)
  return {
    ...go(['await-user'], input),
    notes: [
      'the fate of the request that was sent is unknown: it may be waiting in the approval app',
    ],
  }
}

function go(
  names: readonly ('generate-key' | 'create-api-user' | 'await-user')[],
  input: UserPlanInput,
  idempotencyKey: string | null = null,
): { readonly steps: readonly UserStep[]; readonly notes: readonly string[] } {
  const steps = names.map((name): UserStep =>
    name === 'create-api-user' ? { do: name, idempotencyKey } : { do: name },
  )
  const prove: UserStep[] = input.memory.proven ? [] : [{ do: 'prove-possession' }]
  const token: UserStep[] = needsToken(input) ? [{ do: 'issue-pairing-token' }] : []
  return { steps: [...steps, ...prove, ...token], notes: [] }
}

/** A token is for the first user of a machine, while it is not active, and lives one hour. */
function needsToken({ firstUser, matches, memory, nowMs }: UserPlanInput): boolean {
  if (!firstUser) return false
  const status = matches[0]?.status
  if (status !== undefined && status !== 'PENDING_ACTIVATION') return false
  return memory.token === null || (memory.token.expiresAtMs ?? 0) <= nowMs
}
