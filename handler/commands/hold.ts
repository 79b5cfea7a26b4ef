/** `hold list|approve|reject`: requests that wait for people, and their decisions. */
import type { Command } from 'commander'
import type { HoldInfo } from '../../common/admin-api.ts'
import { formatDuration } from '../../common/duration.ts'
import { UsageError } from '../../common/errors.ts'
import type { Reporter } from '../../common/reporter.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { askHandler } from './operator-client.ts'
import { actOf, withPerson, withSocket } from './options.ts'
import type { PersonFlags, SocketFlags } from './options.ts'
import { table } from './table.ts'

type Verb = 'approve' | 'reject'
type SettleFlags = SocketFlags & PersonFlags

/** Adds the `hold` commands. */
export function registerHoldCommands(program: Command, io: CommandIo): void {
  const hold = program.command('hold').description('list held requests, release or refuse them')
  withSocket(hold.command('list'))
    .description('what waits for people, the one that expires first in front')
    .action((flags: SocketFlags) => perform(io, flags, (reporter) => list(flags, io, reporter)))
  for (const verb of ['approve', 'reject'] as const) {
    withPerson(withSocket(hold.command(verb)))
      .description(verb === 'approve' ? 'release it, once' : 'refuse it for good')
      .argument('<id>', 'id of the hold, or enough of its beginning')
      .action((id: string, flags: SettleFlags) =>
        perform(io, flags, (reporter) => settle(verb, id, flags, io, reporter)),
      )
  }
}

async function list(flags: SocketFlags, io: CommandIo, reporter: Reporter): Promise<void> {
  const answer = await askHandler(flags, io, 'listHolds', {})
  const nowMs = Date.parse(answer.now)
  const left = (time: string) => {
    // Rounded down: never longer than what is left.
    const seconds = Math.floor((Date.parse(time) - nowMs) / 1_000)
    return seconds <= 0 ? 'over' : formatDuration(seconds * 1_000)
  }
  const rows = answer.holds.map((each) => [
    each.id,
    each.state,
    approvedBy(each),
    left(each.expiresAt),
    left(each.retryUntil),
    each.summary,
  ])
  const headings = ['ID', 'STATE', 'APPROVED', 'EXPIRES IN', 'ASKED FOR', 'WHAT']
  const lines = rows.length === 0 ? ['nothing is held'] : table(headings, rows)
  reporter.result({ facts: answer, lines })
  if (answer.holds.some(({ retryUntil }) => left(retryUntil) === 'over')) {
    reporter.warning('where ASKED FOR is over, the co-signer has probably given up')
  }
}

function approvedBy({ approvals, approvalsWanted }: HoldInfo): string {
  const count = `${approvals.length} of ${approvalsWanted}`
  return approvals.length === 0 ? count : `${count} (${approvals.join(', ')})`
}

async function settle(
  verb: Verb,
  idStart: string,
  flags: SettleFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<void> {
  const id = await wholeId(idStart, flags, io)
  const route = verb === 'approve' ? 'approveHold' : 'rejectHold'
  const hold = await askHandler(flags, io, route, { holdId: id }, actOf(flags))
  const { state, approvals, approvalsWanted, summary } = hold
  const missing = approvalsWanted - approvals.length
  const what =
    state === 'waiting'
      ? `approved, ${missing} more ${missing === 1 ? 'person' : 'people'} must approve`
      : state
  reporter.result({ facts: hold, lines: [`${id} ${what}: ${summary}`] })
}

async function wholeId(start: string, flags: SocketFlags, io: CommandIo): Promise<string> {
  if (/^[0-9a-f]{16}$/.test(start)) return start
  const { holds } = await askHandler(flags, io, 'listHolds', {})
  const [first, ...more] = holds.filter(({ id }) => start.length >= 4 && id.startsWith(start))
  if (first !== undefined && more.length === 0) return first.id
  throw new UsageError(
    first === undefined
      ? `no hold begins with \`${start}\``
      : `several holds begin with \`${start}\``,
    { hint: '`hold list` shows the ids; give at least four digits' },
  )
}
