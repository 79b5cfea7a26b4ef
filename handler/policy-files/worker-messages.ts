/** Messages between the event loop and the thread that reads policies: one question, one answer at a time. */
import type { PolicyProblem } from '../policy/file/problems.ts'
import type { PolicyFile, RuleEntry, TestEntry } from '../policy/file/schema.ts'
import type { Found, PolicyForm } from '../policy/parse.ts'
import type { NamedList } from '../policy/compile/lists.ts'
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
  | { readonly kind: 'read'; readonly head: FormHead; readonly stamps: Stamps }
  | Part
  | { readonly kind: 'end' }
  | { readonly kind: 'located'; readonly problems: readonly PolicyProblem[] }

/** A policy in the right form without what may be long, which follows in parts. */
export interface FormHead extends Omit<PolicyForm, 'file' | 'lists'> {
  readonly file: Omit<PolicyFile, 'rules' | 'tests' | 'lists'>
  readonly lists: readonly Omit<NamedList, 'keys'>[]
}

/** As much as the loop reads in about a millisecond: a message is read as a whole. */
export type Part =
  | { readonly kind: 'rules'; readonly rules: readonly RuleEntry[] }
  | { readonly kind: 'tests'; readonly tests: readonly TestEntry[] }
  | { readonly kind: 'keys'; readonly list: string; readonly keys: readonly string[] }
