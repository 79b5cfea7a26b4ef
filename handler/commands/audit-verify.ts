/** `audit verify`: reads the whole chain and says what is not as it was written. */
import { UsageError } from '../../common/errors.ts'
import { EXIT } from '../../common/exit-codes.ts'
import type { Reporter } from '../../common/reporter.ts'
import { generationPublicKeys } from '../decisions/audit/generation-keys.ts'
import { markPath } from '../decisions/sqlite/mark.ts'
import { verifyStore } from '../decisions/audit/verify.ts'
import type { VerifyReport } from '../decisions/audit/verify.ts'
import type { CommandIo } from './command-io.ts'
import { openForReading } from './open-store.ts'
import { storePathsOf } from './options.ts'
import type { StoreFlags } from './options.ts'
import { readInput } from './read-input.ts'

export interface VerifyCommandOptions extends StoreFlags {
  readonly keys?: string
  readonly checkpoint?: readonly string[]
  /** False with `--no-mark`. */
  readonly mark: boolean
}

/** Exit code 0 when everything holds, 10 when something does not. */
export async function verifyChain(
  options: VerifyCommandOptions,
  io: CommandIo,
  reporter: Reporter,
): Promise<number> {
  const { storePath, keysDir } = storePathsOf(options, io, reporter)
  const db = openForReading(storePath)
  const showProgress = io.stderr.isTTY === true
  try {
    const keys = await generationPublicKeys(options.keys ?? keysDir)
    const checkpoints = await Promise.all(
      (options.checkpoint ?? []).map((file) => readCheckpoints(file, io)),
    )
    const report = verifyStore(db, {
      markPath: options.mark ? markPath(storePath) : undefined,
      publicKeyOf: (generation) => keys.get(generation),
      checkpoints: checkpoints.flat(),
      onProgress: (done, total) => {
        if (showProgress) reporter.progress(`${done} of ${total} records`)
      },
    })
    const lines = reportLines(report, storePath)
    reporter.result({ facts: { store: storePath, ...report }, lines })
    return report.ok ? EXIT.done : EXIT.damaged
  } finally {
    db.close()
  }
}

/** Every checkpoint in a file: one compact JWS per line, or log lines with one inside. */
async function readCheckpoints(file: string, io: CommandIo): Promise<readonly string[]> {
  const found = (await readInput(file, io)).match(/[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}/g)
  if (found === null) throw new UsageError(`\`${file}\` holds no checkpoint`)
  return found
}

function reportLines(report: VerifyReport, storePath: string): string[] {
  const {
    records,
    storeId = 'unknown',
    head,
    checkpoints,
    signedUpTo,
    problems,
    problemCount,
  } = report
  const lines = problems.map(({ seq, message }) =>
    seq === undefined ? `problem: ${message}` : `problem: record ${seq}: ${message}`,
  )
  if (problemCount > problems.length) lines.push(`and ${problemCount - problems.length} more`)
  const unsigned = records - signedUpTo
  return [
    ...lines,
    `store ${storeId}, ${records} records, head ${head}`,
    `read from ${storePath}`,
    `${checkpoints} checkpoints hold, the newest signs up to record ${signedUpTo}; ${unsigned} records after it`,
    report.ok
      ? 'the audit chain is intact'
      : `the audit chain is damaged: ${problemCount} problems`,
  ]
}
