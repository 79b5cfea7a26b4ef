/**
 * The straight line from the bytes of one delivery to the signed answer: read, recall, evaluate,
 * record, sign.
 */
import { answerAgain } from './answer-memory.ts'
import { evaluate } from './evaluate.ts'
import { answerInTime } from './in-time.ts'
import type { Answer, CallbackDeps, Delivery } from './ports.ts'
import { read } from './read.ts'
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
  const asked = read(delivery, deps)
  return answerInTime(asked, deps, async () => {
    if (asked.kind === 'unread') throw asked.fault
    const decided = await decideOnce(asked, deps, async () => {
      const recalled = await recall(asked, deps)
      if ('decision' in recalled) return { recorded: recalled }
      const proposal = await evaluate(asked, recalled, deps)
      return record(asked, proposal, deps)
    })
    return sign(asked, decided, deps)
  })
}
