/** `run`: refuses to start with every problem at once, else serves until a signal or a fault ends it. */
import { systemAfter, systemSleep } from '../../common/clock.ts'
import { CountersignError } from '../../common/errors.ts'
import type { BootedThread } from '../decisions/boot.ts'
import type { BufferedOutput } from '../telemetry/buffered-output.ts'
import { inspect } from '../service/inspect.ts'
import { createLogger } from '../telemetry/log.ts'
import type { Logger } from '../telemetry/log.ts'
import { startHandler } from '../service/start-handler.ts'
import { VERSION } from '../../common/version.ts'
import type { CommandIo } from './command-io.ts'
import { formatFinding } from './check.ts'

/** What only the process can give. */
export interface RunPorts {
  readonly log: BufferedOutput
  /** Cores that this process may use. */
  readonly cores: number
  /** The store's thread, started while the program was loaded. */
  readonly storeThread?: BootedThread
  /** Resolves with what ends the handler: a signal's name, or an error that nobody caught. */
  readonly ended: Promise<Ending>
  /** Calls back whenever the policy is to be read again. */
  readonly onReload?: (reload: () => void) => void
}

export type Ending =
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'fault'; readonly error: unknown }

/** Serves; the exit code is 0 after a signal, 2 when something has to be mended first, 1 after a fault. */
export async function serve(io: CommandIo, ports: RunPorts): Promise<void> {
  const { findings, warnings, material } = await inspect(io.env, io.clock)
  if (material === undefined) {
    for (const finding of findings.filter(({ ok }) => !ok)) {
      io.stderr.write(`${formatFinding(finding)}\n`)
    }
    io.exitCode = 2
    return
  }
  const logger = createLogger(ports.log, material.config.logLevel, VERSION)
  for (const warning of warnings) logger.warn(warning)
  const fault = new AbortController()
  try {
    const { cores, storeThread } = ports
    const fatal = (error: unknown) => fault.abort(error)
    const handler = await startHandler(material, {
      clock: io.clock,
      sleep: systemSleep,
      after: systemAfter,
      logger,
      cores,
      storeThread,
      fatal,
    })
    ports.onReload?.(() => {
      handler.reloadPolicy().catch((err: unknown) => logger.error({ err }, 'the reload failed'))
    })
    await ports.log.flush()
    const ending = await Promise.race([ports.ended, faultOf(fault.signal)])
    io.exitCode = ending.kind === 'signal' ? 0 : 1
    if (ending.kind === 'signal') logger.info({ signal: ending.signal }, 'stopping')
    else logger.fatal({ err: ending.error }, 'stopping after a fault')
    await ports.log.flush()
    await handler.stop()
    logger.info('stopped')
  } catch (error) {
    io.exitCode = 1
    tell(error, io, logger)
  } finally {
    await ports.log.flush()
  }
}

function faultOf(signal: AbortSignal): Promise<Ending> {
  return new Promise((resolve) => {
    const tellWhy = () => resolve({ kind: 'fault', error: signal.reason })
    if (signal.aborted) tellWhy()
    else signal.addEventListener('abort', tellWhy)
  })
}

function tell(error: unknown, io: CommandIo, logger: Logger): void {
  logger.fatal({ err: error }, 'the handler failed')
  if (!(error instanceof CountersignError)) return
  io.stderr.write(`error: ${error.message}\n`)
  if (error.hint !== undefined) io.stderr.write(`hint: ${error.hint}\n`)
}
