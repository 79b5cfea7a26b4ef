import { chmod, mkdir, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { loadPolicy } from '../../../handler/policy-files/policy-file.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

const LISTED = 'version: 1\nlists: { payees: { kind: texts, file: payees.txt } }\n'

/** A policy file and what lies beside it. */
async function files(contents: Record<string, string | Buffer>): Promise<string> {
  const directory = await temporaryDirectory()
  for (const [name, text] of Object.entries(contents)) await writeFile(join(directory, name), text)
  return join(directory, 'policy.yaml')
}

const problem = (file: string, message: unknown, line = 1, column = 1, path = '') => ({
  ok: false,
  problems: [{ file, line, column, path, message }],
})

describe('loadPolicy', () => {
  it('reads the policy and the list files beside it', async () => {
    const path = await files({ 'policy.yaml': LISTED, 'payees.txt': 'a # first\r\n\nb#c\n# d\n' })
    const result = await loadPolicy(path)
    const keys = result.ok ? [...(result.policy.lists.get('payees')?.keys ?? [])] : []
    expect(keys).toEqual(['a', 'b#c'])
  })

  it('names what is missing or cannot be read', async () => {
    const missing = await files({})
    expect(await loadPolicy(missing)).toEqual(problem('policy.yaml', 'no such file'))
    const binary = await files({ 'policy.yaml': Buffer.from([0xff, 0xfe]) })
    expect(await loadPolicy(binary)).toEqual(problem('policy.yaml', 'not UTF-8'))
    const listMissing = await files({ 'policy.yaml': LISTED })
    expect(await loadPolicy(listMissing)).toEqual(
      problem(
        'policy.yaml',
        '`payees.txt` was not found beside the policy',
        2,
        39,
        'lists.payees.file',
      ),
    )
    const listBinary = await files({ 'policy.yaml': LISTED, 'payees.txt': Buffer.from([0xff]) })
    expect(await loadPolicy(listBinary)).toEqual(problem('payees.txt', 'not UTF-8'))
  })

  // User `nobody` replaced a policy of mode 0666: a RAW request was approved six seconds later, and `check` said ok.
  it.each([
    ['policy.yaml', 0o666],
    ['policy.yaml', 0o664],
    ['payees.txt', 0o666],
    ['.', 0o777],
  ])('refuses %s of mode %o, unless the policy is only looked at', async (name, mode) => {
    const path = await files({ 'policy.yaml': LISTED, 'payees.txt': 'a\n' })
    await chmod(join(dirname(path), name), mode)
    expect(await loadPolicy(path)).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringContaining('can be written by other users') }],
    })
    expect(await loadPolicy(path, { decides: false })).toMatchObject({ ok: true })
  })

  it('takes files in a directory with the sticky bit', async () => {
    const path = await files({ 'policy.yaml': LISTED, 'payees.txt': 'a\n' })
    await chmod(dirname(path), 0o1777)
    expect(await loadPolicy(path)).toMatchObject({ ok: true })
  })

  it('refuses a directory and a file beyond any policy', async () => {
    const path = await files({})
    await mkdir(path)
    expect(await loadPolicy(path)).toEqual(
      problem('policy.yaml', expect.stringMatching(/^not readable \(EISDIR\)$/)),
    )
    const huge = await files({ 'policy.yaml': '' })
    await truncate(huge, 64 * 1024 * 1024 + 1)
    expect(await loadPolicy(huge)).toEqual(problem('policy.yaml', 'larger than 64 MiB'))
  })
})
