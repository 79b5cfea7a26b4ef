/** Reads what a hook answered: bounded, strict, and signed where the policy names a key; anything else is no answer. */
import type { VerifySignature } from '../policy/statement.ts'
import type { Hook } from '../policy/compile/hooks.ts'
import { isObject } from '../protocol/json-value.ts'
import { parseStrictJson, StrictJsonError } from '../protocol/strict-json.ts'
import { BodyTooLargeError, readBounded } from '../../common/http.ts'

/** An answer is one word; a longer one is not read to its end. */
export const MAX_ANSWER_BYTES = 16 * 1024

/** Carries the base64 signature over `ANSWER_PREFIX` and the body. */
export const SIGNATURE_HEADER = 'countersign-signature'

/** Nothing else that such a key signs begins like this. */
export const ANSWER_PREFIX = 'countersign-hook-answer-1\n'

/** Why there is no usable answer, in words for the log. */
export class NoAnswer extends Error {}

/** @throws NoAnswer */
export async function readAnswer(
  response: Response,
  callId: string,
  { answerKey }: Hook,
  verifySignature: VerifySignature,
): Promise<'allow' | 'deny'> {
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new NoAnswer(`status ${response.status}`)
  }
  const body = await bytesOf(response)
  if (answerKey !== undefined) {
    const signature = Buffer.from(response.headers.get(SIGNATURE_HEADER) ?? '', 'base64')
    const signed = Buffer.concat([Buffer.from(ANSWER_PREFIX), body])
    if (!verifySignature(answerKey, signed, signature)) throw new NoAnswer('not signed by its key')
  }
  const answer = parse(body)
  if (answerKey !== undefined && answer['jti'] !== callId) {
    throw new NoAnswer('signed for another call')
  }
  const { decision } = answer
  if (decision === 'allow' || decision === 'deny') return decision
  throw new NoAnswer('neither `allow` nor `deny`')
}

async function bytesOf(response: Response): Promise<Buffer> {
  if (response.body === null) return Buffer.alloc(0)
  return readBounded(response.body, MAX_ANSWER_BYTES).catch((error: unknown) => {
    if (!(error instanceof BodyTooLargeError)) throw error
    throw new NoAnswer(`more than ${MAX_ANSWER_BYTES} bytes`)
  })
}

function parse(body: Buffer) {
  try {
    const value = parseStrictJson(body.toString('utf8'))
    if (isObject(value)) return value
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error
  }
  throw new NoAnswer('not a JSON object')
}
