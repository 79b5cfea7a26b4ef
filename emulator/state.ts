/**
 * Everything the emulated vendor knows, as one value that is passed around: users, co-signers,
 * pairings, requests.
 */
import type { KeyObject } from 'node:crypto'
import type { Chaos } from './chaos.ts'
import type { Reply } from './message.ts'

/** Milliseconds since the epoch, by the emulated API's clock. */
export type Instant = number

/** A user of the workspace that calls the API: its id is its API key. */
export interface ApiUser {
  readonly id: string
  readonly name: string
  readonly role: string
  status: 'PENDING_ACTIVATION' | 'READY'
  /** Verifies the tokens of this user. */
  readonly publicKey: KeyObject
}

/** A co-signer and the request keys of its machines (`HA_COSIGNERS` says how many of them work). */
export interface Cosigner {
  readonly id: string
  name: string
  readonly type: 'SGX' | 'AWS-NITRO' | 'GCP-CONFSPACE'
  readonly machines: readonly { readonly name: string; readonly privateKey: KeyObject }[]
}

/** `CallbackHandlerRequest`: where callbacks go and what is expected there. */
export interface CallbackHandler {
  readonly url: string
  readonly publicKey?: string
  readonly cert?: string
}

/** What holds from an instant on; `null` = paired without a handler, `undefined` = not paired. */
export interface Change {
  readonly at: Instant
  readonly handler: CallbackHandler | null | undefined
}

/** One API key at one co-signer. Values in the future are changes that are already decided. */
export interface Pairing {
  readonly cosignerId: string
  readonly apiKeyId: string
  /** What the API shows. */
  readonly shown: Change[]
  /** What each machine of the co-signer uses. */
  readonly used: readonly Change[][]
  lastSeen: Instant | undefined
}

/** Values of `Status.type`, and the creation of a user, which has no status in the API. */
export type ChangeType =
  'PAIR_API_KEY' | 'UPDATE_CALLBACK_HANDLER' | 'UNPAIR_API_KEY' | 'CREATE_API_USER'

/** Values of `Status.status`. */
export type ChangeStatus =
  'WAITING_FOR_APPROVAL' | 'APPROVED' | 'COMPLETED' | 'REJECTED' | 'CANCELLED'

/** Something that people must approve. */
export interface ChangeRequest {
  /** Digits only, as in the documented `Location`. */
  readonly id: string
  readonly type: ChangeType
  readonly requestedAt: Instant
  status: ChangeStatus
  /** When it decides by itself, and how; undefined = it waits. */
  decideAt: Instant | undefined
  outcome: Decision
  completesAt: Instant | undefined
  /** When each machine switches; empty until approved. */
  switchesAt: readonly Instant[]
  /** The API has forgotten it (`expire`). */
  forgotten: boolean
  /** The pairing it changes; undefined for the creation of a user. */
  readonly target:
    | {
        readonly cosignerId: string
        readonly apiKeyId: string
        readonly handler: CallbackHandler | null | undefined
      }
    | undefined
  /** The user it creates. */
  readonly user: ApiUser | undefined
}

/** What the approvers say. `expire`: no decision until the API forgets the request. */
export type Decision = 'approve' | 'reject' | 'cancel' | 'expire'

/** The first answer to an idempotency key. */
export interface Remembered {
  readonly bodyHash: string
  /** When the first answer leaves: until then the key is in progress. */
  readonly readyAt: Instant
  readonly expiresAt: Instant
  /** undefined = an internal error was answered: the key is spent. */
  readonly reply: Reply | undefined
}

/** One line about one API request. */
export interface AuditRecord {
  readonly at: Instant
  readonly requestId: string
  readonly method: string
  readonly target: string
  readonly apiKey: string
  readonly status: number
  /** Vendor code of a refusal. */
  readonly code: number | undefined
  /** What chaos did to it. */
  readonly fault: string | undefined
}

/** A line of the workspace's own audit log. */
export interface WorkspaceEvent {
  readonly at: Instant
  readonly event: string
  readonly subject: string
}

/** The whole state. It lives in memory only: nothing survives a restart. */
export interface EmulatorState {
  readonly chaos: Chaos
  readonly users: Map<string, ApiUser>
  readonly cosigners: readonly Cosigner[]
  /** By `<cosignerId>/<apiKeyId>`. */
  readonly pairings: Map<string, Pairing>
  /** In the order of arrival. */
  readonly requests: ChangeRequest[]
  /** By `<apiKey> <key>`. */
  readonly idempotency: Map<string, Remembered>
  /** Token nonces that were used, and until when they matter. */
  readonly nonces: Map<string, Instant>
  /** Pairing tokens not used yet: token to user id and expiry. */
  readonly pairingTokens: Map<string, { readonly userId: string; readonly expiresAt: Instant }>
  readonly audit: AuditRecord[]
  readonly events: WorkspaceEvent[]
  /** Set by `POST /auto-approve`. */
  autoApproveMs: number | undefined
  nextRequestId: number
}

/** A state with these users and co-signers and nothing else. */
export function createState(
  chaos: Chaos,
  users: readonly ApiUser[],
  cosigners: readonly Cosigner[],
): EmulatorState {
  return {
    chaos,
    users: new Map(users.map((user) => [user.id, user])),
    cosigners,
    pairings: new Map(),
    requests: [],
    idempotency: new Map(),
    nonces: new Map(),
    pairingTokens: new Map(),
    audit: [],
    events: [],
    autoApproveMs: undefined,
    nextRequestId: 123_456_789 + (chaos.seed % 1_000_000),
  }
}

/** What holds at an instant. */
export function heldAt(changes: readonly Change[], at: Instant): Change['handler'] {
  return changes.findLast((change) => change.at <= at)?.handler
}

/**
 * Enters a change at its place in time, so that the later one wins whatever the order of approval.
 */
export function enter(changes: Change[], change: Change): void {
  const after = changes.findIndex((known) => known.at > change.at)
  changes.splice(after < 0 ? changes.length : after, 0, change)
}

/** The pairing of a key with a co-signer that the API shows at an instant. */
export function pairingAt(
  state: EmulatorState,
  cosignerId: string,
  apiKeyId: string,
  at: Instant,
): { pairing: Pairing; handler: CallbackHandler | null } | undefined {
  const pairing = state.pairings.get(`${cosignerId}/${apiKeyId}`)
  if (pairing === undefined) return undefined
  const handler = heldAt(pairing.shown, at)
  return handler === undefined ? undefined : { pairing, handler }
}
