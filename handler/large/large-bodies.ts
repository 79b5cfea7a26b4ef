/**
 * Large bodies: read and evaluated in a thread of their own, one after the other, so that none keeps the event loop from
 * the others. The loop verifies the signature, records and signs.
 */
import { setImmediate } from 'node:timers/promises'
import type { After, Clock } from '../../common/clock.ts'
import { createSerial } from '../../common/serial.ts'
import type { BootedThread } from '../../common/thread.ts'
import type { LargeBodies, LargeContent, ReadRequest } from '../callback/ports.ts'
import type { CompiledForm } from '../policy/compile/policy.ts'
import type { Evaluation } from '../policy/decision.ts'
import { headOf, partsOf } from '../policy-files/form-parts.ts'
import { CallbackError } from '../protocol/errors.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import type { Verifier } from '../protocol/token.ts'
import { bootLargeThread } from './boot.ts'
import type { Answer, Notice, Question } from './messages.ts'
import { unpack } from './packed.ts'

/** From this size on a body is read in the thread, in bytes; what is smaller takes at most some 30 ms to read. */
const LARGE_BYTES = 64 * 1_024

/** A question that takes longer than this has gone wrong: the thread is ended, and the next question starts another. */
const LONGEST_MS = 60_000

/** Policies that the thread keeps: the one in force, its shadow, and those before them for requests under way. */
const POLICIES = 4

export interface LargeBodiesParts {
  readonly vouch: Verifier['vouch']
  readonly clock: Clock
  readonly after: After
  /** The thread has ended, which only a bug or a lack of memory brings about. */
  readonly died: (error: unknown) => void
  readonly boot?: () => BootedThread
}

/** Starts no thread before there is a large body. */
export function createLargeBodies({
  vouch,
  clock,
  after,
  died,
  boot = bootLargeThread,
}: LargeBodiesParts): LargeBodies & { readonly close: () => Promise<void> } {
  const inTurn = createSerial()
  let thread: Thread | undefined
  let isClosed = false
  let ids = 0

  const current = (): Thread => {
    if (isClosed) throw new Error('the handler is stopping')
    if (thread !== undefined) return thread
    const started = { ...boot(), policies: [] }
    started.died.catch((error: unknown) => {
      if (thread === started) thread = undefined
      if (!isClosed) died(error)
    })
    thread = started
    return started
  }
  /** Ends a thread that hangs, with whatever it was asked. */
  const bounded = async (asked: Thread, question: Question): Promise<Answer> => {
    const cancel = after(LONGEST_MS, () => void asked.worker.terminate())
    try {
      return await ask(asked, question)
    } finally {
      cancel()
    }
  }

  const requestIn = (where: Thread, id: number, found: Found): ReadRequest => ({
    requestId: found.key.requestId,
    txId: found.txId,
    unknownMembers: found.unknownMembers,
    provesStage: found.provesStage,
    bytes: () => found.bytes,
    evaluate: ({ digest, form }, facts): Promise<Evaluation> =>
      inTurn(async () => {
        if (form === undefined) throw new Error('the policy cannot be asked in another thread')
        await bring(where, form)
        const answer = await bounded(where, { kind: 'evaluate', id, digest, facts })
        if (answer.kind === 'evaluation') return answer.evaluation
        throw unexpected(answer)
      }),
    whole: (): Promise<CallbackRequest> =>
      inTurn(async () => {
        const answer = await bounded(where, { kind: 'whole', id })
        if (answer.kind === 'whole') return unpack(answer.request)
        throw unexpected(answer)
      }),
    release: () => tell(where, { kind: 'release', id }),
  })

  return {
    fromBytes: LARGE_BYTES,
    vouch,
    read: ({ endpoint, deadlineAtMs }, content, cosigner, signingOnly): Promise<LargeContent> =>
      inTurn(async () => {
        if (clock.monotonicMs() >= deadlineAtMs) {
          throw new CallbackError('ERR_OVERLOADED', 'large bodies before it took too long')
        }
        const where = current()
        ids += 1
        const id = ids
        const now = clock.now()
        const answer = await bounded(where, {
          kind: 'read',
          id,
          endpoint,
          content,
          cosigner,
          signingOnly,
          now,
        })
        if (answer.kind === 'malformed') return answer
        if (answer.kind === 'unread') return { ...answer, error: new Error(answer.message) }
        if (answer.kind !== 'request') throw unexpected(answer)
        return { kind: 'request', key: answer.key, request: requestIn(where, id, answer) }
      }),
    async close() {
      isClosed = true
      await thread?.worker.terminate()
    },
  }
}

type Found = Extract<Answer, { readonly kind: 'request' }>

interface Thread extends BootedThread {
  /** Digests of the policies that it has, oldest first. */
  readonly policies: string[]
}

/** One question at a time. */
function ask({ worker, died }: Thread, question: Question): Promise<Answer> {
  const answered = new Promise<Answer>((resolve) => {
    worker.once('message', resolve)
  })
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage(question)
  return Promise.race([answered, died])
}

function tell({ worker }: Thread, notice: Notice): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage(notice)
}

/** Brings a policy to the thread, in parts, unless it is there. */
async function bring(thread: Thread, form: CompiledForm): Promise<void> {
  const { policies } = thread
  if (policies.includes(form.digest)) return
  tell(thread, { kind: 'policy', head: headOf(form) })
  for (const part of partsOf(form)) {
    if (part.kind === 'tests') continue
    tell(thread, { kind: 'part', part })
    await setImmediate()
  }
  tell(thread, { kind: 'end' })
  policies.push(form.digest)
  const forgotten = policies.length > POLICIES ? policies.shift() : undefined
  if (forgotten !== undefined) tell(thread, { kind: 'forget', digest: forgotten })
}

function unexpected(answer: Answer): Error {
  if (answer.kind === 'refused') return new CallbackError(answer.code, answer.message)
  return new Error(answer.kind === 'failed' ? answer.message : `unexpected ${answer.kind}`)
}
