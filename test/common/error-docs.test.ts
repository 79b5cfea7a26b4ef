import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { renderErrorDocs } from '../../common/error-docs.ts'

const root = join(import.meta.dirname, '../..')

/** Codes of Node.js itself that are looked for, and no error of ours. */
const FOREIGN = new Set([
  'ERR_ENCODING_INVALID_ENCODED_DATA',
  'ERR_MODULE_NOT_FOUND',
  'ERR_OUT_OF_RANGE',
  'ERR_SQLITE_ERROR',
])

describe('docs/errors.md', () => {
  it('is what the tables print', async () => {
    expect(await readFile(join(root, 'docs/errors.md'), 'utf8')).toBe(renderErrorDocs())
  })

  it('has every code that the sources name', async () => {
    const page = renderErrorDocs()
    const missing = new Set<string>()
    for (const folder of ['common', 'certs', 'handler', 'bootstrap']) {
      const names = await readdir(join(root, folder), { recursive: true })
      for (const name of names.filter((each) => each.endsWith('.ts'))) {
        const text = await readFile(join(root, folder, name), 'utf8')
        for (const [, code = ''] of text.matchAll(/'(ERR_[A-Z_]+)'/g)) {
          if (!page.includes(`\`${code}\``) && !FOREIGN.has(code)) missing.add(code)
        }
      }
    }
    expect([...missing]).toEqual([])
  })
})
