/** Tables of the store in SQLite: loads what a batch must see, and writes what the rules made of it. */
import type { RequestKey } from '../../protocol/digest.ts'
import type { ChainRow } from '../record.ts'
import { tokensNeeded } from '../requests.ts'
import { chargeName, limitName } from '../snapshot.ts'
import type { Changes, ChargePlace, Needs, Snapshot } from '../snapshot.ts'
import { createChainTable } from './chain-table.ts'
import type { ChainTable } from './chain-table.ts'
import type { Database } from './database.ts'
import { createHoldTables } from './hold-tables.ts'
import type { HoldTables } from './hold-tables.ts'
import { createLimitTables } from './limit-tables.ts'
import type { LimitTables } from './limit-tables.ts'

export interface Tables {
  readonly chain: ChainTable
  readonly limits: LimitTables
  readonly holds: HoldTables
  /** The records with a fingerprint, and the tokens that these requests need of them. */
  rowsOf(requests: readonly RequestKey[], fingerprint: number): readonly ChainRow[]
  /** `nowMs` is the chain's time. */
  load(needs: Needs, nowMs: number): Snapshot
  /** Must run inside a transaction. */
  write(changes: Changes): void
  /** Reads again what is kept in memory: after a rollback, or when another process has written. */
  readonly reload: () => void
}

/** The tables of an open database. */
export function createTables(db: Database): Tables {
  const chain = createChainTable(db)
  const limits = createLimitTables(db)
  const holds = createHoldTables(db)
  const rowsOf: Tables['rowsOf'] = (requests, fingerprint) => {
    const rows = chain.withFingerprint(fingerprint)
    const needed = requests.flatMap((key) =>
      key.fingerprint === fingerprint ? tokensNeeded(rows, key) : [],
    )
    return needed.length === 0
      ? rows
      : rows.map((row) => (needed.includes(row.seq) ? chain.withToken(row) : row))
  }
  return {
    rowsOf,
    chain,
    limits,
    holds,
    load: (needs, nowMs) => ({
      head: chain.head(),
      freeze: holds.freeze(),
      records: rowsBy(fingerprintsOf(needs), (one) => rowsOf(needs.requests, one)),
      uses: rowsBy(needs.uses, (name) => holds.use(name)),
      holds: rowsBy(needs.holds, (id) => holds.hold(id)),
      limits: rowsAt(needs.charges, limitName, (place) => limits.limit(place, nowMs)),
      charges: rowsAt(needs.charges, chargeName, (place) => limits.charge(place)),
      owned: [...needs.owners].flatMap((owner) => limits.owned(owner)),
    }),
    write: (changes) => {
      chain.append(changes.records, changes.head)
      limits.write(changes)
      holds.write(changes)
    },
    reload: () => {
      chain.reload()
      holds.reload()
    },
  }
}

function fingerprintsOf({ requests }: Needs): ReadonlySet<number> {
  return new Set(requests.map(({ fingerprint }) => fingerprint))
}

/** The rows of these names; what is not there is left out. */
function rowsBy<K, V>(names: ReadonlySet<K>, find: (name: K) => V | undefined): Map<K, V> {
  const rows = new Map<K, V>()
  for (const name of names) {
    const row = find(name)
    if (row !== undefined) rows.set(name, row)
  }
  return rows
}

/** The rows of these places by name, each looked up once. */
function rowsAt<V>(
  places: readonly ChargePlace[],
  nameOf: (place: ChargePlace) => string,
  find: (place: ChargePlace) => V | undefined,
): Map<string, V> {
  const rows = new Map<string, V>()
  for (const place of places) {
    const name = nameOf(place)
    const row = rows.has(name) ? undefined : find(place)
    if (row !== undefined) rows.set(name, row)
  }
  return rows
}
