/**
 * Ports of the straight line: what it takes in, gives out and depends on; the rooms above implement
 * them.
 */
import type { LivePolicy, PolicyFacts } from '../policy/judge.ts'
import type { SignedContent } from '../protocol/signed-content.ts'
import type { Verified, Vouched } from '../protocol/token.ts'
import type { Time } from '../../common/clock.ts'
import type { ProvenRequest } from '../decisions/operations.ts'
import type { DecisionStore, NewDecision, ShadowNote } from '../decisions/store.ts'
import type { RequestKey } from '../protocol/digest.ts'
import type { AnsweredCheck, Decision, Evaluation, HoldTerms } from '../policy/decision.ts'
import type { Hook } from '../policy/compile/hooks.ts'
import type { Action, Endpoint, Mode, Stage } from '../protocol/endpoints.ts'
import type { SigningOnly } from '../protocol/parse-request.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import type { Content } from './content.ts'
import type { AnswerClaims, Draft } from './response.ts'
import type { SharedWork } from './shared-work.ts'
import type { FaultRule } from './faults.ts'

/** One HTTP attempt of a request, before anything in it is believed. */
export interface Delivery {
  /** Our own id, for the log and the audit chain. */
  readonly deliveryId: string
  readonly endpoint: Endpoint
  /** Generation named by the path; its key must sign the answer. */
  readonly generation: number
  /** The body as received, at most `HANDLER_MAX_BODY_BYTES`. */
  readonly body: Buffer
  /** Monotonic milliseconds by which the answer must have left. */
  readonly deadlineAtMs: number
  /** The caller's trace, in the form of W3C Trace Context; for the log only, and nobody vouches for it. */
  readonly traceparent?: string | undefined
}

/** What leaves with status 200. */
export interface Answer {
  readonly contentType: 'application/jwt' | 'application/json'
  readonly body: string
}

/** Everything `answerCallback` needs; one object per process, read afresh for every delivery. */
export interface CallbackDeps {
  /**
   * `token`: a JWS both ways. `plain`: JSON both ways and nothing is signed (`certificate` mode).
   */
  readonly mode: Mode
  /**
   * Throws `CallbackError` unless the body is genuine; see `createTokenVerifier`,
   * `createPlainVerifier`.
   */
  readonly verify: (body: Buffer, now: Date) => Verified
  /**
   * Compact JWS over the claims with the key of that generation; any rejection becomes 503. Calls
   * `begins` when the signature has waited for its turn and is being computed.
   */
  readonly sign: (
    generation: number,
    claims: AnswerClaims | Draft,
    begins?: () => void,
  ) => Promise<string>
  /** The policy in force; asked once per request, so that one request sees one policy. */
  readonly policy: () => LivePolicy
  readonly store: DecisionStore
  readonly time: Pick<Time, 'clock' | 'after'>
  /** While frozen: the decision to answer with instead of evaluating; never APPROVE. */
  readonly frozen: () => Decision | undefined
  /** From `createSharedWork()`, one per process. */
  readonly shared: SharedWork
  /** From `createAnswerMemory()`, one per set of co-signer keys. */
  readonly answers: AnswerMemory
  readonly log: CallbackLog
  readonly advisers: Advisers
  /** Without it every body is read and evaluated on the event loop. */
  readonly large?: LargeBodies | undefined
}

/**
 * A verified request, wherever it is: on the event loop, or in the thread for large bodies. What asks it waits for a
 * thread only.
 */
export interface ReadRequest {
  readonly requestId: string
  readonly txId: string | undefined
  readonly unknownMembers: readonly string[]
  /** See `provesStage`. */
  readonly provesStage: boolean
  /** What tells one signature from another, of a transaction; see `bytesOf`. */
  readonly bytes: () => string | undefined
  /** What a policy makes of it; a throw or a rejection is answered RETRY. */
  readonly evaluate: (policy: LivePolicy, facts: PolicyFacts) => Evaluation | Promise<Evaluation>
  /**
   * The request itself, for people, a team's own function and its services. Rejects when it has too many values for the
   * event loop.
   */
  readonly whole: () => CallbackRequest | Promise<CallbackRequest>
  /** Lets go of what is kept for it elsewhere. */
  readonly release?: () => void
}

/** Reads and evaluates bodies that would keep the event loop from all others, in a thread. */
export interface LargeBodies {
  /** From this size on, in bytes. */
  readonly fromBytes: number
  /** Throws `CallbackError` unless somebody vouches for the body. */
  readonly vouch: (body: Buffer) => Vouched
  /** What `contentOf` gives; the request stays in the thread until it is released. Rejects with `CallbackError`. */
  readonly read: (
    delivery: Delivery,
    content: SignedContent,
    cosigner: string,
    signingOnly: SigningOnly | undefined,
  ) => Promise<LargeContent>
}

export type LargeContent =
  | Exclude<Content, { readonly kind: 'request' }>
  | { readonly kind: 'request'; readonly key: RequestKey; readonly request: ReadRequest }

/** Who else is heard about a request, besides the policy. */
export interface Advisers {
  /** Required when the policy names hooks: without it every hook counts as `no-answer`. */
  readonly hooks?: HookCaller
  /** Required when the policy holds requests: without it they stay held. */
  readonly holds?: HoldBook
  /** A policy that is only watched; must not throw. */
  readonly shadow?: ShadowPolicy | undefined
  /** A team's own function. */
  readonly decider?: Decider | undefined
}

