/** `audit accept-store`: the operator takes a store that is behind its mark as it is, and the chain says so. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { markPath } from '../decisions/mark.ts'
import { openStore } from '../decisions/open.ts'
import { AuditUsageError, databaseOf } from './audit-place.ts'
import type { StorePlace } from './audit-place.ts'
import type { CommandIo } from './command-io.ts'

export interface AcceptOptions extends StorePlace {
  readonly yes?: true
  readonly by?: string
}

/** Exit code 0 when the store is accepted or needs no acceptance, 2 without `--yes`. */
export async function acceptStore(options: AcceptOptions, io: CommandIo): Promise<void> {
  const path = databaseOf(options, io)
  if (!existsSync(path) && !existsSync(markPath(path))) {
    throw new AuditUsageError(`there is no decision store at \`${path}\``)
  }
  const nowMs = io.clock.now().getTime()
  const store = await openStore(path, nowMs, { noteRecovery: false })
  try {
    const { behind, records, storeId } = store.opening
    if (behind === undefined) {
      io.stdout.write(`nothing to accept: the store ${storeId} is not behind its mark\n`)
      return
    }
    if (options.yes !== true) {
      throw new AuditUsageError(`the store is not accepted: ${behind}`, {
        hint: 'decisions that it lacks may be decided again: repeat with `--yes` if no newer store exists',
      })
    }
    await store.accept(options.by ?? userInfo().username, behind, nowMs)
    io.stdout.write(`accepted the store ${storeId} with ${records} records although ${behind}\n`)
  } finally {
    store.close()
  }
}
