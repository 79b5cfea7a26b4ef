/** Asks the running handler over its admin socket on behalf of the operator. */
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { AdminCalls, AdminParams, AdminRoute } from '../../common/admin-api.ts'
import { AdminUnreachableError, type BodyOf, createAdminClient } from '../../common/admin-client.ts'
import { AdminError } from '../../common/admin-error.ts'
import { CountersignError } from '../../common/errors.ts'
import type { CommandIo } from './command-io.ts'

/** Options that say where the handler is. */
export interface HandlerPlace {
  readonly socket?: string
  readonly stateDir?: string
}

/** The handler cannot be reached, or says no; exit code 2 and 1. */
export class OperatorError extends CountersignError {
  readonly exitCode: 1 | 2

  constructor(exitCode: 1 | 2, message: string, hint?: string) {
    super(message, hint === undefined ? {} : { hint })
    this.exitCode = exitCode
  }
}

/** Adds the options of `HandlerPlace` and `--json`. */
export function withPlace(command: Command): Command {
  return command
    .option('--socket <path>', 'admin socket (default: HANDLER_ADMIN_SOCKET, or in the state dir)')
    .option('--state-dir <dir>', 'state directory (default: HANDLER_STATE_DIR or ./state)')
    .option('--json', 'print the answer of the handler as JSON')
}

/** Adds `--by`. */
export function withPerson(command: Command): Command {
  return command.option('--by <name>', 'who you are (default: the login name); not authenticated')
}

/** Who acts: a claim, not a proof. */
export function personOf(by: string | undefined): string {
  return by ?? userInfo().username
}

/** One request to the handler of `place`. @throws OperatorError */
export async function askHandler<R extends AdminRoute>(
  place: HandlerPlace,
  io: CommandIo,
  route: R,
  params: AdminParams<R>,
  ...body: BodyOf<R>
): Promise<AdminCalls[R]['answer']> {
  const socketPath = socketOf(place, io)
  const client = createAdminClient(socketPath)
  return client.ask(route, params, ...body).catch((error: unknown) => {
    if (error instanceof AdminError) {
      throw new OperatorError(1, `the handler refuses: ${error.message}`)
    }
    if (!(error instanceof AdminUnreachableError)) throw error
    throw new OperatorError(
      2,
      `no handler answers at \`${socketPath}\` (${error.message})`,
      'name its socket with `--socket`, or its state directory with `--state-dir`',
    )
  })
}

/** Runs a command; an expected failure is one line and its exit code. */
export async function guarded(io: CommandIo, command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
    io.exitCode = error instanceof OperatorError ? error.exitCode : 2
    io.stderr.write(`error: ${error.message}\n`)
    if (error.hint !== undefined) io.stderr.write(`hint: ${error.hint}\n`)
  }
}

/** One JSON object per line. */
export function printJson(io: CommandIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value)}\n`)
}

function socketOf({ socket, stateDir }: HandlerPlace, { env }: CommandIo): string {
  if (socket !== undefined) return socket
  if (stateDir !== undefined) return join(stateDir, 'admin.sock')
  return env['HANDLER_ADMIN_SOCKET'] ?? join(env['HANDLER_STATE_DIR'] ?? './state', 'admin.sock')
}
