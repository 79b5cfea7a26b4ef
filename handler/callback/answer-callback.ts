/** The straight line from the bytes of one delivery to the signed answer. */
import type { Answer, CallbackDeps, Delivery } from './ports.ts'
import { identify } from '../protocol/parse-request.ts'
import { answerAgain } from './answer-memory.ts'
import { decideOnce, recall, record } from './decide.ts'
import { evaluate } from './evaluate.ts'
import { answerInTime } from './in-time.ts'
import { readRequest } from './read.ts'
import { sign } from './sign.ts'

export type { Answer, CallbackDeps, Delivery } from './ports.ts'

/**
 * Answers one delivery. Throws `CallbackError` for what gets a bare status: a body that is not genuine, no id to answer
 * to, no key to sign with. Everything else is answered, at worst with RETRY.
 */
export async function answerCallback(delivery: Delivery, deps: CallbackDeps): Promise<Answer> {
  const again = answerAgain(delivery, deps)
  if (again !== undefined) return again
  const verified = deps.verify(delivery.body, deps.clock.now())
  const requestId = identify(verified.claims)
  return answerInTime({ delivery, verified, requestId }, deps, async () => {
    const asked = readRequest(delivery, verified)
    const decided = await decideOnce(asked, deps, async () => {
      const recalled = await recall(asked, deps)
      if ('decision' in recalled) return { recorded: recalled }
      const proposal = await evaluate(asked, recalled, deps)
      return record(asked, proposal, deps)
    })
    return sign(asked, decided, deps)
  })
}