/**
 * Answers that cannot change any more, by all bytes of the body, the endpoint and the generation;
 * bounded.
 */
export interface AnswerMemory {
  get(delivery: Delivery): Remembered | undefined
  put(delivery: Delivery, remembered: Remembered): void
}

/** An answer and what the log said of it. */
export interface Remembered {
  readonly answer: Answer
  readonly event: DecidedEvent
  /** The signers who only sign, as the policy named them then: with others the request may be of another stage. */
  readonly signingOnly?: SigningOnly | undefined
}

/**
 * Says what another policy would have decided. INVARIANT: never changes, delays or fails an answer.
 */
export type ShadowPolicy = (
  request: ReadRequest,
  facts: PolicyFacts,
  live: Decision,
) => Promise<ShadowNote | undefined>

/** What a team's own function may know besides the request. */
export interface DeciderFacts extends PolicyFacts {
  /** What the policy file makes of the request: APPROVE, or its default because no rule matched. */
  readonly policy: Decision
  /** What the check of the raw transaction found: `verified`, or another status and why. */
  readonly rawTx: string | undefined
  /** Aborts when the answer is no longer waited for. */
  readonly signal: AbortSignal
}

/** Asks a team's own function; undefined leaves it to the policy, a rejection is answered RETRY. */
export type Decider = (
  request: CallbackRequest,
  facts: DeciderFacts,
) => Promise<Decision | undefined>

/** Asks a team's own service about a request. Must give up when the signal aborts. */
export interface HookCaller {
  call(
    hook: string,
    request: CallbackRequest,
    signal: AbortSignal,
    context: HookContext,
  ): Promise<'allow' | 'deny' | 'no-answer'>
}

/** What goes with a request to a hook. */
export interface HookContext {
  /** As the policy that decides declares it; undefined when it does not. */
  readonly terms: Hook | undefined
  readonly deliveryId: string
  /** Generation whose key signs the call. */
  readonly generation: number
  readonly cosigner: string
  /** Id of the rule that would approve. */
  readonly rule: string
  /** Fields of the request that are unknown, as the policy names them. */
  readonly unknown: readonly string[]
}

/**
 * Remembers which held requests people have released or refused; keeps time from the first
 * delivery.
 */
export interface HoldBook {
  state(
    key: RequestKey,
    terms: HoldTerms,
    request: CallbackRequest,
    why: {
      readonly rule: string
      readonly rawTx: string | undefined
      /** Undefined where no release at the approval stage can serve. */
      readonly proven: ProvenRequest | undefined
    },
  ): Promise<HoldState | Carried>
  /** Names of the limits that have no room for what is held; nothing is charged. */
  fullLimits(entry: NewDecision): Promise<readonly string[]>
}

export type HoldState = 'held' | 'released' | 'rejected' | 'expired'

/** A hold of the approval stage serves this signing request. */
export interface Carried {
  /** Its id. */
  readonly carried: string
}

/** Log and metrics of deliveries. Only verified content ever gets here. */
export interface CallbackLog {
  /** A decision was made, recalled, or put off with RETRY; once per answered delivery. */
  decided(event: DecidedEvent): void
  /** A delivery got a bare status; called by the web edge, once per `CallbackError`. */
  refused(event: RefusedEvent): void
  /** Consistency checks failed at the first delivery of a request. */
  inconsistent(event: InconsistentEvent): void
  /** Needs a person's attention now. */
  alarm(event: AlarmEvent): void
}

export interface DecidedEvent {
  readonly deliveryId: string
  readonly endpoint: Endpoint
  readonly generation: number
  readonly cosigner: string
  readonly requestId: string
  /** Undefined when the request could not be read that far. */
  readonly stage: Stage | undefined
  readonly txId: string | undefined
  /** `''` when the co-signer sent none. */
  readonly signerId: string | undefined
  readonly action: Action
  readonly rule: string
  readonly reason: string
  /** Id of the hold that the request waits, or waited, for. */
  readonly hold: string | undefined
  /** Number of the record; undefined when the answer stands on none (a RETRY for a fault). */
  readonly seq: number | undefined
  /** The decision was made for an earlier or a concurrent delivery. */
  readonly repeated: boolean
  readonly unknownMembers: readonly string[]
  /** From the start of verification to the answer, in milliseconds. */
  readonly durationMs: number
  readonly traceparent?: string | undefined
}

export interface RefusedEvent {
  readonly deliveryId: string
  readonly endpoint: Endpoint | undefined
  readonly generation: number | undefined
  readonly error: Error
  readonly traceparent?: string | undefined
}

export interface InconsistentEvent {
  readonly deliveryId: string
  readonly requestId: string
  /** At least one, with what the policy answers. */
  readonly checks: readonly AnsweredCheck[]
}

export interface AlarmEvent {
  readonly kind:
    | FaultRule
    | 'conflict'
    | 'contradiction'
    | 'late-failure'
    | 'retry-budget'
    | 'uncertain'
    | 'stage-difference'
  readonly deliveryId: string
  readonly requestId: string
  /** Its message and stack hold nothing of the payload unless an edge put it there. */
  readonly error?: unknown
}
