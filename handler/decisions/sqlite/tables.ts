/** Tables of the store in SQLite: loads what a batch must see, and writes what the rules made of it. */
import type { RequestKey } from '../../protocol/digest.ts'
import { releasesIn } from '../carried.ts'
import { carriedName } from '../hold-uses.ts'
import type { ChainRow } from '../record.ts'
import { tokensNeeded } from '../requests.ts'
import { chargeName, limitName } from '../snapshot.ts'
import type { Changes, ChargeRow, LimitRow, Needs, Snapshot, SpendPlace } from '../snapshot.ts'
import { possibleOwners, variantsName } from '../variants.ts'
import type { KnownVariants } from '../variants.ts'
import { createChainTable } from './chain-table.ts'
import type { ChainTable } from './chain-table.ts'
import type { Database } from './database.ts'
import { createHoldTables } from './hold-tables.ts'
import type { HoldTables } from './hold-tables.ts'
import { createLimitTables } from './limit-tables.ts'
import type { LimitTables } from './limit-tables.ts'
import { createVariantTable } from './variant-table.ts'

export interface Tables {
  readonly chain: ChainTable
  readonly limits: LimitTables
  readonly holds: HoldTables
  /** The records with a fingerprint, and the tokens of them that these requests need. */
  rowsOf(needs: Pick<Needs, 'requests' | 'carries'>, fingerprint: number): readonly ChainRow[]
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
  const variants = createVariantTable(db, chain)
  const rowsOf: Tables['rowsOf'] = ({ requests, carries }, fingerprint) => {
    const rows = chain.withFingerprint(fingerprint)
    const isThere = (key: RequestKey) => key.fingerprint === fingerprint
    const needed = [
      ...requests.filter(isThere).flatMap((key) => tokensNeeded(rows, key)),
      ...carries.filter(isThere).flatMap((key) => releasesIn(rows, key).map(({ seq }) => seq)),
    ]
    return needed.length === 0
      ? rows
      : rows.map((row) =>
          needed.includes(row.seq) ? { ...row, token: chain.tokenOf(row.seq) } : row,
        )
  }
  /** What decisions may spend: each limit, request and charge is looked up once. */
  const spendable = (spends: readonly SpendPlace[], nowMs: number) => {
    const known = new Map<string, KnownVariants>()
    const rows = new Map<string, LimitRow>()
    const charges = new Map<string, ChargeRow>()
    const bytes = new Map<string, SpendPlace['bytes'][]>()
    for (const place of spends) {
      const name = variantsName(place)
      bytes.set(name, [...(bytes.get(name) ?? []), place.bytes])
    }
    for (const place of spends) {
      const name = variantsName(place)
      const found = known.get(name) ?? variants.known(place, bytes.get(name) ?? [])
      known.set(name, found)
      for (const limit of place.limits) {
        if (!rows.has(limitName(limit))) rows.set(limitName(limit), limits.limit(limit, nowMs))
        for (const owner of possibleOwners(place.owner, found)) {
          const row = limits.charge({ ...limit, owner })
          if (row !== undefined) charges.set(chargeName(row), row)
        }
      }
    }
    return { variants: known, limits: rows, charges }
  }
  return {
    rowsOf,
    chain,
    limits,
    holds,
    load: (needs, nowMs) => {
      const records = rowsBy(fingerprintsOf(needs), (one) => rowsOf(needs, one))
      const released = needs.carries.flatMap((key) =>
        releasesIn(records.get(key.fingerprint) ?? [], key).map(({ hold }) => hold),
      )
      const uses = new Set([...needs.uses, ...released.map(carriedName)])
      return {
        head: chain.head(),
        freeze: holds.freeze(),
        records,
        uses: rowsBy(uses, (name) => holds.use(name)),
        holds: rowsBy(new Set([...needs.holds, ...released]), (id) => holds.hold(id)),
        ...spendable(needs.spends, nowMs),
        owned: [...needs.owners].flatMap((owner) => limits.owned(owner)),
      }
    },
    write: (changes) => {
      chain.append(changes.records, changes.head)
      limits.write(changes)
      variants.write(changes.variants)
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
