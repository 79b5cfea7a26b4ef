/** Log output: every line in order, on a file, a slow pipe and a pipe that nobody reads any more. */
import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { bufferedOutput } from '../../../handler/telemetry/buffered-output.ts'
import { until } from '../../fixtures/until.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

const LINES = Array.from({ length: 2_000 }, (_, n) => `line ${n}\n`)

async function outputFile() {
  const path = join(await temporaryDirectory(), 'log')
  const file = await open(path, 'w')
  return { file, read: () => readFile(path, 'utf8') }
}

describe('output', () => {
  it('comes in order and whole, whether flushed or not', async () => {
    const { file, read } = await outputFile()
    const output = bufferedOutput(file.fd)
    for (const line of LINES.slice(0, 1_000)) output.write(line)
    expect(await read()).toBe('')
    const half = LINES.slice(0, 1_000).join('')
    await until(async () => (await read()) === half)
    for (const line of LINES.slice(1_000)) output.write(line)
    const flushed = output.flush()
    output.write('last\n')
    await flushed
    await output.flush()
    expect(await read()).toBe(`${LINES.join('')}last\n`)
    await file.close()
  })

  it('waits for a reader that is slow', async () => {
    const script = `
      import { bufferedOutput } from ${JSON.stringify(join(import.meta.dirname, '../../../dist/handler/telemetry/buffered-output.js'))}
      const output = bufferedOutput(1)
      for (let n = 0; n < 40000; n += 1) output.write('line ' + n + '\\n')
      await output.flush()
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let seen = ''
    for await (const chunk of child.stdout.setEncoding('latin1')) {
      seen += String(chunk)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(seen.split('\n').slice(-2)).toEqual(['line 39999', ''])
    expect(seen.split('\n')).toHaveLength(40_001)
  })

  it('is given up when nobody can read it any more', async () => {
    const { file, read } = await outputFile()
    const output = bufferedOutput(file.fd)
    await file.close()
    output.write('lost\n')
    await output.flush()
    output.write('lost, too\n')
    await output.flush()
    expect(await read()).toBe('')
  })
})
