/** `freeze`, `unfreeze`, `freeze status`: from now on nothing is approved, until somebody ends it. */
import type { Command } from 'commander'
import type { FreezeAnswer, FreezeRequest } from '../../common/admin-api.ts'
import type { CommandIo } from './command-io.ts'
import {
  askHandler,
  guarded,
  OperatorError,
  personOf,
  printJson,
  withPerson,
  withPlace,
} from './operator-client.ts'
import type { HandlerPlace } from './operator-client.ts'

interface Options extends HandlerPlace {
  readonly json?: true
}

interface ActOptions extends Options {
  readonly by?: string
  readonly note?: string
  readonly action?: string
  readonly reason?: string
}

/** Adds `freeze`. Exit code 0 done, 1 refused by the handler, 2 usage or no handler. */
export function registerFreezeCommand(program: Command, io: CommandIo): void {
  const freeze = withPerson(withPlace(program.command('freeze')))
    .description('approve nothing from now on, across restarts')
    .option('--action <action>', 'what new requests get: RETRY or REJECT', 'RETRY')
    .option('--reason <text>', 'why, for the record; required')
    .action((options: ActOptions) => guarded(io, () => set(options, io)))
  freeze
    .command('status')
    .description('whether the handler is frozen')
    .action((_, command: Command) => {
      const options: Options = command.optsWithGlobals()
      return guarded(io, async () => print(await ask(options, io), options, io))
    })
}

/** Adds `unfreeze`; exit codes as above. */
export function registerUnfreezeCommand(program: Command, io: CommandIo): void {
  withPerson(withPlace(program.command('unfreeze')))
    .description('end a freeze')
    .option('--note <text>', 'why, for the record')
    .action((options: ActOptions) => guarded(io, () => end(options, io)))
}

async function set(options: ActOptions, io: CommandIo): Promise<void> {
  const { action, reason, by } = options
  if (action !== 'RETRY' && action !== 'REJECT') {
    throw new OperatorError(2, `\`${action}\` is neither \`RETRY\` nor \`REJECT\``)
  }
  if (reason === undefined || reason === '') {
    throw new OperatorError(2, 'a reason is wanted', 'say why with `--reason`')
  }
  const body: FreezeRequest = { action, reason, by: personOf(by) }
  print(await askHandler(options, io, 'freeze', {}, body), options, io)
}

async function end(options: ActOptions, io: CommandIo): Promise<void> {
  const body = { by: personOf(options.by), note: options.note ?? '' }
  print(await askHandler(options, io, 'unfreeze', {}, body), options, io)
}

function ask(options: Options, io: CommandIo): Promise<FreezeAnswer> {
  return askHandler(options, io, 'showFreeze', {})
}

function print(answer: FreezeAnswer, { json }: Options, io: CommandIo): void {
  const { freeze } = answer
  if (json) printJson(io, answer)
  else if (freeze === null) io.stdout.write('not frozen\n')
  else {
    const { action, since, by, reason } = freeze
    io.stdout.write(`frozen since ${since} by ${by}: new requests get ${action}: ${reason}\n`)
  }
}
