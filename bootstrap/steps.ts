/**
 * The vocabulary of a plan: goals, what was found, every step there is, and every refusal; pure.
 */
import type { AuthMode, GenerationInfo, HandlerStatus, PairingNeeds } from '../common/admin-api.ts'
import type { Pairing } from './compare.ts'
import type { AnswerAlgorithm } from '../common/answer-algorithm.ts'
import type { BootstrapErrorCode } from './errors.ts'
import type { AnswerWish, OperationKind, PairingMemory } from './memory.ts'

/** One thing to do. Generations are numbers, and the handler knows the rest. */
export type Step =
  | {
      readonly do: 'stage'
      readonly generation: number
      readonly slot?: string
      readonly renewOf?: number
      readonly algorithm?: AnswerAlgorithm
      readonly oneKey?: true
      /** Take a slot whose certificate another generation needs. */
      readonly share?: true
    }
  /** Tell the handler which generations this pairing needs from now on. */
  | { readonly do: 'declare'; readonly live: number | null; readonly pending: number | null }
  /**
   * See each as the co-signer would see it; with `gap` the last cannot show its certificate yet.
   */
  | { readonly do: 'probe'; readonly generations: readonly number[]; readonly gap: boolean }
  | { readonly do: 'pair'; readonly generation: number; readonly idempotencyKey: string | null }
  | { readonly do: 'update-callback-handler'; readonly generation: number }
  | { readonly do: 'unpair' }
  | { readonly do: 'await-approval'; readonly requestId: string | null }
  | { readonly do: 'verify'; readonly generation: number | null }
  /** The paired generation is what the handler needs to serve; the one before drains. */
  | { readonly do: 'activate'; readonly generation: number }
  /** End the drain of a generation although it was not quiet for long enough. */
  | { readonly do: 'retire'; readonly generation: number }
  | { readonly do: 'forget' }
  | { readonly do: 'roll-back'; readonly live: number | null; readonly reason: string }

export type Goal =
  | {
      readonly kind: 'pair'
      readonly answer?: AnswerWish
      readonly replace: boolean
      /** Pair a generation again that was paired or offered before. */
      readonly keepKey?: boolean
    }
  | {
      readonly kind: 'rotate'
      readonly answer?: AnswerWish
      readonly renew: boolean
      readonly acceptGap: boolean
      /** Only when its certificate ends within this, in milliseconds. */
      readonly ifDueMs?: number | undefined
    }
  | { readonly kind: 'unpair' }

/** A generation of the handler, as far as plans look at it. */
export type PlannedGeneration = Pick<
  GenerationInfo,
  'generation' | 'state' | 'notAfter' | 'hits' | 'algorithm' | 'oneKey'
> & {
  /** `notAfter` in milliseconds since the epoch. */
  readonly endsMs: number
}

/** What was found. */
export interface PairingWorld {
  readonly auth: AuthMode
  /** Whether each generation shows a certificate of its own. */
  readonly tls: HandlerStatus['tls']
  /** Slot letters of the handler, in order. */
  readonly slots: readonly string[]
  /** Of a generation that is made without a wish. */
  readonly answerAlgorithm: AnswerAlgorithm
  /** Why the co-signer may not understand ES256; undefined when it is known to. */
  readonly es256Doubt: string | undefined
  readonly generations: readonly PlannedGeneration[]
  /** Generations that a request has named which the API accepted, or may have. */
  readonly offered: readonly number[]
  /** What this pairing has declared to the handler; null when nothing. */
  readonly needs: PairingNeeds | null
  readonly paired: Pairing
}

export interface PlanInput {
  readonly goal: Goal
  readonly world: PairingWorld
  readonly memory: PairingMemory
  /** Send a change again whose fate is unknown. */
  readonly resubmit: boolean
  /** End the drain of every generation that no pairing needs. */
  readonly retireNow?: boolean
  /** Give up the change that is under way. */
  readonly abandon: boolean
  /** Pair an algorithm that the co-signer is not known to understand. */
  readonly forceAlgorithm?: boolean
  readonly nowMs: number
}

/** The operation that the steps belong to, as it is journalled before the first of them. */
export interface Begin {
  readonly kind: OperationKind
  readonly from: number | null
  readonly to: number | null
  readonly renewOf: number | null
  /** Present when something was wished for. */
  readonly answer?: AnswerWish
}

/** Why nothing is done. */
export interface Refusal {
  readonly code: BootstrapErrorCode
  readonly message: string
  readonly hint: string
}

export type Plan =
  | {
      readonly begin: Begin | null
      readonly steps: readonly Step[]
      /** What the reader should know about it. */
      readonly notes: readonly string[]
    }
  | { readonly refusal: Refusal }

/**
 * The refusal to touch a pairing that is not what it should be; nothing is ever repaired unasked.
 */
export function drift(paired: Pairing): { readonly refusal: Refusal } {
  switch (paired.is) {
    case 'absent':
      return refuse('ERR_DRIFT', 'this API key is not paired with this co-signer', 'run `pair`')
    case 'no-handler':
      return refuse(
        'ERR_DRIFT',
        'no callback handler is paired: the co-signer signs everything for this user',
        'run `pair` now',
      )
    case 'foreign':
      return refuse(
        'ERR_DRIFT',
        `the co-signer calls \`${paired.url}\`, which is not a generation of this handler`,
        'find out whose it is; `pair --replace` takes its place',
      )
    case 'mismatch':
      return refuse(
        'ERR_DRIFT',
        `the co-signer calls generation ${paired.generation} but holds another ${paired.fields.join(' and ')}`,
        'find out who changed it; `pair --replace` sends ours again',
      )
    case 'ours':
    default:
      return refuse(
        'ERR_DRIFT',
        `the co-signer calls generation ${paired.generation}, which is retired`,
        'run `rotate`',
      )
  }
}

/** A plan that is only a refusal. */
export function refuse(
  code: BootstrapErrorCode,
  message: string,
  hint: string,
): { readonly refusal: Refusal } {
  return { refusal: { code, message, hint } }
}
