/** `audit accept-store`: the operator takes a store that is behind its mark as it is, and the chain says so. */
import { existsSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import type { Reporter } from '../../common/reporter.ts'
import { markPath } from '../decisions/sqlite/mark.ts'
import { openStore } from '../decisions/sqlite/open.ts'
import type { CommandIo } from './command-io.ts'
import { assertAccess } from './open-store.ts'
import { actOf, storePathsOf } from './options.ts'
import type { StoreFlags } from './options.ts'

export interface AcceptOptions extends StoreFlags {
  readonly yes?: true
  readonly by?: string
}

/** Exit code 0 when the store is accepted or needs no acceptance, 2 without `--yes`. */
export async function acceptStore(
  options: AcceptOptions,
  io: CommandIo,
  reporter: Reporter,
): Promise<void> {
  const { storePath: path } = storePathsOf(options, io, reporter)
  // A store that is lost but for its mark can be accepted, too: as a new one.
  if (existsSync(path) || !existsSync(markPath(path))) assertAccess(path, 'write')
  const nowMs = io.clock.now().getTime()
  const store = await openStore(path, nowMs, { noteRecovery: false })
  try {
    const { behind, records, storeId } = store.opening
    if (behind === undefined) {
      const text = `nothing to accept: the store ${storeId} is not behind its mark`
      reporter.result({ facts: { storeId, records, accepted: false }, lines: [text] })
      return
    }
    if (options.yes !== true) {
      throw new UsageError(`the store is not accepted: ${behind}`, {
        hint: 'decisions that it lacks may be decided again: repeat with `--yes` if no newer store exists',
      })
    }
    await store.accept(actOf(options).by, behind, nowMs)
    const text = `accepted the store ${storeId} with ${records} records although ${behind}`
    reporter.result({ facts: { storeId, records, accepted: true }, lines: [text] })
  } finally {
    store.close()
  }
}
