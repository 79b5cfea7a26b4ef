/** The straight line from the bytes of one delivery to the signed answer. */
import { CallbackError } from './errors.ts'
import type { Answer, CallbackDeps, Delivery } from './ports.ts'

export type { Answer, CallbackDeps, Delivery, Verified } from './ports.ts'

/** Answers one delivery; throws `CallbackError` for what gets a bare status. */
export async function answerCallback(delivery: Delivery, deps: CallbackDeps): Promise<Answer> {
  deps.verify(delivery.body, deps.clock.now())
  throw new CallbackError('ERR_SIGNING_UNAVAILABLE', 'no answer can be made')
}
