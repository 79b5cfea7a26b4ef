/** `freeze`, `unfreeze`, `freeze status`: nothing is approved from now on, until the freeze is ended. */
import type { Command } from 'commander'
import type { FreezeAnswer } from '../../common/admin-api.ts'
import { UsageError } from '../../common/errors.ts'
import type { Reporter, Result } from '../../common/reporter.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { askHandler } from './operator-client.ts'
import { actOf, withBy, withPerson, withSocket } from './options.ts'
import type { PersonFlags, SocketFlags } from './options.ts'

interface Flags extends SocketFlags, PersonFlags {
  readonly action?: string
  readonly reason?: string
  readonly replace?: boolean
}

/** Adds `freeze`. */
export function registerFreezeCommand(program: Command, io: CommandIo): void {
  const freeze = withBy(withSocket(program.command('freeze')))
    .description('approve nothing from now on, across restarts')
    .option('--action <action>', 'what new requests get: RETRY or REJECT', 'RETRY')
    .option('--reason <text>', 'why, for the record; required')
    .option('--replace', 'end the freeze in force and begin this one, even if it is weaker')
    .action((flags: Flags) => perform(io, flags, (reporter) => set(flags, io, reporter)))
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
    .option('--reason <text>', 'the same as --note')
    .action((flags: Flags) =>
      perform(io, flags, async (reporter) => reporter.result(resultOf(await end(flags, io)))),
    )
}

async function set(flags: Flags, io: CommandIo, reporter: Reporter): Promise<void> {
  const { action, reason, replace = false } = flags
  if (action !== 'RETRY' && action !== 'REJECT') {
    throw new UsageError(`\`${action}\` is neither \`RETRY\` nor \`REJECT\``)
  }
  if (reason === undefined || reason === '') throw new UsageError('`--reason` is required')
  const asked = { action, reason, by: actOf(flags).by, ...(replace ? { replace } : {}) } as const
  const answer = await askHandler(flags, io, 'freeze', {}, asked)
  reporter.result(resultOf(answer))
  const inForce = answer.freeze?.action ?? action
  if (inForce === action) return
  reporter.warning(
    `new requests still get ${inForce}: a freeze is never weakened by another one (\`--replace\` does)`,
  )
}

function end(flags: Flags, io: CommandIo): Promise<FreezeAnswer> {
  const act = actOf({ ...flags, note: flags.note ?? flags.reason })
  return askHandler(flags, io, 'unfreeze', {}, act)
}

function resultOf(answer: FreezeAnswer): Result {
  const { freeze } = answer
  if (freeze === null) return { facts: answer, lines: ['not frozen'] }
  const { action, since, by, reason, also } = freeze
  const lines = [
    `frozen since ${since} by ${by}: new requests get ${action}: ${reason}`,
    ...also.map((each) => `also at ${each.since} by ${each.by}: ${each.action}: ${each.reason}`),
  ]
  return { facts: answer, lines }
}
