/** Decides what an answer was worth: an action counts only when it is for the right request and truly signed. */
import { createPublicKey, verify } from 'node:crypto'
import type { HttpAnswer } from './http-answer.ts'

/** The outcome of an answer to a request: an action, a bare status as text, or `wrong`. */
export type Judge = (answer: HttpAnswer, requestId: string) => string

/** Signatures are expensive to check beside a load, so one answer in so many is. */
const VERIFY_EVERY = 64

/** Judges the answers of a server by its public answer key, RSA or P-256. */
export function createJudge(answerKeyPem: string): Judge {
  const key = { key: createPublicKey(answerKeyPem), dsaEncoding: 'ieee-p1363' as const }
  let judged = 0
  return ({ status, body }, requestId) => {
    if (status !== 200) return String(status)
    const [header = '', payload = '', signature = ''] = body.split('.')
    judged += 1
    if (judged % VERIFY_EVERY === 1) {
      const input = Buffer.from(`${header}.${payload}`)
      if (!verify('sha256', input, key, Buffer.from(signature, 'base64url'))) return 'wrong'
    }
    const claims = parse(payload)
    return claims.requestId === requestId && claims.action !== undefined ? claims.action : 'wrong'
  }
}

function parse(payload: string): { action?: string; requestId?: string } {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  } catch {
    return {}
  }
}
