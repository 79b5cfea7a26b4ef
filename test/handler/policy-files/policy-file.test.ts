import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
