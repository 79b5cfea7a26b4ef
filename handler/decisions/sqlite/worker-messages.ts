/** What the main thread and the store's worker say to each other. */
import type { Call } from '../calls.ts'
import type { Opening } from './open.ts'
import type { StoreErrorCode } from '../store-error.ts'

export type ToWorker =
  /** The first message, once. */
  | {
      readonly kind: 'open'
      readonly path: string
      readonly nowMs: number
      readonly maxPages: number | undefined
    }
  | { readonly kind: 'batch'; readonly nowMs: number; readonly calls: readonly Call[] }
  | { readonly kind: 'close' }

/** An error without its stack; `fatal` when the process must end. */
export interface WireError {
  readonly code: StoreErrorCode
  readonly message: string
  readonly hint: string | undefined
  readonly fatal: boolean
}

export type WireResult =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: WireError }

export type FromWorker =
  | { readonly kind: 'opened'; readonly opening: Opening }
  /** It could not be opened; or the disk failed between batches. */
  | { readonly kind: 'failed'; readonly error: WireError }
  | { readonly kind: 'results'; readonly results: readonly WireResult[] }
  | { readonly kind: 'known'; readonly fingerprints: Float64Array; readonly complete: boolean }
