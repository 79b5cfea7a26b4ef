/**
 * The straight line from the bytes of one delivery to the signed answer: read, recall, evaluate,
 * record, sign.
 */
import { answerAgain } from './answer-memory.ts'
import { evaluate } from './evaluate.ts'
import { answerInTime } from './in-time.ts'
import type { Answer, CallbackDeps, Delivery } from './ports.ts'
import { type Asked, read, readLarge } from './read.ts'
import { decideOnce, recall } from './recall.ts'
import { record } from './record.ts'
import { sign } from './sign.ts'

/**
 * Answers one delivery. Throws `CallbackError` for what gets a bare status: a body that is not
 * genuine, no id to answer to, no key to sign with. Everything else is answered, at worst with
 * RETRY.
 */
export async function answerCallback(delivery: Delivery, deps: CallbackDeps): Promise<Answer> {
  const again = answerAgain(delivery, deps)
  if (again !== undefined) return again
  const { large } = deps
  if (large === undefined || delivery.body.length < large.fromBytes) {
    return answerAsked(read(delivery, deps), deps)
  }
  const asked = await readLarge(delivery, large, deps)
  const steps = new Set<Promise<unknown>>()
  try {
    return await answerAsked(asked, deps, (each) => void steps.add(each))
  } finally {
    // Steps that are late go on, and with them what they ask.
    if (asked.kind === 'request') {
      void Promise.allSettled(steps).then(() => asked.request.release?.())
    }
  }
}

/** Recall, evaluate, record and sign. `begun` hears of the steps, which may end after the answer. */
function answerAsked(
  asked: Asked,
  deps: CallbackDeps,
  begun: (steps: Promise<unknown>) => void = () => undefined,
): Promise<Answer> {
  const steps = async () => {
    if (asked.kind === 'unread') throw asked.fault
    const decided = await decideOnce(asked, deps, async () => {
      const recalled = await recall(asked, deps)
      if ('decision' in recalled) return { recorded: recalled }
      const proposal = await evaluate(asked, recalled, deps)
      return record(asked, proposal, deps)
    })
    return sign(asked, decided, deps)
  }
  return answerInTime(asked, deps, () => {
    const running = steps()
    begun(running)
    return running
  })
}
