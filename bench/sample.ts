/** One request of the load as the policy sees it, for what is measured or prepared without a server. */
import { transferJson } from './load/tokens.ts'
import type { Facts } from '../handler/policy/facts.ts'
import { parsePolicy } from '../handler/policy/parse.ts'
import type { ListFiles } from '../handler/policy/parse.ts'
import type { Policy } from '../handler/policy/compile/policy.ts'
import { isObject } from '../handler/protocol/json-value.ts'
import { parseRequest } from '../handler/protocol/parse-request.ts'
import type { CallbackRequest } from '../handler/protocol/request.ts'
import { parseStrictJson } from '../handler/protocol/strict-json.ts'

/** A transfer of the load. */
export function sampleRequest(requestId: string): CallbackRequest {
  const claims = parseStrictJson(transferJson(requestId, 0))
  if (!isObject(claims)) throw new TypeError('a transfer is an object')
  const parsed = parseRequest('tx_sign_request', claims)
  if (parsed.kind !== 'request') throw new TypeError('a transfer can be read')
  return parsed.request
}

/** A policy of the benchmark, which has no problems. */
export function samplePolicy(yaml: string, lists?: ListFiles): Policy {
  const result = parsePolicy(yaml, 'policy.yaml', lists)
  if (!result.ok) throw new TypeError(`the policy: ${result.problems[0]?.message}`)
  return result.policy
}

/** What is known beside a request without a raw transaction. */
export function sampleFacts(now: Date): Facts {
  return { now, cosigner: 'z', rawTx: { status: 'absent' }, statement: { status: 'absent' } }
}
