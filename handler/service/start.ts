/** The one start of a handler, for the command `run` and for the library: settings to a handler that serves. */
import { CountersignError } from '../../common/errors.ts'
import { VERSION } from '../../common/version.ts'
import { parseConfig } from '../config/config.ts'
import { createLogger, type Logger, type LogStream } from '../telemetry/log.ts'
import type { OpenKeystore } from '../generations/signers/keystores.ts'
import { inspect } from './inspect.ts'
import { formatFinding, setBackOwnModes } from './inspections.ts'
import { type RunningHandler, type ServiceDeps, startHandler } from './start-handler.ts'

/** Settings, keys or policy are not in order; nothing was started. */
export class HandlerStartError extends CountersignError {
  /** One line each. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the handler cannot start: ${problems.join('; ')}`)
    this.problems = problems
  }
}

export interface StartOptions extends Omit<ServiceDeps, 'logger'> {
  /** The `HANDLER_*` settings. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly output: LogStream
  /** A team's own keystores, by scheme. */
  readonly keystores?: Readonly<Record<string, OpenKeystore>> | undefined
  /** Called once the log is there, before anything is opened. */
  readonly logging?: (logger: Logger) => void
}

/** Serves when it resolves. @throws HandlerStartError, and what keeps a stage from opening */
export async function start({
  env,
  output,
  logging,
  keystores,
  ...deps
}: StartOptions): Promise<RunningHandler> {
  const parsed = parseConfig(env)
  const setBack = parsed.ok ? await setBackOwnModes(parsed.config) : []
  const { findings, warnings, material } = await inspect(env, deps.clock, keystores)
  if (material === undefined) {
    throw new HandlerStartError(findings.filter(({ ok }) => !ok).map(formatFinding))
  }
  const logger = createLogger(output, material.config.logLevel, VERSION)
  logging?.(logger)
  for (const warning of [...setBack, ...warnings]) logger.warn(warning)
  try {
    return await startHandler(material, { ...deps, logger })
  } catch (error) {
    logger.fatal({ err: error }, 'the handler failed')
    throw error
  }
}
