/** Thread for large bodies: what takes seconds of reading and evaluating keeps no other callback waiting. */
import { parentPort } from 'node:worker_threads'
import { messageOf } from '../../common/errors.ts'
import { contentOf, signedBytes } from '../callback/content.ts'
import type { Content } from '../callback/content.ts'
import { compilePolicy } from '../policy/compile/compile.ts'
import { livePolicy } from '../policy/judge.ts'
import type { LivePolicy } from '../policy/judge.ts'
import { allSteps } from '../policy/steps.ts'
import { createAssembly } from '../policy-files/form-parts.ts'
import { createSignatureVerifier } from '../policy-files/statement-signature.ts'
import { CallbackError } from '../protocol/errors.ts'
import { provesStage } from '../protocol/parse-request.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import { readContent } from '../protocol/signed-content.ts'
import type { Answer, Notice, Question } from './messages.ts'
import { pack } from './packed.ts'

const requests = new Map<number, CallbackRequest>()
const policies = new Map<string, LivePolicy>()
let assembly: ReturnType<typeof createAssembly> | undefined

parentPort?.on('message', (message: Question | Notice) => {
  const answer = serve(message)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  if (answer !== undefined) parentPort?.postMessage(answer)
})

function serve(message: Question | Notice): Answer | undefined {
  switch (message.kind) {
    case 'read':
    case 'evaluate':
    case 'whole':
      return attempt(message)
    case 'release':
      requests.delete(message.id)
      return undefined
    case 'policy':
      assembly = createAssembly(message.head)
      return undefined
    case 'part':
      assembly?.add(message.part)
      return undefined
    case 'end':
      take()
      return undefined
    case 'forget':
      policies.delete(message.digest)
  }
  return undefined
}

/** Compiles what has been checked, on the loop, when it was loaded. */
function take(): void {
  if (assembly === undefined) return
  const form = assembly.form()
  assembly = undefined
  const ignored = { report: () => undefined, reportLine: () => undefined }
  const policy = allSteps(compilePolicy(form, ignored))
  policies.set(form.digest, livePolicy(policy, createSignatureVerifier()))
}

function attempt(question: Question): Answer {
  try {
    return question.kind === 'read' ? read(question) : about(question)
  } catch (error) {
    if (error instanceof CallbackError) {
      return { kind: 'refused', code: error.code, message: error.message }
    }
    return { kind: 'failed', message: messageOf(error) }
  }
}

function read({
  id,
  endpoint,
  content,
  cosigner,
  signingOnly,
  now,
}: Extract<Question, { kind: 'read' }>): Answer {
  const found = contentOf(endpoint, readContent(content, now), cosigner, signingOnly)
  if (found.kind === 'unread') {
    const { requestId, error, isForeign } = found
    return { kind: 'unread', requestId, message: messageOf(error), isForeign }
  }
  if (found.kind === 'malformed') return found
  try {
    return keep(id, found)
  } catch (error) {
    const { requestId } = found.key
    return { kind: 'unread', requestId, message: messageOf(error), isForeign: false }
  }
}

function keep(id: number, { key, request }: Extract<Content, { kind: 'request' }>): Answer {
  const answer: Answer = {
    kind: 'request',
    key,
    txId: request.endpoint === 'tx_sign_request' ? request.txId : undefined,
    unknownMembers: request.unknownMembers,
    provesStage: provesStage(request),
    bytes: signedBytes(request),
  }
  requests.set(id, request)
  return answer
}

function about(question: Exclude<Question, { kind: 'read' }>): Answer {
  const request = requests.get(question.id)
  if (request === undefined) throw new Error('the request is not here any more')
  if (question.kind === 'whole') return { kind: 'whole', request: pack(request) }
  const policy = policies.get(question.digest)
  if (policy === undefined) throw new Error('the policy is not here')
  return { kind: 'evaluation', evaluation: policy.evaluate(request, question.facts) }
}
