/** `hold list|approve|reject`: what waits for people, and their word on it. */
import type { Command } from 'commander'
import type { HoldInfo } from '../../common/admin-api.ts'
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
import { table, timeLeft } from './table.ts'

interface Options extends HandlerPlace {
  readonly json?: true
}

interface SettleOptions extends Options {
  readonly by?: string
  readonly note?: string
}

/** Adds the `hold` commands. Exit code 0 done, 1 refused by the handler, 2 usage or no handler. */
export function registerHoldCommands(program: Command, io: CommandIo): void {
  const hold = program.command('hold').description('list held requests, release or refuse them')
  withPlace(hold.command('list'))
    .description('what waits for people, the one that expires first in front')
    .action((options: Options) => guarded(io, () => list(options, io)))
  for (const verb of ['approve', 'reject'] as const) {
    withPerson(withPlace(hold.command(verb)))
      .description(verb === 'approve' ? 'release it, once' : 'refuse it for good')
      .argument('<id>', 'id of the hold, or enough of its beginning')
      .option('--note <text>', 'why, for the record')
      .action((id: string, options: SettleOptions) =>
        guarded(io, () => settle(verb, id, options, io)),
      )
  }
}

async function list(options: Options, io: CommandIo): Promise<void> {
  const answer = await askHandler(options, io, 'listHolds', {})
  if (options.json) {
    printJson(io, answer)
    return
  }
  if (answer.holds.length === 0) {
    io.stdout.write('nothing is held\n')
    return
  }
  const nowMs = Date.parse(answer.now)
  const until = (time: string) => timeLeft(Date.parse(time) - nowMs)
  io.stdout.write(
    table(
      ['ID', 'STATE', 'APPROVED', 'EXPIRES IN', 'ASKED FOR', 'WHAT'],
      answer.holds.map((each) => [
        each.id,
        each.state,
        approvedBy(each),
        until(each.expiresAt),
        until(each.retryUntil),
        each.summary,
      ]),
    ),
  )
  if (answer.holds.some(({ retryUntil }) => Date.parse(retryUntil) <= nowMs)) {
    io.stderr.write('warning: where ASKED FOR is over, the co-signer has probably given up\n')
  }
}

function approvedBy({ approvals, approvalsWanted }: HoldInfo): string {
  const count = `${approvals.length} of ${approvalsWanted}`
  return approvals.length === 0 ? count : `${count} (${approvals.join(', ')})`
}

async function settle(
  verb: 'approve' | 'reject',
  idStart: string,
  options: SettleOptions,
  io: CommandIo,
): Promise<void> {
  const id = await wholeId(idStart, options, io)
  const act = { by: personOf(options.by), note: options.note ?? '' }
  const hold = await askHandler(options, io, `${verb}Hold`, { holdId: id }, act)
  if (options.json) {
    printJson(io, hold)
    return
  }
  const { state, approvals, approvalsWanted, summary } = hold
  const missing = approvalsWanted - approvals.length
  const what =
    state === 'waiting'
      ? `approved, ${missing} more ${missing === 1 ? 'person' : 'people'} must approve`
      : state
  io.stdout.write(`${id} ${what}: ${summary}\n`)
}

async function wholeId(start: string, options: Options, io: CommandIo): Promise<string> {
  if (/^[0-9a-f]{16}$/.test(start)) return start
  const { holds } = await askHandler(options, io, 'listHolds', {})
  const [first, ...more] = holds.filter(({ id }) => start.length >= 4 && id.startsWith(start))
  if (first !== undefined && more.length === 0) return first.id
  throw new OperatorError(
    2,
    first === undefined
      ? `no hold begins with \`${start}\``
      : `several holds begin with \`${start}\``,
    '`hold list` shows the ids; give at least four digits',
  )
}
