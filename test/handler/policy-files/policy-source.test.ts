/** Following the files of a policy: real files, written well and badly. */
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { loadPolicy } from '../../../handler/policy-files/policy-file.ts'
import { followPolicy, taken } from '../../../handler/policy-files/policy-source.ts'
import { settableClock } from '../../fixtures/settable-clock.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

const FIRST = 'version: 1\ndefault: RETRY\n'
const OTHER = 'version: 1\ndefault: REJECT\n'
const LISTED = `version: 1
lists: { payees: { kind: texts, file: payees.txt } }
rules: [{ id: r, when: { note: { list: payees } }, then: APPROVE }]
`

async function followed(text = FIRST) {
  const directory = await temporaryDirectory()
  const file = join(directory, 'policy.yaml')
  await writeFile(join(directory, 'payees.txt'), 'alice\n')
  await writeFile(file, text)
  const clock = settableClock()
  const loaded = await loadPolicy(file)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const first = taken(loaded.policy, clock.now())
  const source = followPolicy(file, first, clock)
  return { directory, file, clock, first, source }
}

describe('a look at the files', () => {
  it('says nothing while nothing changes, and keeps the very same policy', async () => {
    const { source, first } = await followed(LISTED)
    for (let n = 0; n < 4; n += 1) expect(await source.poll()).toBeUndefined()
    expect(source.current()).toBe(first)
  })

  it('takes a new policy over when it has stood still for one look', async () => {
    const { file, source, clock, first } = await followed()
    await source.poll()
    await source.poll()
    await writeFile(file, 'version: 1\nrules: [')
    expect(await source.poll()).toBeUndefined()
    clock.advance(5_000)
    await writeFile(file, OTHER)
    expect(await source.poll()).toBeUndefined()
    expect(source.problems()).toEqual([])
    expect(await source.poll()).toMatchObject({ kind: 'swapped', rules: 0 })
    expect(source.current()).toMatchObject({ at: clock.now(), policy: { defaultAction: 'REJECT' } })
    expect(first.policy.defaultAction).toBe('RETRY')
  })

  it('sees a file that was replaced, as a mounted configuration is', async () => {
    const { directory, file, source } = await followed()
    await source.reload()
    await writeFile(join(directory, 'next'), OTHER)
    await rename(join(directory, 'next'), file)
    expect(await source.poll()).toBeUndefined()
    expect(await source.poll()).toMatchObject({ kind: 'swapped' })
  })

  it('sees a list beside the policy change, and a list that is gone', async () => {
    const { directory, source } = await followed(LISTED)
    await source.reload()
    const before = source.current().policy.digest
    await writeFile(join(directory, 'payees.txt'), 'alice\nbob\n')
    await source.poll()
    expect(await source.poll()).toMatchObject({ kind: 'swapped', rules: 1 })
    expect(source.current().policy.digest).not.toBe(before)
    await rm(join(directory, 'payees.txt'))
    await source.poll()
    expect(await source.poll()).toMatchObject({ kind: 'kept' })
    await writeFile(join(directory, 'payees.txt'), 'alice\nbob\n')
    await source.poll()
    expect(await source.poll()).toBeUndefined()
    expect(source.problems()).toEqual([])
  })

  // A download failed, the deny list was empty, and the blocked address was approved.
  it('keeps the last good policy when a list loses its last entry, unless it may', async () => {
    const { directory, file, source, first } = await followed(LISTED)
    await source.reload()
    await writeFile(join(directory, 'payees.txt'), '# nothing came\n')
    const problems = [
      'list `payees` has lost all its entries: write `empty: allowed` into the list if that is meant, and reload',
    ]
    expect(await source.reload()).toEqual({ kind: 'kept', problems })
    expect(await source.reload()).toEqual({ kind: 'kept', problems })
    expect(source.current()).toBe(first)
    expect(source.problems()).toEqual(problems)
    await writeFile(file, LISTED.replace('payees.txt }', 'payees.txt, empty: allowed }'))
    expect(await source.reload()).toMatchObject({ kind: 'swapped' })
    expect(source.problems()).toEqual([])
  })

  it('tells problems once, keeps the last good policy and forgets them with the next good file', async () => {
    const { file, source, first } = await followed()
    await source.reload()
    await writeFile(file, 'version: 3\n')
    await source.poll()
    expect(await source.poll()).toMatchObject({
      kind: 'kept',
      problems: [expect.stringContaining('policy.yaml:1:10: version:')],
    })
    await writeFile(file, 'version: 3 \n')
    await source.poll()
    expect(await source.poll()).toBeUndefined()
    expect([source.current(), source.problems().length]).toEqual([first, 1])
    await writeFile(file, FIRST)
    await source.poll()
    expect(await source.poll()).toBeUndefined()
    expect([source.current(), source.problems()]).toEqual([first, []])
  })

  it('survives a file that is gone', async () => {
    const { file, source, first } = await followed()
    await rm(file)
    expect(await source.reload()).toEqual({
      kind: 'kept',
      problems: ['policy.yaml:1:1: no such file'],
    })
    expect(source.current()).toBe(first)
  })
})

describe('a reload', () => {
  it('takes effect at once, one at a time, the newest file last', async () => {
    const { file, source } = await followed()
    const reloads = [source.reload()]
    await writeFile(file, OTHER)
    reloads.push(source.reload(), source.reload())
    const kinds = (await Promise.all(reloads)).map(({ kind }) => kind)
    expect(kinds.at(-1)).toBe('unchanged')
    expect(source.current().policy.defaultAction).toBe('REJECT')
  })
})

describe('without a first policy', () => {
  it('has none until the file makes one', async () => {
    const file = join(await temporaryDirectory(), 'shadow.yaml')
    const source = followPolicy(file, undefined, settableClock())
    expect(await source.reload()).toMatchObject({ kind: 'kept' })
    expect(source.current()).toBeUndefined()
    await writeFile(file, FIRST)
    await source.poll()
    expect(await source.poll()).toMatchObject({ kind: 'swapped' })
    expect(source.current()?.policy.defaultAction).toBe('RETRY')
  })
})
