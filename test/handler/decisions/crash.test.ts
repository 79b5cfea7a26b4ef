import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { openReadOnly } from '../../../handler/decisions/sqlite/database.ts'
import { markPath } from '../../../handler/decisions/sqlite/mark.ts'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import { verifyStore } from '../../../handler/decisions/audit/verify.ts'
import type { VerifyReport } from '../../../handler/decisions/audit/verify.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { requestKey, START } from './entries.ts'

const WRITER = join(import.meta.dirname, 'writer.mjs')

interface Output {
  readonly text: () => string
  readonly receipts: () => readonly { number: number; seq: number; action: string }[]
}

function output(child: ChildProcess): Output {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const receipts = () =>
    Array.from(text.matchAll(/^receipt (\d+) (\d+) (\w+)\n/gm), ([, number, seq, action = '']) => ({
      number: Number(number),
      seq: Number(seq),
      action,
    }))
  return { text: () => text, receipts }
}

function verify(path: string): VerifyReport {
  const db = openReadOnly(path)
  const options = { markPath: markPath(path), publicKeyOf: () => undefined, checkpoints: [] }
  const report = verifyStore(db, options)
  db.close()
  return report
}

describe('a handler that is killed under load', () => {
  it('has every decision that it had told, and a whole chain, five times in a row', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    let first = 1
    let told = 0
    for (let round = 0; round < 5; round += 1) {
      const child = spawn(process.execPath, [WRITER, path, String(first)])
      const { receipts } = output(child)
      while (receipts().length < 50) await sleep(5)
      await sleep(round * 23)
      child.kill('SIGKILL')
      await once(child, 'close')

      const store = await openStore(path, START)
      expect(store.opening.behind).toBeUndefined()
      expect(store.opening.log).not.toBe('clean')
      for (const { number, seq, action } of receipts()) {
        const recalled = store.core.calls.recall(
          requestKey({
            requestId: `request-${number}`,
            signerId: 'signer',
            digest: String(number).padStart(64, '0'),
          }),
          '',
        )
        const decided = { kind: 'decided', seq, decision: { action } }
        expect(recalled).toMatchObject(action === 'RETRY' ? { kind: 'new' } : decided)
        first = Math.max(first, number + 100)
        told += 1
      }
      store.close()
      expect(verify(path)).toMatchObject({ ok: true, problems: [] })
    }
    expect(told).toBeGreaterThan(250)
  })
})

describe('a disk that fails a write', () => {
  it('ends the process, and what was told before is there', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    // The kernel refuses to let any file grow beyond 1 MiB: not "no space", an error of the write.
    const command = `ulimit -f 1024; exec "$0" "$@"`
    const child = spawn('bash', ['-c', command, process.execPath, WRITER, path, '1'])
    const { receipts, text } = output(child)
    const [code] = await once(child, 'close')
    expect(text()).toContain('fatal ERR_STORE_FAILED')
    expect(code).toBe(3)
    const last = Math.max(...receipts().map(({ seq }) => seq))
    expect(last).toBeGreaterThan(10)
    const store = await openStore(path, START)
    expect(store.opening.behind).toBeUndefined()
    expect(store.core.head().seq).toBeGreaterThanOrEqual(last)
    store.close()
    expect(verify(path).ok).toBe(true)
  })
})
