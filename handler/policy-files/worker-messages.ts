/** Messages between the event loop and the thread that reads policies: one question, one answer at a time. */
import type { PolicyProblem } from '../policy/file/problems.ts'
import type { Found } from '../policy/parse.ts'
import type { FormHead, Part } from './form-parts.ts'
import type { Stamps } from './policy-file.ts'

export type ToThread =
  | { readonly kind: 'read'; readonly path: string; readonly known: string | undefined }
  /** Asks for the next part of what was read. */
  | { readonly kind: 'next' }
  | { readonly kind: 'locate'; readonly found: Found }

export type FromThread =
  | { readonly kind: 'unchanged'; readonly stamps: Stamps }
  | {
      readonly kind: 'refused'
      readonly problems: readonly PolicyProblem[]
      readonly stamps: Stamps
    }
  | {
      readonly kind: 'read'
      readonly head: FormHead & { readonly found: Found }
      readonly stamps: Stamps
    }
  | Part
  | { readonly kind: 'end' }
  | { readonly kind: 'located'; readonly problems: readonly PolicyProblem[] }
