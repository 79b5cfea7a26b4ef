/** Runs the tests that a policy file carries: requests as the co-signer would send them, and what must come of each. */
import { parseStrictJson } from '../protocol/strict-json.ts'
import { isObject } from '../protocol/json-value.ts'
import { ENDPOINTS } from '../protocol/endpoints.ts'
import type { Endpoint } from '../protocol/endpoints.ts'
import type { JsonValue } from '../protocol/json-value.ts'
import { isIdentifier } from '../protocol/members.ts'
import { parseRequest } from '../protocol/parse-request.ts'
import type { Decision } from './decision.ts'
import { evaluate } from './evaluate.ts'
import type { Facts } from './facts.ts'
import { factsOf } from './judge.ts'
import type { Policy } from './compile/policy.ts'
import { reserved } from './reserved.ts'
import type { Finding, Path } from './file/problems.ts'
import type { RawTxVerdict } from './rawtx/verdict.ts'
import { proven } from './rawtx/verdict.ts'
import { TEST_TIME } from './file/schema.ts'
import type { TestEntry } from './file/schema.ts'
import type { Steps } from './steps.ts'

type Payload = Readonly<Record<string, unknown>>

/** The tests that do not come out as they say; empty when all do. One step per test. */
export function* failingTests(policy: Policy): Steps<Finding[]> {
  const failing: Finding[] = []
  const payloads = new Map<string, Payload>()
  for (const [index, test] of policy.tests.entries()) {
    const finding = failureOf(policy, test, ['tests', index], payloads)
    if (finding !== undefined) failing.push(finding)
    yield
  }
  return failing
}

/** What is wrong with one test, if anything. `payloads`: of the tests before it, by name; its own is added. */
function failureOf(
  policy: Policy,
  test: TestEntry,
  path: Path,
  payloads: Map<string, Payload>,
): Finding | undefined {
  const { name, like, expect } = test
  const base = like === undefined ? {} : payloads.get(like)
  if (payloads.has(name)) return { path, message: `there are two tests \`${name}\`` }
  if (base === undefined) {
    return { path: [...path, 'like'], message: `there is no test \`${like}\` before this one` }
  }
  const payload = { ...base, ...test.request }
  payloads.set(name, payload)
  const decision = decide(policy, test, payload)
  if (typeof decision === 'string') return { path, message: `${quoted(name)} ${decision}` }
  const { action, rule = decision.rule } = expect
  if (decision.action === action && decision.rule === rule) return undefined
  const expected = expect.rule === undefined ? action : `${action} by \`${expect.rule}\``
  const found = `${decision.action} by \`${decision.rule}\``
  return { path, message: `${quoted(name)} expects ${expected}, the policy says ${found}` }
}

function quoted(name: string): string {
  return `test \`${name}\``
}

/** The decision, or why there is none. */
function decide(policy: Policy, test: TestEntry, payload: Payload): Decision | string {
  const { endpoint = 'tx_sign_request', ...members } = payload
  if (!isEndpoint(endpoint)) return 'has no usable `endpoint`'
  const ids = endpoint === 'tx_sign_request' ? { txId: 'test' } : {}
  const claims = strictJson({ requestId: 'test', ...ids, ...members })
  if (!isObject(claims) || !isIdentifier(claims['requestId'])) {
    return 'is no request that could be answered'
  }
  const parsed = parseRequest(endpoint, claims)
  if (parsed.kind === 'malformed') {
    return reserved('REJECT', 'malformed', parsed.malformed.reasonCode)
  }
  if (parsed.kind === 'unreadable') return reserved('RETRY', 'unreadable', parsed.reason)
  const known = { now: test.now ?? TEST_TIME, cosigner: test.cosigner ?? '' }
  const facts = factsOf(policy, parsed.request, known, () => false)
  return evaluate(policy, parsed.request, { ...facts, ...assumed(test) }).decision
}

/** The value as the co-signer's JSON would be read; null when JSON that strict cannot hold it. */
function strictJson(value: unknown): JsonValue {
  try {
    return parseStrictJson(JSON.stringify(value))
  } catch {
    return null
  }
}

function isEndpoint(value: unknown): value is Endpoint {
  return ENDPOINTS.some((endpoint) => endpoint === value)
}

/** Facts that a test sets instead of making real bytes and signatures. */
function assumed({ rawTx, statement }: TestEntry): Partial<Facts> {
  return {
    ...(rawTx === undefined ? {} : { rawTx: verdictOf(rawTx) }),
    ...(statement === undefined
      ? {}
      : {
          statement: {
            status: 'valid',
            digest: '0'.repeat(64),
            keyName: statement,
            contentDigest: undefined,
          },
        }),
  }
}

function verdictOf(status: NonNullable<TestEntry['rawTx']>): RawTxVerdict {
  if (typeof status === 'object') return proven(status.unproven)
  if (status === 'absent') return { status }
  if (status === 'verified') return { status, facts: {} }
  if (status === 'unverifiable') return { status, reason: 'assumed by a test', facts: {} }
  return { status, field: 'amount', expected: '1', found: '2', facts: {} }
}
