/** `audit verify`: reads the whole chain and says what is not as it was written. */
import { UsageError } from '../../common/errors.ts'
import { EXIT } from '../../common/exit-codes.ts'
import type { Reporter } from '../../common/reporter.ts'
import { generationPublicKeys } from '../decisions/audit/generation-keys.ts'
import { markPath } from '../decisions/sqlite/mark.ts'
import type { Verdict } from '../decisions/audit/verdict.ts'
import { verifyStore } from '../decisions/audit/verify.ts'
import type { VerifyReport } from '../decisions/audit/verify.ts'
import type { CosignerKey } from '../protocol/token.ts'
import { loadCosignerKeys } from '../service/cosigner-keys.ts'
import type { CommandIo } from './command-io.ts'
import { openForReading } from './open-store.ts'
import { storePathsOf } from './options.ts'
import type { StoreFlags } from './options.ts'
import { readInput } from './read-input.ts'

export interface VerifyCommandOptions extends StoreFlags {
  readonly keys?: string
  readonly cosignerKeys?: string
  readonly checkpoint?: readonly string[]
  /** False with `--no-mark`. */
  readonly mark: boolean
}

/** Exit code 0 when everything holds and is signed, 10 when something does not hold, 11 when nothing proves it. */
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
      cosigners: await readCosignerKeys(options.cosignerKeys),
      onProgress: (done, total) => {
        if (showProgress) reporter.progress(`${done} of ${total} records`)
      },
    })
    const lines = reportLines(report, storePath)
    reporter.result({ facts: { store: storePath, ...report }, lines })
    return EXIT_OF[report.verdict]
  } finally {
    db.close()
  }
}

const EXIT_OF = {
  intact: EXIT.done,
  consistent: EXIT.unproved,
  damaged: EXIT.damaged,
} as const satisfies Record<Verdict, number>

async function readCosignerKeys(
  path: string | undefined,
): Promise<readonly CosignerKey[] | undefined> {
  if (path === undefined) return undefined
  const { keys, problems } = await loadCosignerKeys(path)
  if (problems.length === 0) return keys
  throw new UsageError('the co-signer keys cannot be used', { details: problems })
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
    requests,
    problems,
    problemCount,
    unproved,
    unchecked,
  } = report
  const lines = problems.map(({ seq, message }) =>
    seq === undefined ? `problem: ${message}` : `problem: record ${seq}: ${message}`,
  )
  if (problemCount > problems.length) lines.push(`and ${problemCount - problems.length} more`)
  return [
    ...lines,
    `store ${storeId}, ${records} records, head ${head}`,
    `read from ${storePath}`,
    `${checkpoints} checkpoints hold, the newest signs up to record ${signedUpTo}; ${records - signedUpTo} records after it`,
    ...(requests === undefined ? [] : [`${requests} requests are signed by their co-signers`]),
    ...unproved.map((what) => `not proved: ${what}`),
    ...unchecked.map((what) => `not checked: ${what}`),
    verdictLine(report),
  ]
}

function verdictLine({ verdict, problemCount }: VerifyReport): string {
  if (verdict === 'damaged') return `the audit chain is damaged: ${problemCount} problems`
  return verdict === 'intact'
    ? 'the audit chain is intact'
    : 'the audit chain is consistent, not proved'
}
