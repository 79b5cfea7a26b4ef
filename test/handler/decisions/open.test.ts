import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { openSqlite } from '../../../common/sqlite.ts'
import { runBatch } from '../../../handler/decisions/sqlite/batch.ts'
import { openDatabase, openReadOnly } from '../../../handler/decisions/sqlite/database.ts'
import { markPath } from '../../../handler/decisions/sqlite/mark.ts'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import type { OpenStore } from '../../../handler/decisions/sqlite/open.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { nth, START } from './entries.ts'

async function newPath(): Promise<string> {
  return join(await temporaryDirectory(), 'decisions.db')
}

function record(store: OpenStore, n: number) {
  return runBatch(store, START, [{ name: 'record', args: [nth(n)] }])[0]
}

/** A closed store with `count` decisions. */
async function filled(path: string, count: number): Promise<void> {
  const store = await openStore(path, START)
  for (let n = 1; n <= count; n += 1) record(store, n)
  store.close()
}

function copyStore(from: string, to: string): void {
  for (const end of ['', '-wal']) {
    if (statSync(from + end, { throwIfNoEntry: false })) copyFileSync(from + end, to + end)
  }
}

function removeStore(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
}

describe('openStore', () => {
  it('makes a store with its id in the first record and a mark beside it, private to its owner', async () => {
    const path = await newPath()
    const store = await openStore(path, START)
    expect(store.opening).toMatchObject({ records: 1, log: 'clean', behind: undefined })
    const mark = readFileSync(markPath(path), 'utf8')
    expect(mark).toContain(`${store.opening.storeId} 0000000000000001 ${store.core.head().hash}`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(markPath(path)).mode & 0o777).toBe(0o600)
    store.close()
  })

  // Another user could exchange database and mark there; the state directory and that of the socket were refused.
  it.each([0o777, 0o770, 0o1777])('refuses a directory of mode %o', async (mode) => {
    const path = await newPath()
    chmodSync(dirname(path), mode)
    await expect(openStore(path, START)).rejects.toThrow(/can be written by other users/)
    expect(existsSync(path)).toBe(false)
  })

  it('sets the mode of its own file back', async () => {
    const path = await newPath()
    ;(await openStore(path, START)).close()
    chmodSync(path, 0o660)
    ;(await openStore(path, START)).close()
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is durable at every commit', async () => {
    const path = await newPath()
    const db = openDatabase(path)
    const pragma = (name: string) => db.prepare(`PRAGMA ${name}`).pluck().get()
    expect(pragma('synchronous')).toBe(2)
    expect(pragma('journal_mode')).toBe('wal')
    expect(pragma('foreign_keys')).toBe(1)
    expect(pragma('cache_size')).toBe(-16_000)
    db.close()
  })

  it('follows no link to a store or a mark', async () => {
    const path = await newPath()
    await filled(path, 1)
    for (const file of [markPath(path), path]) {
      const elsewhere = `${file}.elsewhere`
      renameSync(file, elsewhere)
      symlinkSync(elsewhere, file)
      await expect(openStore(path, START)).rejects.toMatchObject({ code: 'ELOOP' })
      rmSync(file)
      renameSync(elsewhere, file)
    }
    ;(await openStore(path, START)).close()
  })

  it('takes no mark with something in front of it', async () => {
    const path = await newPath()
    await filled(path, 1)
    writeFileSync(markPath(path), `x${readFileSync(markPath(path), 'utf8')}`)
    const store = await openStore(path, START)
    expect(store.opening.behind).toBe('its high-water mark is damaged')
    store.close()
  })

  it('opens again where it was', async () => {
    const path = await newPath()
    await filled(path, 3)
    const store = await openStore(path, START)
    expect(store.opening).toMatchObject({ records: 4, log: 'clean', behind: undefined })
    expect(record(store, 4)).toMatchObject({ ok: true, value: { seq: 5 } })
    store.close()
  })

  it('starts over when the first start ended between mark and database', async () => {
    const path = await newPath()
    await filled(path, 0)
    const mark = readFileSync(markPath(path), 'utf8')
    removeStore(path)
    writeFileSync(
      markPath(path),
      mark.replace(/ \d{16} \w{64}/, ` ${'0'.repeat(16)} ${'0'.repeat(64)}`),
    )
    const store = await openStore(path, START)
    expect(store.opening).toMatchObject({ records: 1, behind: undefined })
    expect(mark).toContain(store.opening.storeId)
    store.close()
  })

  it('refuses a store of a newer program', async () => {
    const path = await newPath()
    await filled(path, 1)
    const db = openSqlite(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    await expect(openStore(path, START)).rejects.toMatchObject({ code: 'ERR_STORE_VERSION' })
    expect(() => openReadOnly(path)).toThrow(expect.objectContaining({ code: 'ERR_STORE_VERSION' }))
  })

  it('refuses a store whose first record names none', async () => {
    const path = await newPath()
    await filled(path, 1)
    const db = openSqlite(path)
    db.prepare(`UPDATE chain SET body = '{}' WHERE seq = 1`).run()
    db.close()
    await expect(openStore(path, START)).rejects.toMatchObject({ code: 'ERR_STORE_DAMAGED' })
  })
})

describe('a store that is behind its mark', () => {
  const spoil: readonly (readonly [string, string, (path: string) => Promise<void> | void])[] = [
    ['deleted', 'it is not the store that was used before', removeStore],
    [
      'restored from an older copy',
      'it lacks records up to 6',
      async (path) => {
        copyStore(path, `${path}.old`)
        const store = await openStore(path, START)
        record(store, 4)
        record(store, 5)
        store.close()
        removeStore(path)
        copyStore(`${path}.old`, path)
      },
    ],
    [
      'replaced by another',
      'it is not the store that was used before',
      async (path) => {
        const other = await newPath()
        await filled(other, 9)
        removeStore(path)
        copyStore(other, path)
      },
    ],
    [
      'restored and written on without the mark',
      'its record 4 is not the one that was written',
      (path) => {
        const db = openSqlite(path)
        db.prepare(`UPDATE chain SET hash = '0' WHERE seq = 4`).run()
        db.close()
      },
    ],
    ['without its mark', 'its high-water mark is missing', (path) => rmSync(markPath(path))],
    [
      'with a damaged mark',
      'its high-water mark is damaged',
      (path) => writeFileSync(markPath(path), 'x'),
    ],
  ]

  it.each(spoil)(
    '%s: neither recalls nor records nor passes the check',
    async (_, behind, damage) => {
      const path = await newPath()
      await filled(path, 3)
      await damage(path)
      const store = await openStore(path, START)
      expect(store.opening.behind).toBe(behind)
      const refused = { ok: false, error: { code: 'ERR_STORE_BEHIND', fatal: false } }
      expect(record(store, 7)).toMatchObject(refused)
      expect(runBatch(store, START, [{ name: 'probe', args: [] }])[0]).toMatchObject(refused)
      // A forged store could hold approvals: earlier decisions are not taken from it, either.
      const recall = { name: 'recall', args: [nth(1).key] } as const
      expect(runBatch(store, START, [recall])[0]).toMatchObject(refused)
      expect(runBatch(store, START, [{ name: 'frozen', args: [] }])[0]).toMatchObject({ ok: true })
      store.close()
    },
  )

  it.each(spoil)(
    '%s: works again once it is accepted, which the chain tells',
    async (_, behind, damage) => {
      const path = await newPath()
      await filled(path, 3)
      await damage(path)
      const running = await openStore(path, START)
      expect(running.behind()).toBe(behind)
      // The operator's command is another process on the same files.
      const command = await openStore(path, START, { noteRecovery: false })
      await command.accept('alice', behind, START)
      command.close()
      expect(running.behind()).toBeUndefined()
      expect(record(running, 7)).toMatchObject({ ok: true })
      const acts = running.core.calls
      expect(acts.recall(nth(7).key, '')).toMatchObject({ kind: 'decided' })
      running.close()
      const again = await openStore(path, START)
      expect(again.opening.behind).toBeUndefined()
      again.close()
    },
  )
})

/** Copies a store while it is open: what a crash leaves. */
async function crashed(change: (log: Buffer) => Buffer): Promise<string> {
  const path = await newPath()
  const store = await openStore(path, START)
  for (let n = 1; n <= 5; n += 1) record(store, n)
  const copy = await newPath()
  copyStore(path, copy)
  copyFileSync(markPath(path), markPath(copy))
  writeFileSync(`${copy}-wal`, change(readFileSync(`${copy}-wal`)))
  store.close()
  return copy
}

describe('after a process that ended without closing', () => {
  it('says so, with every commit in place', async () => {
    const path = await crashed((log) => log)
    const store = await openStore(path, START)
    expect(store.opening).toMatchObject({ log: 'unclean', records: 7, behind: undefined })
    store.close()
    const db = openReadOnly(path)
    const body = String(db.prepare('SELECT body FROM chain WHERE seq = 7').pluck().get())
    expect(JSON.parse(body)).toMatchObject({ kind: 'recovered', tornTail: false })
    db.close()
  })

  it('notices a transaction that was torn while it was written, and keeps all before it', async () => {
    // A frame of the present round that is no commit, as a crash in the middle of a write leaves it.
    const path = await crashed((log) => {
      const frame = Buffer.from(log.subarray(-4_120))
      frame.writeUInt32BE(0, 4)
      return Buffer.concat([log, frame])
    })
    const store = await openStore(path, START)
    expect(store.opening).toMatchObject({ log: 'torn', records: 7, behind: undefined })
    expect(store.core.calls.recall(nth(5).key, '')).toMatchObject({ kind: 'decided' })
    store.close()
  })

  it('notices a frame that was cut in the middle', async () => {
    const path = await crashed((log) => Buffer.concat([log, log.subarray(-4_120, -3_000)]))
    const store = await openStore(path, START)
    expect(store.opening).toMatchObject({ log: 'torn', records: 7 })
    store.close()
  })

  it('does not trust a store whose last commits are gone', async () => {
    const path = await crashed((log) => log.subarray(0, 32))
    const store = await openStore(path, START)
    expect(store.opening.behind).toBeDefined()
    store.close()
  })
})
