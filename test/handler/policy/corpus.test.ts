import { describe, expect, it } from '@jest/globals'
import type { Policy } from '../../../handler/policy/compile/policy.ts'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import { factsOf } from '../../../handler/policy/judge.ts'
import { parsePolicy } from '../../../handler/policy/parse.ts'
import type { RawTxVerdict } from '../../../handler/policy/rawtx/verdict.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { corpus, corpusFiles, corpusPolicy } from '../../fixtures/corpus/corpus.ts'
import type { CorpusCase } from '../../fixtures/corpus/corpus.ts'

const cases = corpus()
const policies = new Map<string, Policy>()

describe('the corpus', () => {
  it('has more than 250 callbacks over more than 20 chains', () => {
    expect(new Set(cases.map(({ payload }) => payload)).size).toBeGreaterThan(250)
    const ordinary = cases.filter(({ name }) => name.endsWith('to a whitelisted address, signing'))
    expect(new Set(ordinary.map(({ name }) => name.split(' ')[0])).size).toBeGreaterThan(20)
  })

  const names = [...new Set(cases.map(({ name }) => name))]
  it.each(names)('is decided as predicted: %s', (name) => {
    const group = cases.filter((each) => each.name === name)
    const found = group.map((each) => `${each.policy}: ${decisionOf(each)}`)
    expect(found).toEqual(group.map(({ policy, expected }) => `${policy}: ${expected}`))
  })
})

/** `APPROVE yes`, and for a hold whether people can release it. */
function decisionOf({ policy: name, endpoint, payload, cosigner, now, raw }: CorpusCase): string {
  const policy = policies.get(name) ?? policyNamed(name)
  policies.set(name, policy)
  const claims = parseStrictJson(payload)
  const parsed = isObject(claims) ? parseRequest(endpoint, claims) : undefined
  if (parsed?.kind !== 'request') return 'malformed'
  const facts = factsOf(policy, parsed.request, { now, cosigner }, () => false)
  const known = raw === undefined ? facts : { ...facts, rawTx: verdictOf(raw) }
  const { decision, unreleasable } = evaluate(policy, parsed.request, known)
  const lock = unreleasable === undefined ? '' : ' (not releasable)'
  return `${decision.action} ${decision.rule}${lock}`
}

function policyNamed(name: string): Policy {
  const result = parsePolicy(corpusPolicy(name), name, corpusFiles())
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.policy
}

function verdictOf(raw: NonNullable<CorpusCase['raw']>): RawTxVerdict {
  if (raw === 'verified') return { status: raw, facts: {} }
  if (raw === 'unverifiable') return { status: raw, reason: 'assumed', facts: {} }
  return { status: raw, field: 'amount', expected: '1', found: '2', facts: {} }
}
