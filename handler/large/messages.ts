/** Messages between the event loop and the thread for large bodies: one question, one answer at a time. */
import type { CompiledForm } from '../policy/compile/policy.ts'
import type { Evaluation } from '../policy/decision.ts'
import type { PolicyFacts } from '../policy/judge.ts'
import type { FormHead, Part } from '../policy-files/form-parts.ts'
import type { CallbackErrorCode } from '../../common/refusal-codes.ts'
import type { RequestKey } from '../protocol/digest.ts'
import type { Endpoint } from '../protocol/endpoints.ts'
import type { SigningOnly } from '../protocol/parse-request.ts'
import type { Malformed } from '../protocol/request.ts'
import type { SignedContent } from '../protocol/signed-content.ts'
import type { Packed } from './packed.ts'

export type Question =
  | {
      readonly kind: 'read'
      /** The request is kept under this number until it is released. */
      readonly id: number
      readonly endpoint: Endpoint
      readonly content: SignedContent
      readonly cosigner: string
      readonly signingOnly: SigningOnly | undefined
      readonly now: Date
    }
  | {
      readonly kind: 'evaluate'
      readonly id: number
      readonly digest: CompiledForm['digest']
      readonly facts: PolicyFacts
    }
  | { readonly kind: 'whole'; readonly id: number }

/** What is not answered. */
export type Notice =
  | { readonly kind: 'release'; readonly id: number }
  | { readonly kind: 'policy'; readonly head: FormHead }
  | { readonly kind: 'part'; readonly part: Part }
  /** The policy is complete. */
  | { readonly kind: 'end' }
  | { readonly kind: 'forget'; readonly digest: string }

export type Answer =
  | {
      readonly kind: 'request'
      readonly key: RequestKey
      readonly txId: string | undefined
      readonly unknownMembers: readonly string[]
      readonly provesStage: boolean
      readonly bytes: string | undefined
    }
  | { readonly kind: 'malformed'; readonly key: RequestKey; readonly malformed: Malformed }
  | {
      readonly kind: 'unread'
      readonly requestId: string
      readonly message: string
      readonly isForeign: boolean
    }
  | { readonly kind: 'refused'; readonly code: CallbackErrorCode; readonly message: string }
  | { readonly kind: 'evaluation'; readonly evaluation: Evaluation }
  | { readonly kind: 'whole'; readonly request: Packed }
  | { readonly kind: 'failed'; readonly message: string }
