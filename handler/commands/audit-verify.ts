/** `audit verify`: reads the whole chain and says what is not as it was written. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../../common/errors.ts'
import { openReadOnly } from '../decisions/database.ts'
import { generationPublicKeys } from '../decisions/generation-keys.ts'
import { markPath } from '../decisions/mark.ts'
import { verifyStore } from '../decisions/verify.ts'
import type { VerifyReport } from '../decisions/verify.ts'
import { AuditUsageError, databaseOf, stateDirOf } from './audit-place.ts'
import type { StorePlace } from './audit-place.ts'
import type { CommandIo } from './command-io.ts'

export interface VerifyCommandOptions extends StorePlace {
  readonly keys?: string
  readonly checkpoint?: readonly string[]
  /** False with `--no-mark`. */
  readonly mark: boolean
  readonly json?: true
}

/** Exit code 0 when everything holds, 10 when something does not. */
export async function verifyChain(options: VerifyCommandOptions, io: CommandIo): Promise<void> {
  const path = databaseOf(options, io)
  const keys = await generationPublicKeys(options.keys ?? join(stateDirOf(options, io), 'keys'))
  const checkpoints = await Promise.all((options.checkpoint ?? []).map(readCheckpoints))
  const db = openReadOnly(path)
  const showProgress = io.stderr.isTTY === true
  try {
    const report = verifyStore(db, {
      markPath: options.mark ? markPath(path) : undefined,
      publicKeyOf: (generation) => keys.get(generation),
      checkpoints: checkpoints.flat(),
      onProgress: (done, total) => {
        if (showProgress) io.stderr.write(`\r${done} of ${total} records`)
      },
    })
    if (showProgress) io.stderr.write('\n')
    io.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report))
    io.exitCode = report.ok ? 0 : 10
  } finally {
    db.close()
  }
}

/** Every checkpoint in a file: one compact JWS per line, or log lines with one inside. */
async function readCheckpoints(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AuditUsageError(`\`${path}\` cannot be read: ${errnoOf(cause) ?? 'unknown'}`, {
      cause,
    })
  })
  const found = text.match(/[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}/g)
  if (found === null) throw new AuditUsageError(`\`${path}\` holds no checkpoint`)
  return found
}

function reportText(report: VerifyReport): string {
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
    `${checkpoints} checkpoints hold, the newest signs up to record ${signedUpTo}; ${unsigned} records after it`,
    report.ok
      ? 'the audit chain is intact'
      : `the audit chain is damaged: ${problemCount} problems`,
    '',
  ].join('\n')
}
