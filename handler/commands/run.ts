/** `run`: refuses to start with every problem at once, else serves until a signal or a fault ends it. */
import { systemAfter, systemSleep } from '../../common/clock.ts'
import { EXIT } from '../../common/exit-codes.ts'
import type { Reporter } from '../../common/reporter.ts'
import type { BootedThread } from '../../common/thread.ts'
import type { BufferedOutput } from '../telemetry/buffered-output.ts'
import { HandlerStartError, start } from '../service/start.ts'
import type { Logger } from '../telemetry/log.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'

/** What only the process can give. */
export interface RunPorts {
  readonly log: BufferedOutput
  /** Cores that this process may use. */
  readonly cores: number
  /** The store's thread, started while the program was loaded. */
  readonly storeThread?: BootedThread
  /** Resolves with what ends the handler: a signal's name, or an uncaught error. */
  readonly ended: Promise<Ending>
  /** Calls back when the policy has to be read again. */
  readonly onReload?: (reload: () => void) => void
}

export type Ending =
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'fault'; readonly error: unknown }

/** Serves; the exit code is 0 after a signal, 2 when something has to be corrected first, else that of the fault. */
export function serve(io: CommandIo, ports: RunPorts): Promise<void> {
  return perform(io, {}, (reporter) => run(io, ports, reporter))
}

async function run(io: CommandIo, ports: RunPorts, reporter: Reporter): Promise<number> {
  const { log, cores, storeThread } = ports
  const fault = new AbortController()
  let logger: Logger | undefined
  try {
    const handler = await start({
      env: io.env,
      output: log,
      logging: (made) => (logger = made),
      clock: io.clock,
      sleep: systemSleep,
      after: systemAfter,
      cores,
      storeThread,
      fatal: (error) => fault.abort(error),
    })
    ports.onReload?.(() => {
      handler.reloadPolicy().catch((err: unknown) => logger?.error({ err }, 'the reload failed'))
    })
    await log.flush()
    const ending = await Promise.race([ports.ended, faultOf(fault.signal)])
    if (ending.kind === 'signal') logger?.info({ signal: ending.signal }, 'stopping')
    else logger?.fatal({ err: ending.error }, 'stopping after a fault')
    await log.flush()
    await handler.stop()
    logger?.info('stopped')
    return ending.kind === 'signal' ? EXIT.done : reporter.failure(ending.error)
  } catch (error) {
    if (!(error instanceof HandlerStartError)) throw error
    for (const problem of error.problems) reporter.story(problem)
    return EXIT.usage
  } finally {
    await log.flush()
  }
}

function faultOf(signal: AbortSignal): Promise<Ending> {
  return new Promise((resolve) => {
    const tellWhy = () => resolve({ kind: 'fault', error: signal.reason })
    if (signal.aborted) tellWhy()
    else signal.addEventListener('abort', tellWhy)
  })
}
