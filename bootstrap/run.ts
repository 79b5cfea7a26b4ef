/** Runs one command line in a given world and returns its exit code. */
import { ensurePrivateDirectory, removeTemporaries } from '../common/atomic-file.ts'
import { UsageError } from '../common/errors.ts'
import { openToOthers, setBackModes } from '../common/file-safety.ts'
import { guarded } from '../common/reporter.ts'
import type { Invocation, Parsed } from './cli.ts'
import { runDoctor } from './commands/doctor.ts'
import { runExport } from './commands/export.ts'
import { runForget } from './commands/forget.ts'
import { type Outcome, runPairing } from './commands/pairing.ts'
import { runStatus } from './commands/status.ts'
import { runUp } from './commands/up.ts'
import { runCreateUser } from './commands/user.ts'
import { type Config, parseConfig } from './config.ts'
import { BootstrapError } from './errors.ts'
import { acquireLock } from './lock.ts'
import { createReporter, type Reporter, shellCommand } from './report.ts'
import { openRun, resolveIds, type Run, type Runtime } from './runtime.ts'
import { safePoint } from './session.ts'
import { bootstrapDirectory, listUsers, userDirectory } from './state-paths.ts'

/** Runs what the command line asks for, or reports why it cannot be read. Never throws. */
export async function run(parsed: Exclude<Parsed, { exit: 0 }>, runtime: Runtime): Promise<number> {
  const { argv, env, stdout, stderr, clock } = runtime
  const reporter = createReporter({
    stdout,
    stderr,
    json: argv.includes('--json'),
    colour: env['NO_COLOR'] === undefined,
    monotonicMs: () => clock.monotonicMs(),
  })
  const command = async () => {
    if ('complaint' in parsed) throw new UsageError(parsed.complaint, { hint: 'see `--help`' })
    return execute(parsed.invocation, runtime, reporter).catch((error: unknown) => {
      throw interruption(error, runtime)
    })
  }
  return guarded(reporter, command, shellCommand(argv))
}

async function execute(
  invocation: Invocation,
  runtime: Runtime,
  reporter: Reporter,
): Promise<number> {
  const config = parseConfig(invocation, runtime.env)
  const session = await openRun(config, runtime, reporter)
  if (!writes(config)) {
    return report(await perform(session), reporter)
  }
  const directory = bootstrapDirectory(config.stateDir)
  await setBackOwnModes(directory, reporter)
  await ensurePrivateDirectory(directory)
  const lock = await acquireLock(directory, config.command, runtime)
  try {
    await removeLeftovers(config.stateDir)
    return await report(await perform(session), reporter, () => lock.forgetHolder())
  } finally {
    await lock.release()
  }
}

/** A volume with `fsGroup` gives files other modes at each mount. */
async function setBackOwnModes(directory: string, reporter: Reporter): Promise<void> {
  const paths = await openToOthers([directory], 4)
  await setBackModes(paths)
  for (const path of paths) {
    reporter.warning(`the mode of \`${path}\` is set back: other users could use it`)
  }
}

/** Removes what killed runs have left among the files that only the holder of the lock writes. */
async function removeLeftovers(stateDir: string): Promise<void> {
  await removeTemporaries(bootstrapDirectory(stateDir))
  for (const name of await listUsers(stateDir)) {
    await removeTemporaries(userDirectory(stateDir, name))
  }
}

/**
 * The acknowledgement is the last thing written, so that a run killed before it is simply repeated.
 */
async function report(
  { result, exit = 0, onReported }: Outcome,
  reporter: Reporter,
  before: () => Promise<void> = async () => undefined,
): Promise<number> {
  reporter.result(result)
  await before()
  await onReported?.()
  return exit
}

function writes({ command, dryRun }: Config): boolean {
  return !READS.has(command) && !dryRun
}

/** Commands that change nothing. */
const READS: ReadonlySet<string> = new Set(['status', 'doctor', 'export-addresses'])

async function perform(session: Run): Promise<Outcome> {
  const { command, answer, replace, keepKey, acceptGap, ifDueMs } = session.config
  const { renewCertificate: renew } = session.config
  switch (command) {
    case 'up':
      return runUp(session)
    case 'create-user':
      return runCreateUser(session)
    case 'pair':
      return runPairing(
        { kind: 'pair', answer, replace, keepKey },
        await resolveIds(session),
        session,
      )
    case 'rotate':
      return runPairing(
        { kind: 'rotate', answer, renew, acceptGap, ifDueMs },
        await resolveIds(session),
        session,
      )
    case 'unpair':
      return runPairing({ kind: 'unpair' }, await resolveIds(session), session)
    case 'forget':
      return runForget(session)
    case 'export-addresses':
      return runExport(session)
    case 'status':
      return runStatus(await resolveIds(session), session)
    case 'doctor':
    default:
      return runDoctor(await resolveIds(session), session)
  }
}

/** A call that was cut short by the user's signal is an interruption, not a network failure. */
function interruption(error: unknown, runtime: Runtime): unknown {
  if (!runtime.signal.aborted) return error
  if (!(error instanceof BootstrapError) || error.code !== 'ERR_NETWORK') return error
  try {
    safePoint(runtime)
  } catch (stopped) {
    return stopped
  }
  return error
}
