/** Asks the running handler over its admin socket on behalf of the operator; see handler/control/operator-api.ts. */
import { request as httpRequest } from 'node:http'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CountersignError, errnoOf, messageOf } from '../../common/errors.ts'
import type { CommandIo } from './command-io.ts'

/** Milliseconds for one answer; reloading a very large policy takes seconds. */
const ANSWER_MS = 30_000

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

/** One request. @throws OperatorError */
export async function askHandler<T>(
  place: HandlerPlace,
  io: CommandIo,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<T> {
  const socketPath = socketOf(place, io)
  const { status, text } = await exchange(socketPath, method, path, body).catch(
    (cause: unknown) => {
      const why = errnoOf(cause) ?? messageOf(cause)
      throw new OperatorError(
        2,
        `no handler answers on \`${socketPath}\` (${why})`,
        'name its socket with `--socket`, or its state directory with `--state-dir`',
      )
    },
  )
  const answer = parse(text)
  if (status === 200) {
    // The other end is the handler of the same release, behind file permissions.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return answer as T
  }
  throw new OperatorError(1, `the handler refuses: ${refusalIn(answer) ?? `status ${status}`}`)
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

function exchange(socketPath: string, method: string, path: string, body: object | undefined) {
  return new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const options = { socketPath, method, path, agent: false, timeout: ANSWER_MS }
    const request = httpRequest(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, text })
      })
    })
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new OperatorError(1, 'the handler gave an answer that is no JSON')
  }
}

function refusalIn(answer: unknown): string | undefined {
  if (!(answer instanceof Object) || !('error' in answer)) return undefined
  const { error } = answer
  if (!(error instanceof Object) || !('message' in error)) return undefined
  return typeof error.message === 'string' ? error.message : undefined
}
