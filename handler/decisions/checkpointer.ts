/** Decides when the chain is signed: after so many records, after so much time, and at the end. */
import type { Clock } from '../../common/clock.ts'
import type { CheckpointKey } from './checkpoint.ts'
import { signCheckpoint } from './checkpoint.ts'

export interface CheckpointerOptions {
  readonly storeId: string
  readonly clock: Clock
  /** Asked each time, so that it follows a rotation; undefined when no key can sign now. */
  readonly key: () => CheckpointKey | undefined
  /** Writes the checkpoint into the chain. */
  readonly append: (jws: string) => Promise<unknown>
  /** Hears each checkpoint that is in the chain; log it, so that a copy leaves the machine. */
  readonly onCheckpoint: (jws: string) => void
  readonly onError: (error: unknown) => void
  /** Records between checkpoints. */
  readonly every: number
  /** Milliseconds between checkpoints, while there are new records. */
  readonly intervalMs: number
}

export interface Checkpointer {
  /** Tells of a record. */
  advance(seq: number, hash: string): void
  /** Tells that time has passed. */
  readonly tick: () => void
  /** Signs what was not signed yet, and waits for it. */
  finish(): Promise<void>
}

/** A failed checkpoint is reported and tried again at the next occasion; decisions do not depend on it. */
export function createCheckpointer(options: CheckpointerOptions): Checkpointer {
  const { storeId, clock, key, append, onCheckpoint, onError, every, intervalMs } = options
  let head: { readonly seq: number; readonly hash: string } | undefined
  let signedSeq: number | undefined
  let signedAtMs = clock.monotonicMs()
  let busy: Promise<void> | undefined

  const sign = async () => {
    const signer = key()
    if (head === undefined || signer === undefined) return
    const { seq, hash } = head
    const time = clock.now().toISOString()
    const jws = await signCheckpoint(signer, { storeId, seq, hash, time })
    await append(jws)
    signedSeq = seq
    signedAtMs = clock.monotonicMs()
    if (head.seq === seq) head = undefined
    onCheckpoint(jws)
  }
  const start = () => {
    busy ??= sign()
      .catch(onError)
      .finally(() => {
        busy = undefined
      })
    return busy
  }
  const isOld = () => clock.monotonicMs() - signedAtMs >= intervalMs

  return {
    advance: (seq, hash) => {
      if (head !== undefined && head.seq >= seq) return
      head = { seq, hash }
      signedSeq ??= seq - 1
      if (seq - signedSeq >= every || isOld()) void start()
    },
    tick: () => {
      if (isOld()) void start()
    },
    finish: async () => {
      await busy
      await start()
    },
  }
}
