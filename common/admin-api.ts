/**
 * The protocol of the handler's admin socket: JSON over HTTP on a Unix socket that file permissions
 * guard. The handler answers, the bootstrapper and the operator ask. No private key ever passes.
 *
 * `ADMIN_ROUTES` (admin-routes.ts) names every request, `AdminCalls` its body and its answer. An error is
 * `{ error: { code, message } }` with a 4xx or 5xx status.
 */

import type { AdminRoute } from './admin-routes.ts'
import type { Assertion } from './assertion.ts'
import type { AnswerAlgorithm } from './answer-algorithm.ts'
import type { GenerationInfo } from './generation-info.ts'
import type { AdminErrorCode } from './refusal-codes.ts'

export type { GenerationHits, GenerationInfo, GenerationState } from './generation-info.ts'

/** What each request carries and what answers it. */
export interface AdminCalls extends Record<AdminRoute, { body?: unknown; answer: unknown }> {
  status: { answer: HandlerStatus }
  stage: { body: StageRequest; answer: GenerationInfo }
  retire: { body: RetireRequest; answer: GenerationInfo }
  selfTest: { body: SelfTestRequest; answer: SelfTestAnswer }
  declare: { body: PairingNeeds; answer: HandlerStatus }
  forget: { answer: HandlerStatus }
  tellDrift: { body: DriftReport; answer: HandlerStatus }
  listHolds: { answer: HoldList }
  showHold: { answer: HoldDetails }
  requestHold: { answer: HoldActs }
  approveHold: { body: Approval; answer: HoldInfo }
  rejectHold: { body: Act; answer: HoldInfo }
  showFreeze: { answer: FreezeAnswer }
  freeze: { body: FreezeRequest; answer: FreezeAnswer }
  unfreeze: { body: Act; answer: FreezeAnswer }
  listLimits: { answer: LimitList }
  releaseLimits: { body: ReleaseRequest; answer: ReleaseAnswer }
  reloadPolicy: { answer: ReloadAnswer }
}

/** How the co-signer and the handler authenticate each other (design: `HANDLER_AUTH`). */
export type AuthMode = 'hybrid' | 'public-key' | 'certificate'

/** What one pairing needs the handler to serve. */
export interface PairingNeeds {
  /** The generation that the API says is paired; null before the first pairing is approved. */
  readonly live: number | null
  /** A generation whose approval is pending. */
  readonly pending: number | null
  /** Quiet time before a generation that is no longer needed is retired, in milliseconds. */
  readonly drainMs: number
}

/** Whether what is paired is what the handler serves, as the bootstrapper's `doctor` sees it. */
export interface DriftReport {
  /** One line; null when there is no drift. */
  readonly drift: string | null
}

/** Everything the handler says about itself. */
export interface HandlerStatus {
  readonly version: 1
  readonly product: string
  readonly auth: AuthMode
  readonly tls: 'self-signed' | 'files' | 'off'
  /** Of new generations, unless asked otherwise (`HANDLER_ANSWER_ALGORITHM`); absent in old releases: RS256. */
  readonly answerAlgorithm?: AnswerAlgorithm
  /** One per slot, in order A, B, …; `listen` is the `host:port` behind it. */
  readonly slots: readonly {
    readonly slot: string
    readonly publicUrl: string
    readonly listen: string
  }[]
  readonly generations: readonly GenerationInfo[]
  readonly pairings: Readonly<Record<string, PairingNeeds>>
  readonly policyDigest: string
  readonly ready: boolean
  /** Why `ready` is false; empty when it is true. */
  readonly problems: readonly string[]
  /** What to know although `ready` is true: a freeze, a policy file that was refused, … */
  readonly notices?: readonly string[]
  /** ISO 8601, the handler's clock. */
  readonly now: string
}

/** Asks for generation n: a known number, or the highest plus one. Numbers are never reused. */
export interface StageRequest {
  /**
   * Slot letter; by default the handler takes one that no live, pending or draining generation
   * uses.
   */
  readonly slot?: string
  /** Renew: take over the keys of this generation and make only a new certificate. */
  readonly renewOf?: number
  /** Of the answer key; by default that of the handler's settings. Not with `renewOf`. */
  readonly algorithm?: AnswerAlgorithm
  /** One RSA key for the certificate and the answers. Not with `renewOf`. */
  readonly oneKey?: true
  /**
   * With `slot`: take it although a generation that is needed shows its certificate there. Callers
   * that pin the other certificate fail until the co-signer has switched; the operator accepted
   * that.
   */
  readonly share?: true
}

/** Retires a generation before it was quiet for long enough: calls to it are answered 410 from then on. */
export interface RetireRequest {
  /** Only when it was never called. */
  readonly unlessCalled: boolean
}

/** Proof that a generation can sign: the handler signs the nonce, with a `typ` no answer has. */
export interface SelfTestRequest {
  /** 16 to 64 characters of `[A-Za-z0-9_-]`. */
  readonly nonce: string
}

export interface SelfTestAnswer {
  /** Compact JWS by the answer key, header `typ` = `countersign-self-test`, claims `{ nonce, generation }`. */
  readonly token: string
}

