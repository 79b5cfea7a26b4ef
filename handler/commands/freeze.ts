/** `freeze`, `unfreeze`, `freeze status`: nothing is approved from now on, until the freeze is ended. */
import type { Command } from 'commander'
import type { FreezeAnswer } from '../../common/admin-api.ts'
import { UsageError } from '../../common/errors.ts'
import type { Result } from '../../common/reporter.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { askHandler } from './operator-client.ts'
import { actOf, withBy, withPerson, withSocket } from './options.ts'
import type { PersonFlags, SocketFlags } from './options.ts'

interface Flags extends SocketFlags, PersonFlags {
  readonly action?: string
  readonly reason?: string
}

/** Adds `freeze`. */
export function registerFreezeCommand(program: Command, io: CommandIo): void {
  const freeze = withBy(withSocket(program.command('freeze')))
    .description('approve nothing from now on, across restarts')
    .option('--action <action>', 'what new requests get: RETRY or REJECT', 'RETRY')
    .option('--reason <text>', 'why, for the record; required')
    .action((flags: Flags) =>
      perform(io, flags, async (reporter) => reporter.result(resultOf(await set(flags, io)))),
    )
  freeze
    .command('status')
    .description('whether the handler is frozen')
    .action((_, command: Command) => {
      const flags: Flags = command.optsWithGlobals()
      return perform(io, flags, async (reporter) =>
        reporter.result(resultOf(await askHandler(flags, io, 'showFreeze', {}))),
      )
    })
}

/** Adds `unfreeze`. */
export function registerUnfreezeCommand(program: Command, io: CommandIo): void {
  withPerson(withSocket(program.command('unfreeze')))
    .description('end a freeze')
    .action((flags: Flags) =>
      perform(io, flags, async (reporter) =>
        reporter.result(resultOf(await askHandler(flags, io, 'unfreeze', {}, actOf(flags)))),
      ),
    )
}

async function set(flags: Flags, io: CommandIo): Promise<FreezeAnswer> {
  const { action, reason } = flags
  if (action !== 'RETRY' && action !== 'REJECT') {
    throw new UsageError(`\`${action}\` is neither \`RETRY\` nor \`REJECT\``)
  }
  if (reason === undefined || reason === '') throw new UsageError('`--reason` is required')
  return askHandler(flags, io, 'freeze', {}, { action, reason, by: actOf(flags).by })
}

function resultOf(answer: FreezeAnswer): Result {
  const { freeze } = answer
  if (freeze === null) return { facts: answer, lines: ['not frozen'] }
  const { action, since, by, reason } = freeze
  const line = `frozen since ${since} by ${by}: new requests get ${action}: ${reason}`
  return { facts: answer, lines: [line] }
}
