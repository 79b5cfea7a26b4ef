/** `hold list|show|approve|reject`: requests that wait for people, and their decisions. */
import type { Command } from 'commander'
import type { HoldDetails, HoldInfo } from '../../common/admin-api.ts'
import { formatDuration } from '../../common/duration.ts'
import { UsageError } from '../../common/errors.ts'
import type { Reporter } from '../../common/reporter.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { askHandler } from './operator-client.ts'
import { actOf, withPerson, withSocket } from './options.ts'
import type { PersonFlags, SocketFlags } from './options.ts'
import { sectionLines } from './sections.ts'
import { table } from './table.ts'

const ID = 'id of the hold, or enough of its beginning'
type SettleFlags = SocketFlags & PersonFlags & { readonly digest?: string }

/** Adds the `hold` commands. */
export function registerHoldCommands(program: Command, io: CommandIo): void {
  const hold = program.command('hold').description('list held requests, release or refuse them')
  withSocket(hold.command('list'))
    .description('what waits for people, the one that expires first in front')
    .action((flags: SocketFlags) => perform(io, flags, (reporter) => list(flags, io, reporter)))
  withSocket(hold.command('show'))
    .description('everything that would be signed, and a digest to compare')
    .argument('<id>', ID)
    .action((id: string, flags: SocketFlags) =>
      perform(io, flags, (reporter) => show(id, flags, io, reporter)),
    )
  withPerson(withSocket(hold.command('approve')))
    .description('show it, ask, and release it, once')
    .argument('<id>', ID)
    .option('--digest <digits>', 'what `hold show` said: approves without a question')
    .action((id: string, flags: SettleFlags) =>
      perform(io, flags, (reporter) => approve(id, flags, io, reporter)),
    )
  withPerson(withSocket(hold.command('reject')))
    .description('refuse it for good')
    .argument('<id>', ID)
    .action((id: string, flags: SettleFlags) =>
      perform(io, flags, (reporter) => reject(id, flags, io, reporter)),
    )
}

async function list(flags: SocketFlags, io: CommandIo, reporter: Reporter): Promise<void> {
  const answer = await askHandler(flags, io, 'listHolds', {})
  const nowMs = Date.parse(answer.now)
  const left = (time: string) => {
    // Rounded down: never longer than what is left.
    const seconds = Math.floor((Date.parse(time) - nowMs) / 1_000)
    return seconds <= 0 ? 'over' : formatDuration(seconds * 1_000)
  }
  const isAnyFull = answer.holds.some(({ fullLimits = [] }) => fullLimits.length > 0)
  const rows = answer.holds.map((each) => [
    each.id,
    each.state,
    approvedBy(each),
    left(each.expiresAt),
    left(each.retryUntil),
    ...(isAnyFull ? [each.fullLimits?.join(', ') ?? '?'] : []),
    each.summary,
  ])
  const full = isAnyFull ? ['FULL LIMITS'] : []
  const headings = ['ID', 'STATE', 'APPROVED', 'EXPIRES IN', 'ASKED FOR', ...full, 'WHAT']
  const lines = rows.length === 0 ? ['nothing is held'] : table(headings, rows)
  reporter.result({ facts: answer, lines })
  if (isAnyFull) {
    reporter.warning('a release has no effect while one of its limits is full')
  }
  if (answer.holds.some(({ retryUntil }) => left(retryUntil) === 'over')) {
    reporter.warning('where ASKED FOR is over, the co-signer has probably given up')
  }
}

function approvedBy({ approvals, approved, approvalsWanted }: HoldInfo): string {
  const count = `${approved ?? approvals.length} of ${approvalsWanted}`
  return approvals.length === 0 ? count : `${count} (${approvals.join(', ')})`
}

async function show(
  idStart: string,
  flags: SocketFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<void> {
  const id = await wholeId(idStart, flags, io)
  const details = await askHandler(flags, io, 'showHold', { holdId: id })
  reporter.result({ facts: details, lines: linesOf(details, io.stdout.columns) })
}

function linesOf({ hold, digest, sections }: HoldDetails, columns?: number): readonly string[] {
  return [
    ...sectionLines(sections, columns),
    '',
    `Hold ${hold.id}, ${hold.state}`,
    `Digest ${digest}`,
  ]
}

/** Nobody approves what was not shown: either on this terminal, now, or wherever its digest comes from. */
async function approve(
  idStart: string,
  flags: SettleFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<void> {
  const id = await wholeId(idStart, flags, io)
  const seen = flags.digest ?? (await shownDigest(id, flags, io, reporter))
  const body = { ...actOf(flags), ...(seen === undefined ? {} : { digest: seen }) }
  report(await askHandler(flags, io, 'approveHold', { holdId: id }, body), reporter)
}

/**
 * Shows it and asks; undefined where there is nobody to ask, as in scripts.
 *
 * @throws UsageError when the answer is not yes
 */
async function shownDigest(
  id: string,
  flags: SettleFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<string | undefined> {
  if (io.ask === undefined || flags.json === true) {
    reporter.warning(
      `nobody was shown what is approved: read \`hold show ${id}\`, and give its digest with \`--digest\``,
    )
    return undefined
  }
  const details = await askHandler(flags, io, 'showHold', { holdId: id })
  for (const line of linesOf(details, io.stderr.columns)) reporter.story(line)
  if (await io.ask('approve this?')) return details.digest
  throw new UsageError('not confirmed; nothing was approved')
}

async function reject(
  idStart: string,
  flags: SettleFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<void> {
  const id = await wholeId(idStart, flags, io)
  report(await askHandler(flags, io, 'rejectHold', { holdId: id }, actOf(flags)), reporter)
}

function report(hold: HoldInfo, reporter: Reporter): void {
  const { id, state, approvals, approved, approvalsWanted, summary } = hold
  const missing = approvalsWanted - (approved ?? approvals.length)
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
