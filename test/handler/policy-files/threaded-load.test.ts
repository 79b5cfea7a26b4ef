/** Loading in a thread gives what loading in this one gives: the same policy, or the same problems. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { bootPolicyThread } from '../../../handler/policy-files/boot.ts'
import { loadPolicy } from '../../../handler/policy-files/policy-file.ts'
import { loadInThread } from '../../../handler/policy-files/threaded-load.ts'
import type { Policy } from '../../../handler/policy/compile/policy.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

/** More than one part of everything that is sent in parts. */
const RULES = Array.from(
  { length: 130 },
  (_, n) => `  - { id: r${n}, when: { asset: A${n}, amount: { max: "${n}.5" } }, then: APPROVE }`,
)
const TESTS = Array.from(
  { length: 60 },
  (_, n) =>
    `  - { name: t${n}, now: 2026-03-01T00:00:00Z, request: { asset: A${n} }, expect: { action: RETRY } }`,
)
const LARGE = [
  'version: 1',
  'statementKeys: { k: { publicKey: "-----BEGIN PUBLIC KEY----- AAAA -----END PUBLIC KEY-----" } }',
  'lists:',
  '  people: { kind: people, file: people.txt }',
  '  banks: { kind: addresses, values: ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"] }',
  '  none: { kind: texts, values: [] }',
  'assets: { X: { family: utxo, network: bitcoin } }',
  'limits: { daily: { window: 24h, count: 3 } }',
  'rules:',
  '  - { id: people, when: { signerId: { list: people }, note: x }, then: APPROVE, require: { limits: daily } }',
  ...RULES,
  'tests:',
  ...TESTS,
].join('\n')
const PEOPLE = Array.from({ length: 4_500 }, (_, n) => `person-${n}`).join('\n')

async function policyFile(text: string, people = PEOPLE): Promise<string> {
  const directory = await temporaryDirectory()
  await writeFile(join(directory, 'people.txt'), people)
  await writeFile(join(directory, 'policy.yaml'), text)
  return join(directory, 'policy.yaml')
}

describe('a policy loaded in a thread', () => {
  it('is the one that is loaded here', async () => {
    const path = await policyFile(LARGE)
    const here = await loadPolicy(path)
    const there = await loadInThread(path)
    if (!here.ok || there.kind !== 'loaded') throw new Error('the policy is good')
    expect(contentOf(there.policy)).toEqual(contentOf(here.policy))
    expect(there.policy.lists.get('people')?.keys.size).toBe(4_500)
    expect([there.policy.rules.length, there.policy.tests.length]).toEqual([131, 60])
    expect([...there.stamps.keys()].map((name) => name.split('/').at(-1))).toEqual([
      'policy.yaml',
      'people.txt',
    ])
  })

  it('is not loaded again when its digest is known', async () => {
    const path = await policyFile(LARGE)
    const first = await loadPolicy(path)
    const known = first.ok ? first.policy.digest : undefined
    expect(await loadInThread(path, { known })).toMatchObject({ kind: 'unchanged' })
  })

  it.each([
    ['no YAML', 'version: 1\nrules: ['],
    ['of another form', 'version: 1\nruls: []\nrules: [{ id: 1 }]\n'],
    ['without its list', LARGE.replace('people.txt', 'nobody.txt')],
    [
      'with rules and lists that are wrong',
      LARGE.replaceAll('.5"', '.5.5"').replace('Aed"', 'aed"'),
    ],
    ['with a rule that is wrong', LARGE.replace('list: people', 'list: persons')],
    ['with a test that fails', LARGE.replace('action: RETRY', 'action: APPROVE')],
  ])('has the problems, at their places, that are found here: %s', async (_what, text) => {
    const path = await policyFile(text)
    const here = await loadPolicy(path)
    expect(here.ok).toBe(false)
    expect(await problemsOf(path)).toEqual(here)
  })

  it('has the problems of its list files', async () => {
    const path = await policyFile(LARGE, 'a\nb*\n')
    const here = await loadPolicy(path)
    expect(here).toMatchObject({ ok: false, problems: [{ file: 'people.txt', line: 2 }] })
    expect(await problemsOf(path)).toEqual(here)
  })
})

describe('a thread that dies', () => {
  it('refuses the file and says so', async () => {
    const path = await policyFile(LARGE)
    const booted = bootPolicyThread()
    const loading = loadInThread(path, { booted })
    await booted.worker.terminate()
    const loaded = await loading
    expect(loaded).toMatchObject({
      kind: 'refused',
      problems: [
        { file: 'policy.yaml', message: 'the thread that reads it failed: the thread ended' },
      ],
    })
    expect([...loaded.stamps.keys()]).toEqual([path])
  })
})

/** The result as `loadPolicy` has it. */
async function problemsOf(path: string): Promise<unknown> {
  const loaded = await loadInThread(path)
  return { ok: false, problems: loaded.kind === 'refused' ? loaded.problems : [] }
}

/** All of a policy that can be compared: functions as what they are made from. */
function contentOf(policy: Policy): unknown {
  const text = JSON.stringify(policy, (_name, value: unknown) => {
    if (value instanceof Map) return [...value]
    if (value instanceof Set) return [...value]
    return typeof value === 'bigint' ? `${value}n` : value
  })
  return JSON.parse(text)
}
