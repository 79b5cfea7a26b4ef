/**
 * The policy that was in force before an upgrade: a file that version 0.1.0 took must not keep a handler from starting
 * because its tests read otherwise now, or because a word has been reserved since.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import { policyOnRecord } from '../../../handler/decisions/sqlite/policy-on-record.ts'
import { digestOf } from '../../../handler/policy/parse.ts'
import { lookAtPolicy } from '../../../handler/service/inspections.ts'
import { newHome, startTestHandler } from '../../fixtures/handler.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { entry, START } from '../decisions/entries.ts'

const FAILING = `version: 1
rules:
  - id: small
    when: { operation: TRANSFER, asset: ETH }
    then: APPROVE
tests:
  - name: as it was read before
    request: { operation: TRANSFER, asset: BTC }
    expect: { action: APPROVE, rule: small }
`
const RESERVED = `version: 1
rules: [{ id: uncertain, when: { asset: ETH }, then: REJECT }]
`

/** A store whose last decision was made under a policy of that text. */
async function decidedUnder(path: string, text: string): Promise<void> {
  const store = await openStore(path, START)
  const evidence = { policyDigest: digestOf(text, new Map()) }
  store.core.transaction(START, () => store.core.calls.record(entry({ evidence })))
  store.advanceMark()
  store.close()
}

async function files(text: string, inForce: string | undefined) {
  const directory = await temporaryDirectory()
  const [policy, store] = [join(directory, 'policy.yaml'), join(directory, 'decisions.db')]
  await writeFile(policy, text, { mode: 0o644 })
  await chmod(policy, 0o644)
  if (inForce !== undefined) await decidedUnder(store, inForce)
  return { policy, store }
}

describe('a policy file that would be refused now', () => {
  it.each([
    ['whose own test fails', FAILING, 'expects APPROVE by `small`'],
    ['with an id that has been reserved', RESERVED, '`uncertain` is reserved'],
    ['with both', FAILING.replaceAll('small', 'uncertain'), '`uncertain` is reserved'],
    // These were refused at the start after an upgrade: only `uncertain` was known to be new.
    ...['unreadable', 'store-unavailable', 'policy-error', 'internal-error'].map(
      (id): [string, string, string] => [
        `with the id \`${id}\``,
        RESERVED.replace('uncertain', id),
        `\`${id}\` is reserved`,
      ],
    ),
  ])('%s is kept when it was in force', async (_, text, problem) => {
    const { policy, store } = await files(text, text)
    const { findings, value } = await lookAtPolicy(policy, store)
    expect(value?.kept.join('\n')).toContain(problem)
    expect(value?.policy.rules).toHaveLength(1)
    expect(findings.every(({ ok }) => ok)).toBe(true)
    expect(findings.map(({ detail }) => detail).join('\n')).toContain(
      'kept because it was in force',
    )
  })

  it.each([
    ['of version 2', FAILING.replace('version: 1', 'version: 2')],
    ['with an id that was always reserved', FAILING.replaceAll('small', 'default')],
    ['with anything else that is wrong', `${FAILING}limits: { l: { window: 1h } }\n`],
  ])('%s is refused although it was in force', async (_, text) => {
    const { policy, store } = await files(text, text)
    expect((await lookAtPolicy(policy, store)).value).toBeUndefined()
  })

  it.each([
    ['changed by a byte', `${FAILING}\n`],
    ['no decision is on record', undefined],
  ])('is refused when %s', async (_, inForce) => {
    const { policy, store } = await files(FAILING, inForce)
    const { findings, value } = await lookAtPolicy(policy, store)
    expect([value, findings.every(({ ok }) => !ok)]).toEqual([undefined, true])
  })

  it('is refused without a store, and with one that cannot be read', async () => {
    const { policy, store } = await files(FAILING, undefined)
    expect((await lookAtPolicy(policy, undefined)).value).toBeUndefined()
    await writeFile(store, 'no database')
    expect(policyOnRecord(store)).toBeUndefined()
    expect((await lookAtPolicy(policy, store)).value).toBeUndefined()
  })

  it('takes nothing from a store that is empty', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    const store = await openStore(path, START)
    store.close()
    expect(policyOnRecord(path)).toBeUndefined()
  })
})

describe('a handler that starts on it', () => {
  it('decides, says so, and takes a corrected file', async () => {
    const directory = await newHome()
    await mkdir(join(directory, 'state'), { recursive: true, mode: 0o700 })
    await decidedUnder(join(directory, 'state', 'decisions.db'), FAILING)
    const handler = await startTestHandler({ directory, policy: FAILING })
    const notices = async () =>
      ((await handler.admin('GET', '/v1/status')).json as { notices: string[] }).notices
    const kept = expect.stringContaining('was in force before the upgrade and still decides')
    expect(await notices()).toContainEqual(kept)
    const errors = handler.logs.filter(({ level }) => level === 50 || level === 'error')
    expect(errors.map(({ msg }) => msg)).toContainEqual(
      expect.stringContaining('before the upgrade'),
    )
    const reload = async () => (await handler.admin('POST', '/v1/policy/reload')).json
    expect(await reload()).toMatchObject({ policy: { outcome: 'unchanged' } })
    expect(await notices()).toContainEqual(kept)
    await writeFile(join(directory, 'policy.yaml'), `${FAILING}\n`)
    expect(await reload()).toMatchObject({ policy: { outcome: 'kept' } })
    await writeFile(join(directory, 'policy.yaml'), FAILING.replace('asset: BTC', 'asset: ETH'))
    expect(await reload()).toMatchObject({ policy: { outcome: 'swapped' } })
    expect(await notices()).not.toContainEqual(kept)
    await handler.stop()
  })
})
