import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runEmulator } from '../../emulator/command.ts'
import { FORGERIES } from '../../emulator/forgeries.ts'
import { CALM } from '../../emulator/knobs.ts'
import { SAMPLES } from '../../emulator/samples.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/emulator.md'), 'utf8')

describe('docs/emulator.md', () => {
  it.each([...Object.keys(CALM), ...FORGERIES, ...SAMPLES])('names %s', (name) => {
    expect(text).toContain(`\`${name}\``)
  })

  it('names every option of the command, and no other', async () => {
    const out: string[] = []
    const io = { write: (chunk: string) => out.push(chunk) }
    await runEmulator(['--help'], {
      env: {},
      stdout: io,
      stderr: io,
      ending: new AbortController().signal,
    })
    const options = new Set(out.join('').match(/--[a-z-]+/g))
    for (const always of ['--help', '--version']) options.delete(always)
    const documented = new Set(text.match(/(?<=\| `)--[a-z-]+/g))
    expect(documented).toEqual(options)
  })
})
