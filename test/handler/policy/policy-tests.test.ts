import { describe, expect, it } from '@jest/globals'
import { problemsIn } from './policy.ts'

const RULES = `
statementKeys:
  ops: { publicKey: "-----BEGIN PUBLIC KEY----- AAAA -----END PUBLIC KEY-----" }
rules:
  - { id: night, when: { time: { zone: UTC, from: "22:00", to: "06:00" } }, then: REJECT }
  - { id: whitelist, when: { type: UNMANAGED_WALLET }, then: APPROVE }
  - { id: bytes, when: { note: raw }, then: APPROVE, require: { rawTx: verified } }
  - { id: signed, when: { note: signed }, then: APPROVE, require: { extraSignature: ops } }
  - { id: other, when: { cosigner: other }, then: REJECT }
  - { id: eth, when: { asset: ETH, amount: { max: "1" } }, then: APPROVE }
`

const run = (...tests: string[]) =>
  problemsIn(`${RULES}\ntests:\n${tests.map((test) => `  - ${test}`).join('\n')}`).map((line) =>
    line.replace(/^policy.yaml:\d+:\d+: /, ''),
  )

const eth = '{ asset: ETH, amountStr: "1" }'

describe('tests in a policy', () => {
  it('pass when the policy says what they expect', () => {
    expect(
      run(
        `{ name: a, request: ${eth}, expect: { action: APPROVE, rule: eth } }`,
        '{ name: b, like: a, request: { amountStr: "1.1" }, expect: { action: REJECT, rule: default } }',
        '{ name: c, like: b, expect: { action: REJECT } }',
        '{ name: d, like: a, now: "2026-01-01T23:00:00Z", expect: { action: REJECT, rule: night } }',
        '{ name: e, like: a, cosigner: other, expect: { action: REJECT, rule: other } }',
        '{ name: f, like: a, request: { note: raw }, rawTx: verified, expect: { action: APPROVE } }',
        '{ name: g, like: a, request: { note: raw }, expect: { action: RETRY, rule: bytes } }',
        '{ name: h, like: a, rawTx: mismatch, expect: { action: REJECT, rule: raw-tx } }',
        '{ name: i, like: f, rawTx: unverifiable, expect: { action: RETRY, rule: bytes } }',
        '{ name: j, like: f, rawTx: absent, expect: { action: RETRY, rule: bytes } }',
        '{ name: unproven, like: f, rawTx: { unproven: [fee] }, expect: { action: RETRY, rule: bytes } }',
        '{ name: k, like: a, request: { note: signed }, statement: ops, expect: { action: APPROVE } }',
        '{ name: l, request: { endpoint: config_change_sign_request, type: UNMANAGED_WALLET }, expect: { action: APPROVE } }',
        '{ name: m, like: a, request: { amountStr: "1e3" }, expect: { action: REJECT, rule: default } }',
        '{ name: n, like: a, request: { txId: "" }, expect: { action: REJECT, rule: malformed } }',
        '{ name: o, like: l, request: { destinations: [] }, expect: { action: RETRY, rule: unreadable } }',
      ),
    ).toEqual([])
  })

  it('make the policy invalid when they fail', () => {
    expect(
      run(
        `{ name: a, request: ${eth}, expect: { action: REJECT } }`,
        '{ name: b, like: a, expect: { action: APPROVE, rule: bytes } }',
        '{ name: b, like: a, expect: { action: APPROVE } }',
        '{ name: c, like: z, expect: { action: APPROVE } }',
        '{ name: deep, request: { note: ' +
          '['.repeat(40) +
          ']'.repeat(40) +
          ' }, expect: { action: REJECT } }',
        '{ name: unnamed, request: { requestId: "" }, expect: { action: REJECT } }',
        '{ name: d, request: { endpoint: other }, expect: { action: REJECT } }',
      ),
    ).toEqual([
      'tests[0]: test `a` expects REJECT, the policy says APPROVE by `eth`',
      'tests[1]: test `b` expects APPROVE by `bytes`, the policy says APPROVE by `eth`',
      'tests[2]: there are two tests `b`',
      'tests[3].like: there is no test `z` before this one',
      'tests[4]: test `deep` is no request that could be answered',
      'tests[5]: test `unnamed` is no request that could be answered',
      'tests[6]: test `d` has no usable `endpoint`',
    ])
  })
})
