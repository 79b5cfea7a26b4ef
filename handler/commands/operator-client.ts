/** The running handler, asked over its admin socket on behalf of the operator. */
import type { AdminCalls } from '../../common/admin-api.ts'
import type { AdminParams, AdminRoute } from '../../common/admin-routes.ts'
import { AdminUnreachableError, type BodyOf, createAdminClient } from '../../common/admin-client.ts'
import { AdminError } from '../../common/admin-error.ts'
import { CountersignError } from '../../common/errors.ts'
import { pathsOf } from '../config/paths.ts'
import type { CommandIo } from './command-io.ts'
import type { SocketFlags } from './options.ts'

/** The handler cannot be reached, or refuses. */
export class OperatorError extends CountersignError {
  readonly code: 'ERR_HANDLER_UNAVAILABLE' | 'ERR_HANDLER_REFUSED'

  constructor(code: OperatorError['code'], message: string, hint?: string) {
    super(message, { hint })
    this.code = code
  }
}

/** One request. @throws OperatorError, UsageError */
export async function askHandler<R extends AdminRoute>(
  flags: SocketFlags,
  io: CommandIo,
  route: R,
  params: AdminParams<R>,
  ...body: BodyOf<R>
): Promise<AdminCalls[R]['answer']> {
  const { adminSocket } = pathsOf(io.env, { stateDir: flags.stateDir, socket: flags.socket })
  const client = createAdminClient(adminSocket)
  return client.ask(route, params, ...body).catch((error: unknown) => {
    if (error instanceof AdminError) {
      throw new OperatorError('ERR_HANDLER_REFUSED', `the handler refuses: ${error.message}`)
    }
    if (!(error instanceof AdminUnreachableError)) throw error
    throw new OperatorError(
      'ERR_HANDLER_UNAVAILABLE',
      `no handler answers at \`${adminSocket}\` (${error.message})`,
      error.message === 'EACCES'
        ? 'run the command as the user of the handler'
        : 'name its socket with `--socket`, or its state directory with `--state-dir`',
    )
  })
}
