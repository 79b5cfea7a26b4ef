import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parsePolicy } from '../../../handler/policy/parse.ts'
import { renderAbsence, renderMembers } from '../../../handler/policy/readings-docs.ts'
import { whenSchema } from '../../../handler/policy/file/schema.ts'

const text = readFileSync(join(import.meta.dirname, '../../../docs/policy.md'), 'utf8')

describe('docs/policy.md', () => {
  it('shows policies that are valid and pass their own tests', () => {
    const blocks = Array.from(text.matchAll(/```yaml\n([^]*?)```/g), ([, yaml = '']) => yaml)
    expect(blocks.length).toBeGreaterThanOrEqual(3)
    for (const yaml of blocks) expect(parsePolicy(yaml, 'docs')).toMatchObject({ ok: true })
  })

  it.each([
    ['readings', renderAbsence],
    ['members', renderMembers],
  ])(
    'has the table of %s that the code goes by: print it with `policy readings`',
    (name, render) => {
      const [, table = ''] =
        new RegExp(`<!-- ${name} -->\n([^]*?)<!-- end of ${name} -->`).exec(text) ?? []
      expect(cells(table)).toEqual(cells(render()))
    },
  )

  it('explains every condition', () => {
    const unexplained = Object.keys(whenSchema.shape).filter(
      (name) => !text.includes(`\`${name}\``),
    )
    expect(unexplained).toEqual([])
  })
})

/** Rows and cells without the padding that the formatter gives them. */
function cells(table: string): readonly string[][] {
  return table
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('| -'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
}
