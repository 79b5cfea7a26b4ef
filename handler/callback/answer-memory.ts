/** Memory of answers: identical bytes are not verified, read, looked up and signed again. */
import type {
  Answer,
  AnswerMemory,
  CallbackDeps,
  DecidedEvent,
  Delivery,
  Remembered,
} from './ports.ts'
import { policyNow } from './read.ts'
import type { Asked } from './read.ts'
import type { Signed } from './sign.ts'

/**
 * What is sent again at once, because an answer was lost, is answered from here; what comes later
 * from the store. Few, because whatever is kept over some hundred requests is copied by the garbage
 * collector twice.
 */
const DEFAULT_LIMITS = { answers: 64, bodyBytes: 16 * 1_024 }

/**
 * Bytes at the end of a token, all of them signature: enough to find an entry, which is then
 * compared as a whole.
 */
const NAME_BYTES = 64

/** Remembers nothing yet. */
export function createAnswerMemory(limits = DEFAULT_LIMITS): AnswerMemory {
  const answers = createRecent<Remembered & { readonly body: Buffer }>(limits.answers)
  return {
    get({ endpoint, generation, body }) {
      const known = answers.get(nameOf(body))
      if (known === undefined || !known.body.equals(body)) return undefined
      const { event } = known
      return event.endpoint === endpoint && event.generation === generation ? known : undefined
    },
    put({ body }, remembered) {
      if (body.length <= limits.bodyBytes) answers.put(nameOf(body), { ...remembered, body })
    },
  }
}

function nameOf(body: Buffer): string {
  return body.toString('latin1', Math.max(0, body.length - NAME_BYTES))
}

/** The most recent entries by name. */
export interface Recent<T> {
  get(name: string): T | undefined
  put(name: string, value: T): void
}

/**
 * Keeps at least the last `size / 2` entries that were put, and at most `size`: old ones are
 * evicted half at a time.
 */
export function createRecent<T>(size: number): Recent<T> {
  // Deleting the oldest of a `Map` for each new entry would make every look at its first one walk
  // over the deleted ones.
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  return {
    get: (name) => young.get(name) ?? old.get(name),
    put(name, value) {
      young.set(name, value)
      if (young.size * 2 < size) return
      old = young
      young = new Map()
    },
  }
}

/**
 * The answer that these very bytes got on this very path, when it was final; undefined when it has
 * to be worked out, also because the policy has since named other signers who only sign.
 * INVARIANT: an approval is not repeated while the service is frozen.
 */
export function answerAgain(delivery: Delivery, deps: CallbackDeps): Answer | undefined {
  const known = deps.answers.get(delivery)
  if (known === undefined) return undefined
  if (known.signingOnly !== policyNow(deps)?.signingOnly) return undefined
  const { clock } = deps.time
  const startedMs = clock.monotonicMs()
  const { answer } = known
  if (known.event.action === 'APPROVE' && deps.frozen() !== undefined) return undefined
  const { deliveryId, traceparent } = delivery
  const durationMs = clock.monotonicMs() - startedMs
  const event = { ...known.event, deliveryId, traceparent, repeated: true, durationMs }
  deps.log.decided(event)
  return answer
}

/**
 * Keeps an answer that stands on a final record. A RETRY is worked out anew each time, and so is
 * the answer to a token that is valid at some times only.
 */
export function rememberAnswer(
  { delivery, isTimed, policy }: Asked,
  { answer, decision }: Signed,
  event: DecidedEvent,
  { answers }: CallbackDeps,
): void {
  if (decision.action === 'RETRY' || isTimed) return
  answers.put(delivery, { answer, event, signingOnly: policy?.signingOnly })
}
