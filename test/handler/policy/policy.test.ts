import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { listFilesOf } from '../../../handler/policy/compile/lists.ts'
import { readYaml } from '../../../handler/policy/file/yaml-source.ts'
import { parsePolicy } from '../../../handler/policy/parse.ts'
import { policyOf, problemsIn } from './policy.ts'

/** One rule, approving transactions, with the given condition. */
const rule = (when: string, then = 'APPROVE') => `
rules:
  - id: r
    when: ${when}
    then: ${then}
`

describe('parsePolicy', () => {
  it('gives the SHA-256 of the text as digest, as `sha256sum` prints it', () => {
    const text = 'version: 1\n'
    const result = parsePolicy(text, 'policy.yaml')
    const digest = createHash('sha256').update(text).digest('hex')
    expect(result).toMatchObject({ ok: true, policy: { digest, defaultAction: 'REJECT' } })
  })

  it('gives another digest when a list file changes', () => {
    const yaml = 'lists: { payees: { kind: texts, file: payees.txt } }'
    const digest = (text: string) => policyOf(yaml, new Map([['payees.txt', text]])).digest
    expect(digest('a\n')).not.toBe(digest('b\n'))
    expect(digest('a\n')).toBe(digest('a\n'))
  })

  it('names the list files that it wants', () => {
    const text = `version: 1
lists:
  a: { kind: texts, file: a.txt }
  b: { kind: texts, file: a.txt }
  c: { kind: texts, file: ../secret }
  d: { kind: texts, values: [x] }
`
    const named = (yaml: string) => listFilesOf(readYaml(yaml).value)
    expect(named(text)).toEqual(['a.txt'])
    expect(named('version: 1\nlists: [1]')).toEqual([])
    expect(named('- a')).toEqual([])
    expect(named('version: 1\nlists: ~')).toEqual([])
    expect(named('{')).toEqual([])
  })

  it.each([
    ['an empty file', '', 'policy.yaml:1:1: expected a map, found nothing'],
    ['a missing version', 'rules: []', 'policy.yaml:1:1: version: missing, expected `1`, `2`'],
    ['another version', 'version: 3', 'policy.yaml:1:10: version: expected `1`, `2`, found `3`'],
    ['a list instead of a map', '- 1', 'policy.yaml:1:1: expected a map, found a list'],
    ['broken YAML', 'version: 1\nrules: [', 'policy.yaml:2:9:'],
    ['a second document', 'version: 1\n---\nversion: 1\n', 'policy.yaml:2:1:'],
    [
      'an alias',
      'version: 1\nlists: &a {}\nlimits: *a\n',
      'policy.yaml:2:11: anchors are not allowed',
    ],
    ['a merge key', 'version: 1\n<<: {}\n', 'policy.yaml:2:1: keys must be texts'],
    ['a tag', 'version: 1\ndefault: !!str REJECT\n', 'policy.yaml:2:16: tags are not allowed'],
    ['a key that is no text', 'version: 1\n1: 2\n', 'policy.yaml:2:1: keys must be texts'],
    ['a key that is a list', 'version: 1\n? [a]\n: 2\n', 'policy.yaml:2:3: keys must be texts'],
    ['a missing key', 'version: 1\n: 2\n', 'policy.yaml:'],
    ['a pair without a key', '{ version: 1, : 2 }\n', 'policy.yaml:1:'],
    ['a duplicate key', 'version: 1\nversion: 1\n', 'policy.yaml:2:1: map keys must be unique'],
    ['a tab', 'version: 1\n\trules: []\n', 'policy.yaml:2:'],
  ])('refuses %s', (_name, text, expected) => {
    const result = parsePolicy(text, 'policy.yaml')
    expect(result.ok).toBe(false)
    const problems = result.ok ? [] : result.problems
    const [first] = problems.map(
      ({ file, line, column, path, message }) =>
        `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`,
    )
    expect(first?.slice(0, expected.length)).toBe(expected)
  })

  it.each([
    ['an unknown key', 'ruls: []', '2:1: unknown key `ruls`'],
    ['an unknown condition', rule('{ assets: ETH }'), '5:13: rules[0].when: unknown key `assets`'],
    [
      'an amount without quotes',
      rule('{ amount: { max: 1.5 } }'),
      '5:28: rules[0].when.amount.max: expected a text, found `1.5` without quotes, which YAML reads as a number; quote it: `"…"`',
    ],
    [
      'an id without quotes',
      rule('{ source: { id: 0 } }'),
      '5:27: rules[0].when.source.id: expected a text, found `0` without quotes, which YAML reads as a number; quote it: `"…"`',
    ],
    [
      'an id without quotes in a list',
      rule('{ source: { id: ["1", 2] } }'),
      '5:33: rules[0].when.source.id[1]: expected a text, found `2` without quotes, which YAML reads as a number; quote it: `"…"`',
    ],
    [
      'an address without quotes',
      rule('{ destination: { address: 0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8 } }'),
      '5:37: rules[0].when.destination.address: expected a text, found `5.35',
    ],
    [
      'an amount that is no decimal',
      rule('{ amount: { max: "1,5" } }'),
      '5:28: rules[0].when.amount.max: expected a plain decimal',
    ],
    ['an empty range', rule('{ amount: {} }'), '5:21: rules[0].when.amount: expected `min`, `max`'],
    [
      'a range upside down',
      rule('{ amount: { min: "2", max: "1" } }'),
      '5:21: rules[0].when.amount: `min` is more than `max`',
    ],
    ['nothing where a value belongs', rule('{ asset: }'), '5:20: rules[0].when.asset: expected'],
    ['an empty list', rule('{ asset: [] }'), '5:20: rules[0].when.asset: too small'],
    ['an unknown action', rule('{}', 'ALLOW'), '6:11: rules[0].then: expected `APPROVE`'],
    ['a missing action', 'rules: [{ id: a, when: {} }]', '2:9: rules[0].then: missing, expected'],
    [
      'a map where a text belongs',
      rule('{ note: { a: b } }'),
      '5:19: rules[0].when.note.list: missing',
    ],
    ['an unknown endpoint', rule('{ endpoint: tx }'), '5:23: rules[0].when.endpoint: expected'],
    [
      'a condition on both endpoints',
      rule('{ asset: ETH, type: ADD_USER }'),
      '5:11: rules[0].when: can never match',
    ],
    [
      'a condition on the other endpoint',
      rule('{ endpoint: config_change_sign_request, asset: ETH }'),
      '5:11: rules[0].when: can never match',
    ],
    [
      'the same inside a block',
      rule('{ asset: ETH, any-of: [{ type: ADD_USER }] }'),
      '5:34: rules[0].when.any-of[0]: can never match',
    ],
    [
      'an empty block',
      rule('{ any-of: [{}] }'),
      '5:22: rules[0].when.any-of[0]: the block is empty',
    ],
    ['an empty source', rule('{ source: {} }'), '5:21: rules[0].when.source: expected'],
    [
      'an empty destination',
      rule('{ destination: {} }'),
      '5:26: rules[0].when.destination: expected',
    ],
    ['empty details', rule('{ details: {} }'), '5:22: rules[0].when.details: expected'],
    ['a pattern for an asset', rule('{ asset: "ETH*" }'), '5:20: rules[0].when.asset: patterns'],
    [
      'a selector in another form',
      rule('{ contractCall: { selector: "a9059cbb" } }'),
      '5:39: rules[0].when.contractCall.selector: expected `0x` and 8 lower-case hex digits',
    ],
    [
      'an address with a wrong EIP-55 checksum',
      rule('{ destination: { address: "0x5DC69B1Fbb13Bafd09af88a782F0F285772Ad5f8" } }'),
      '5:37: rules[0].when.destination.address: `0x5DC69B1Fbb13Bafd09af88a782F0F285772Ad5f8` is no address',
    ],
    [
      'a bech32 address in mixed case',
      rule('{ destination: { address: "bc1Qjhm0h7vhdyu0d0luv34dlz654rmsvg8twywk99" } }'),
      '5:37: rules[0].when.destination.address: `bc1Q',
    ],
    [
      'an address with a letter that only looks right',
      rule('{ destination: { address: "1DpivPqJkLxbRwm4GpxXsNPKS29ou1NYdС" } }'),
      '5:37: rules[0].when.destination.address: an address has no spaces and only ASCII',
    ],
    [
      'a control character',
      rule('{ note: "a\\u0000" }'),
      '5:19: rules[0].when.note: expected 1 to 512',
    ],
    [
      'a reserved id',
      'rules: [{ id: default, when: {}, then: REJECT }]',
      '2:15: rules[0].id: `default`',
    ],
    [
      'the same id twice',
      'rules: [{ id: a, when: {}, then: REJECT }, { id: a, when: {}, then: RETRY }]',
      '2:50: rules[1].id: `a` is the id of another rule',
    ],
    ['IGNORE while signing', rule('{ asset: ETH }', 'IGNORE'), '6:11: rules[0].then: IGNORE'],
    [
      'IGNORE in either stage',
      rule('{ asset: ETH, stage: [approval, signing] }', 'IGNORE'),
      '6:11: rules[0].then: IGNORE',
    ],
    [
      'a hold of an approval',
      rule('{}', '{ action: APPROVE, hold: {} }'),
      '6:36: rules[0].then.hold: only a RETRY can be held',
    ],
    ['three approvals', rule('{}', '{ action: RETRY, hold: { approvals: 3 } }'), '6:47: '],
    ['an unknown unit', rule('{}', '{ action: RETRY, hold: { expires: 1w } }'), '6:45: '],
    [
      'a missing list',
      rule('{ asset: { list: x } }'),
      '5:28: rules[0].when.asset.list: there is no list `x`',
    ],
    [
      'a list of the wrong kind',
      `lists: { v: { kind: vaults, values: ["1"] } }${rule('{ destination: { address: { list: v } } }')}`,
      '5:45: rules[0].when.destination.address.list: list `v` holds vaults, `addresses` wanted here',
    ],
    ['a list without values', 'lists: { a: { kind: texts } }', '2:13: lists.a: expected either'],
    [
      'a list name with spaces',
      'lists: { "a b": { kind: texts, values: [] } }',
      '2:17: lists.a b: expected',
    ],
    [
      'a list file elsewhere',
      'lists: { a: { kind: texts, file: ../a } }',
      '2:34: lists.a.file: expected the name of a file beside the policy',
    ],
    [
      'a list file that is missing',
      'lists: { a: { kind: texts, file: a } }',
      '2:34: lists.a.file: `a`',
    ],
    [
      'a pattern in a list',
      'lists: { a: { kind: texts, values: ["a*"] } }',
      '2:37: lists.a.values[0]: patterns are not allowed in lists',
    ],
    ['a limit of nothing', 'limits: { a: { window: 1h } }', '2:14: limits.a: expected `count`'],
    ['a limit without a window', 'limits: { a: { count: 1 } }', '2:14: limits.a.window: missing'],
    ['half a count', 'limits: { a: { window: 1h, count: 1.5 } }', '2:35: limits.a.count: '],
    [
      'a hook over plain HTTP',
      'hooks: { a: { url: "http://example.com/", fallback: REJECT } }',
      '2:20: hooks.a.url: expected an `https:` URL',
    ],
    [
      'a hook that is no URL',
      'hooks: { a: { url: "nowhere", fallback: REJECT } }',
      '2:20: hooks.a.url: expected an `https:` URL',
    ],
    [
      'a hook with a password',
      'hooks: { a: { url: "https://u:p@example.com/", fallback: REJECT } }',
      '2:20: hooks.a.url: expected',
    ],
    [
      'a hook slower than the co-signer waits',
      'hooks: { a: { url: "https://example.com/", timeout: 30s, fallback: RETRY } }',
      '2:53: hooks.a.timeout: at most `20s`',
    ],
    [
      'a hook whose answers are signed by an unknown key',
      'hooks: { a: { url: "https://example.com/", keyId: k, fallback: RETRY } }',
      '2:51: hooks.a.keyId: there is no `k`',
    ],
    [
      'a hook that falls back to approving',
      'hooks: { a: { url: "https://example.com/", fallback: APPROVE } }',
      '2:54: hooks.a.fallback: expected `REJECT`, `RETRY`',
    ],
    [
      '`any` in a rule that approves',
      'rules: [{ id: a, when: { destination: { any: { type: VAULT } } }, then: APPROVE }]',
      '2:46: rules[0].when.destination.any: a rule that approves or abstains must hold for every',
    ],
    [
      '`any` in a rule that abstains',
      'rules: [{ id: a, when: { stage: approval, extraParameters: { any: { path: x } } }, then: IGNORE }]',
      '2:67: rules[0].when.extraParameters.any: a rule that approves or abstains must hold for every',
    ],
    [
      '`unknown` in a rule that approves',
      'rules: [{ id: a, when: { amountUSD: { max: "1", unknown: no-match } }, then: APPROVE }]',
      '2:58: rules[0].when.amountUSD.unknown: only for rules that refuse or hold',
    ],
    [
      'a requirement of a refusal',
      'rules: [{ id: a, when: {}, then: REJECT, require: { rawTx: verified } }]',
      '2:51: rules[0].require: only a rule that approves',
    ],
    [
      'an extra signature on a hold',
      'limits: { l: { window: 1h, count: 1 } }\nrules: [{ id: a, when: {}, then: { action: RETRY, hold: {} }, require: { extraSignature: l } }]',
      '3:72: rules[0].require: only a rule that approves',
    ],
    [
      '`none` in a rule that approves',
      'rules: [{ id: a, when: {}, then: APPROVE, require: { limits: none } }]',
      '2:62: rules[0].require.limits: there is no `none`',
    ],
    [
      'a limit that is not declared',
      'rules: [{ id: a, when: {}, then: APPROVE, require: { limits: [l] } }]',
      '2:62: rules[0].require.limits: there is no `l`',
    ],
    [
      'a hook that is not declared',
      'rules: [{ id: a, when: {}, then: APPROVE, require: { hook: h } }]',
      '2:60: rules[0].require.hook: there is no `h`',
    ],
    [
      'a statement key that is not declared',
      'rules: [{ id: a, when: {}, then: APPROVE, require: { extraSignature: k } }]',
      '2:70: rules[0].require.extraSignature: there is no `k`',
    ],
    [
      'a private key in place of a public one',
      'statementKeys: { k: { publicKey: "-----BEGIN PRIVATE KEY-----" } }',
      '2:34: statementKeys.k.publicKey: expected one PEM block `PUBLIC KEY`',
    ],
    [
      'a time zone that is none',
      rule('{ time: { zone: Mars/X, days: MON } }'),
      '5:27: rules[0].when.time.zone: ',
    ],
    [
      'a window without an end',
      rule('{ time: { zone: UTC, from: "08:00" } }'),
      '5:19: rules[0].when.time',
    ],
    ['a window of nothing', rule('{ time: { zone: UTC } }'), '5:19: rules[0].when.time'],
    [
      'an empty window',
      rule('{ time: { zone: UTC, from: "08:00", to: "08:00" } }'),
      '5:19: rules[0].when.time',
    ],
    [
      'a window from the end of the day',
      rule('{ time: { zone: UTC, from: "24:00", to: "08:00" } }'),
      '5:38: rules[0].when.time',
    ],
    [
      'a time of day that is none',
      rule('{ time: { zone: UTC, from: "8", to: "9" } }'),
      '5:38: rules[0]',
    ],
    [
      'an extra parameter without a condition',
      rule('{ extraParameters: { path: a } }'),
      '5:30: rules[0].when.extraParameters: expected either',
    ],
    [
      'an extra parameter that must be absent',
      rule('{ extraParameters: [{ path: a, present: false }] }'),
      '5:51: rules[0].when.extraParameters[0].present: expected `true`',
    ],
    ['a map where a list belongs', 'rules: {}', '2:8: rules: expected a list, found a map'],
    ['a list where a map belongs', 'limits: []', '2:9: limits: expected a map, found a list'],
    [
      'a count in words',
      'limits: { a: { window: 1h, count: three } }',
      '2:35: limits.a.count: expected a whole number, found `three`',
    ],
    [
      'a version that is true',
      'default: true',
      '2:10: default: expected `REJECT`, `RETRY`, found `true`',
    ],
    [
      'a map where a text or a boolean belongs',
      rule('{ extraParameters: { path: a, equals: {} } }'),
      '5:49: rules[0].when.extraParameters.equals: expected a text or `true` or `false` or a list, found a map',
    ],
    [
      'conditions beside `every`',
      rule('{ destination: { every: { id: "1" }, id: "2" } }'),
      '5:26: rules[0].when.destination: `every` stands alone',
    ],
    [
      '`every` and `any` at once',
      rule('{ destination: { every: { id: "1" }, any: { id: "2" } } }', 'REJECT'),
      '5:26: rules[0].when.destination: `every` stands alone',
    ],
    [
      'an approval for any one of the destinations',
      rule('{ destination: { any: { id: "1" } } }'),
      '5:33: rules[0].when.destination.any: a rule that approves or abstains must hold for every',
    ],
    [
      'an approval on an unknown value',
      rule('{ asset: ETH, source: { id: "1", unknown: no-match } }'),
      '5:53: rules[0].when.source.unknown: only for rules that refuse or hold',
    ],
    [
      'an extra parameter without a path',
      rule('{ extraParameters: { every: { equals: x } } }'),
      '5:39: rules[0].when.extraParameters.every: expected a `path`',
    ],
    ['a path that is none', rule('{ extraParameters: { path: "*" } }'), '5:38: '],
  ])('refuses %s, and says where', (_name, yaml, expected) => {
    const [first = ''] = problemsIn(yaml)
    expect(first.slice('policy.yaml:'.length, 'policy.yaml:'.length + expected.length)).toBe(
      expected,
    )
  })

  // Until 0.1.0 the list of reserved ids was kept apart from the ids in use: a rule could take
  // `store-unavailable`, the id of a fault, also to approve, and `hold` was refused although
  // nothing is ever recorded under it.
  it.each([
    'default',
    'malformed',
    'contradiction',
    'raw-tx',
    'conflict',
    'freeze',
    'store-unavailable',
    'policy-error',
    'internal-error',
    'deadline',
  ])('reserves the id %s, under which the handler decides', (id) => {
    expect(problemsIn(`rules: [{ id: ${id}, when: {}, then: REJECT }]`)).toEqual([
      `policy.yaml:2:15: rules[0].id: \`${id}\` is reserved`,
    ])
  })

  it.each(['hold', 'hook', 'limit', 'shutdown', 'overload', 'clock', 'toString'])(
    'leaves the id %s to rules',
    (id) => {
      expect(problemsIn(`rules: [{ id: ${id}, when: {}, then: REJECT }]`)).toEqual([])
    },
  )

  it('reports every problem at once, in the order of the file', () => {
    const problems = problemsIn(`
default: MAYBE
rules:
  - { id: a, when: { amount: { max: 1 } }, then: APPROVE, extra: 1 }
  - { id: "b c", when: {}, then: REJECT }
limits: []
`)
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual([
      'policy.yaml:3:10',
      'policy.yaml:5:37',
      'policy.yaml:5:59',
      'policy.yaml:6:11',
      'policy.yaml:7:9',
    ])
  })

  // One line of a list file that was no address kept a whole policy from loading.
  it('keeps a bad line of a list file, with a doubt that names it', () => {
    const text =
      '# payees\n0x5DC69B1Fbb13Bafd09af88a782F0F285772Ad5f8\nTB1mukCgh6YJA6fJKizm9YN2B8zx6XnZwU\n'
    const policy = policyOf(
      'lists: { a: { kind: addresses, file: a.txt } }',
      new Map([['a.txt', text]]),
    )
    const list = policy.lists.get('a')
    expect(list?.doubts).toEqual([
      {
        file: 'a.txt',
        line: 2,
        message:
          '`0x5DC69B1Fbb13Bafd09af88a782F0F285772Ad5f8` is no address: its checksum or its upper and lower case is wrong',
      },
    ])
    expect(list?.keys.has('TB1mukCgh6YJA6fJKizm9YN2B8zx6XnZwU')).toBe(true)
  })

  it('names no more than 20 such lines, and takes a pattern among texts for an error', () => {
    const many = Array.from({ length: 30 }, (_, n) => `0x5D C${n}`).join('\n')
    const policy = policyOf(
      'lists: { a: { kind: addresses, file: a.txt } }',
      new Map([['a.txt', many]]),
    )
    expect(policy.lists.get('a')?.doubts).toHaveLength(20)
    const texts = new Map([['b.txt', 'x*\n']])
    expect(problemsIn('lists: { b: { kind: texts, file: b.txt } }', texts)).toEqual([
      'b.txt:1:1: patterns are not allowed in lists',
    ])
  })

  it('refuses blocks that lie too deep, in finite time', () => {
    const deep = `${'{ all-of: ['.repeat(40)}{ asset: ETH }${'] }'.repeat(40)}`
    expect(problemsIn(rule(deep))[0]).toMatch(/blocks lie more than 8 deep/)
  })

  it('keeps what is declared and never used', () => {
    const policy = policyOf(`
lists: { a: { kind: texts, values: [] } }
limits: { b: { window: 1h, count: 1 } }
hooks: { c: { url: "http://localhost:1/", fallback: RETRY } }
statementKeys: { d: { publicKey: "-----BEGIN PUBLIC KEY----- AAAA -----END PUBLIC KEY-----", notAfter: "2027-01-01T00:00:00Z" } }
assets: { X: { family: utxo, network: bitcoin } }
rawTx: { sighashTypes: [ALL], changeAddresses: [abc] }
`)
    expect(policy.unused).toEqual(['lists.a', 'limits.b', 'hooks.c', 'statementKeys.d'])
    expect(policy.assets.get('X')).toMatchObject({ family: 'utxo', network: 'bitcoin' })
    expect(policy.rawTx).toEqual({ allowedSighashTypes: ['ALL'], changeAddresses: ['abc'] })
    expect(policy.statementKeys).toMatchObject([{ name: 'd', notAfter: '2027-01-01T00:00:00Z' }])
    expect(policy.hooks.get('c')).toEqual({
      name: 'c',
      url: 'http://localhost:1/',
      timeoutMs: 5000,
      budgetMs: 1_800_000,
      fallback: 'RETRY',
      keyId: undefined,
    })
  })

  it('gives a hook the key that signs its answers, which is used by that', () => {
    const pem = '-----BEGIN PUBLIC KEY----- AAAA -----END PUBLIC KEY-----'
    const policy = policyOf(`
statementKeys: { k: { publicKey: "${pem}" } }
hooks: { c: { url: "https://example.com/", fallback: RETRY, keyId: k } }
`)
    expect(policy.hooks.get('c')).toMatchObject({ keyId: 'k', answerKey: pem })
    expect(policy.unused).toEqual(['hooks.c'])
  })

  it('says which kind of asset is wrong', () => {
    expect(problemsIn('assets: { X: { family: utxo, network: bitcoiin } }')[0]).toMatch(
      /^policy.yaml:2:39: assets.X.network: expected `bitcoin`/,
    )
  })
})