/**
 * Who acts and why; `by` is a name that the caller asserts, the socket's permissions authenticate.
 */
export interface Act {
  readonly by: string
  readonly note: string
  /** Proves that it is that approver of the policy; for holds and acts that name groups. */
  readonly assertion?: Assertion
}

/** `used`: an approval consumed the release. `expired`: the terms' `onExpiry` holds. */
export type HoldState = 'waiting' | 'released' | 'rejected' | 'expired' | 'used'

/** A request that waits for people, or was released and has not been asked again yet. */
export interface HoldInfo {
  /** 16 hex digits. */
  readonly id: string
  readonly state: HoldState
  /** What would be approved, in one line of printable ASCII. */
  readonly summary: string
  /** Names of those who approved, in order. */
  readonly approvals: readonly string[]
  readonly approvalsWanted: number
  /** How many of them count: of groups that are asked, how many seats they fill. */
  readonly approved?: number
  /** Groups that are asked, and how many of each; absent where a name is enough. */
  readonly groups?: Readonly<Record<string, number>>
  /** Fingerprints of the keys that proved who approved, by name. */
  readonly keys?: Readonly<Record<string, string>>
  readonly rejectedBy: string | null
  /** ISO 8601: the first delivery. */
  readonly openedAt: string
  /** After this the rule's `onExpiry` holds. */
  readonly expiresAt: string
  /** After this the co-signer has stopped asking, as far as the handler knows. */
  readonly retryUntil: string
  /** Names of the limits that an approval would exceed now. Absent when that is not known. */
  readonly fullLimits?: readonly string[]
}

/** A name and a text, both foreign: whoever shows them keeps them on lines of their own. */
export interface ViewRow {
  readonly name: string
  readonly text: string
}

/** A part of what a request would have signed, such as one destination. */
export interface ViewSection {
  readonly title: string
  readonly rows: readonly ViewRow[]
}

/** An approval names what was seen. */
export interface Approval extends Act {
  /**
   * The hold's digest as it was shown; hex digits, white space between them does not count. Absent from those who have not
   * looked, as the callers of version 0.1.0.
   */
  readonly digest?: string
}

/** All that a person should see before deciding on a hold. */
export interface HoldDetails {
  readonly hold: HoldInfo
  /** Groups of hex digits over request and terms, for two people to compare. */
  readonly digest: string
  readonly sections: readonly ViewSection[]
}

/** What approvers of a hold sign. */
export interface HoldActs {
  readonly hold: HoldInfo
  /** As in `HoldDetails`. */
  readonly digest: string
  /** The texts whose bytes are signed. */
  readonly approve: string
  readonly reject: string
}

export interface HoldList {
  readonly holds: readonly HoldInfo[]
  /** ISO 8601, the handler's clock. */
  readonly now: string
}

/** One person's freeze. */
export interface FreezeAct {
  readonly action: 'RETRY' | 'REJECT'
  readonly by: string
  readonly reason: string
  /** ISO 8601. */
  readonly since: string
}

/**
 * While frozen nothing is approved, and every new request gets `action`: the strongest that was
 * asked for. Person, reason and time are those of the first freeze.
 */
export interface Freeze extends FreezeAct {
  /** Further freezes since the first. */
  readonly also: readonly FreezeAct[]
}

export interface FreezeRequest extends Omit<FreezeAct, 'since'> {
  /** Takes the place of the freeze in force, even if that is stronger. */
  readonly replace?: true
}

export interface FreezeAnswer {
  readonly freeze: Freeze | null
}

/** One limit and key with what counts now. */
export interface LimitInfo {
  readonly limit: string
  readonly key: string
  readonly count: number
  /** Plain decimal. */
  readonly amount: string
  readonly windowMs: number
  readonly maxCount: number | null
  /** Plain decimal. */
  readonly maxAmount: string | null
}

export interface LimitList {
  readonly limits: readonly LimitInfo[]
}

export interface ReleaseRequest extends Act {
  readonly txId: string
}

/** Part of a limit. */
export interface ChargedLimit {
  readonly limit: string
  readonly key: string
  /** Plain decimal; `0` when only the number of transactions is limited. */
  readonly amount: string
}

export interface ReleaseAnswer {
  readonly released: readonly ChargedLimit[]
}

/** What became of a policy file that was read again. */
export interface ReloadedPolicy {
  /** `kept`: the file was refused, for `problems`. */
  readonly outcome: 'swapped' | 'unchanged' | 'kept'
  /** Of the policy in force; null when there is none. */
  readonly digest: string | null
  readonly rules: number
  readonly problems: readonly string[]
}

export interface ReloadAnswer {
  readonly policy: ReloadedPolicy
  /** Null when there is no shadow policy. */
  readonly shadow: ReloadedPolicy | null
}

export interface AdminErrorBody {
  readonly error: { readonly code: AdminErrorCode; readonly message: string }
}

/** What the bootstrapper sends to a public URL to see whether a handler answers there. */
export const PROBE_BODY = 'countersign probe'
