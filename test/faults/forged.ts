/** A store that its writer forged while the handler was stopped: `audit verify` finds it, or says that nothing proves it. */
import { createHash } from 'node:crypto'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inTransaction, openSqlite } from '../../common/sqlite.ts'
import type { Database } from '../../common/sqlite.ts'
import { POLICY } from '../../emulator/demo/requests.ts'
import { ask, createClient, newAsk, tokenOf } from './client.ts'
import type { Ask } from './client.ts'
import { verifyRecords } from './records.ts'
import { createHome, startHandler } from './rig.ts'
import type { Home } from './rig.ts'
import type { Context } from './scenario.ts'

/** Two transfers of 0.25 a day. */
const LIMITED = POLICY.replace(
  'default:',
  'limits: { day: { window: 24h, amount: "0.5" } }\ndefault:',
).replace(
  'then: APPROVE\n  - id: large',
  'then: APPROVE\n    require: { limits: day }\n  - id: large',
)

const TWO_DAYS = 172_800_000

interface Forgery {
  readonly what: string
  /** Without a key: SQL on the closed store, or a chain written anew with valid hashes and a mark that fits. */
  readonly forge: readonly string[] | ((rows: readonly Row[], context: Context) => readonly Row[])
  /** `consistent`: not to be proved from the files, and the verdict says so. */
  readonly verdict: 'damaged' | 'consistent'
}

interface Row {
  readonly body: string
  readonly token: string | null
}

const FORGERIES: readonly Forgery[] = [
  { what: 'the totals are deleted', forge: ['DELETE FROM limit_totals'], verdict: 'damaged' },
  {
    what: 'the charges are moved out of their window',
    forge: [
      `UPDATE limit_charges SET time = time - ${TWO_DAYS}`,
      `UPDATE limit_totals SET until_ms = until_ms - ${TWO_DAYS}`,
    ],
    verdict: 'damaged',
  },
  {
    what: 'a trigger deletes the totals later',
    forge: ['CREATE TRIGGER x AFTER INSERT ON chain BEGIN DELETE FROM limit_totals; END'],
    verdict: 'damaged',
  },
  {
    what: 'an approval is appended, its evidence is nonsense',
    forge: (rows) => [...rows, approval(rows, 'nonsense')],
    verdict: 'damaged',
  },
  {
    what: 'an approval is appended, its evidence is a request of another key',
    forge: (rows, { world }) => [
      ...rows,
      approval(rows, tokenOf(world.foreign.privateKey, { requestId: 'forged', txId: 'forged' })),
    ],
    verdict: 'damaged',
  },
  {
    what: 'a refusal becomes an approval, in front of the checkpoints',
    forge: (rows) => rows.map(approved),
    verdict: 'damaged',
  },
  {
    what: 'a refusal becomes an approval, the checkpoints are removed',
    forge: (rows) => rows.filter(({ body }) => kindOf(body) !== 'checkpoint').map(approved),
    verdict: 'consistent',
  },
  {
    what: 'the last records are cut off, and the checkpoint with them',
    forge: (rows) => rows.slice(0, 3),
    verdict: 'consistent',
  },
]

export async function forgedStores(context: Context): Promise<void> {
  const { report, world } = context
  const home = await createHome(world, 'forged', { policy: LIMITED })
  const kept = await live(context, home)
  const honest = await verifyRecords(home, '--checkpoint', kept)
  report.must(honest.exitCode === 0, 'a store that was stopped in order is intact', honest)
  const backup = join(home.dir, 'backup')
  await cp(home.stateDir, backup, { recursive: true })
  for (const { what, forge, verdict } of FORGERIES) {
    await rm(home.stateDir, { recursive: true })
    await cp(backup, home.stateDir, { recursive: true })
    if (typeof forge === 'function') await rewrite(home, (rows) => forge(rows, context))
    else withStore(home, (db) => forge.forEach((sql) => db.exec(sql)))
    const found = await verifyRecords(home)
    report.count('stores forged')
    report.must(
      found.verdict === verdict && found.exitCode === { damaged: 10, consistent: 11 }[verdict],
      'a forged store is never called intact',
      { what, expected: verdict, found },
    )
    const elsewhere = await verifyRecords(home, '--checkpoint', kept)
    report.must(elsewhere.exitCode === 10, 'a checkpoint kept elsewhere finds each forgery', {
      what,
      elsewhere,
    })
    report.say(`${what}: ${verdict}`)
  }
}

/** Two approvals, and one that the limit refuses; returns a copy of the log, with the checkpoint that the stop made. */
async function live({ report, world }: Context, home: Home): Promise<string> {
  const handler = await startHandler(home)
  const client = createClient(home)
  for (const action of ['APPROVE', 'APPROVE', 'REJECT']) {
    const one: Ask = newAsk(world.cosigner.privateKey, 'APPROVE')
    const verdict = await ask(client, one, handler)
    report.must(verdict?.action === action, 'all is well before a forgery', { action, verdict })
  }
  client.close()
  await handler.stop()
  const log = join(home.dir, 'kept.log')
  await writeFile(log, handler.lines.join('\n'))
  return log
}

function withStore<T>({ stateDir }: Home, work: (db: Database) => T): T {
  const db = openSqlite(join(stateDir, 'decisions.db'))
  db.exec('PRAGMA foreign_keys = OFF')
  try {
    return inTransaction(db, 'IMMEDIATE', () => work(db))
  } finally {
    db.close()
  }
}

/** Writes the chain anew, tables adapted, by the formulas of docs/audit.md. */
async function rewrite(home: Home, change: (rows: readonly Row[]) => readonly Row[]) {
  const head = withStore(home, (db) => {
    const rows = db.prepare<[], Row>('SELECT body, token FROM chain ORDER BY seq').all()
    const put = db.prepare<[number, number | null, string, string | null, string, string]>(
      'INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?)',
    )
    db.exec('DELETE FROM chain')
    let [seq, prev] = [0, '0'.repeat(64)]
    for (const { body, token } of change(rows)) {
      seq += 1
      const hash = sha256(`countersign-record-1\n${seq}\n${prev}\n${body}`)
      put.run(seq, fingerprintOf(body), body, token, prev, hash)
      prev = hash
    }
    return { seq, hash: prev }
  })
  const mark = join(home.stateDir, 'decisions.db.mark')
  const [word = '', version = '', storeId = ''] = (await readFile(mark, 'utf8')).split(' ')
  const line = [word, version, storeId, String(head.seq).padStart(16, '0'), head.hash]
  await writeFile(mark, `${line.join(' ')}\n`)
}

function approval(rows: readonly Row[], token: string): Row {
  const first = rows.find(({ body }) => kindOf(body) === 'decision')
  const content: Record<string, unknown> = JSON.parse(first?.body ?? '{}')
  const { time } = JSON.parse(rows.at(-1)?.body ?? '{}') as { time?: string }
  const ids = { requestId: 'forged', owner: 'forged', tokenSha256: sha256(token), time }
  delete content['charged']
  delete content['variant']
  return { body: JSON.stringify({ ...content, ...ids }), token }
}

function approved(row: Row): Row {
  return { ...row, body: row.body.replace('"action":"REJECT"', '"action":"APPROVE"') }
}

function kindOf(body: string): string {
  const { kind }: { kind: string } = JSON.parse(body)
  return kind
}

function fingerprintOf(body: string): number | null {
  const { kind, endpoint, requestId, signerId }: Record<string, string> = JSON.parse(body)
  if (kind !== 'decision') return null
  return Number.parseInt(sha256(JSON.stringify([endpoint, requestId, signerId])).slice(0, 12), 16)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
