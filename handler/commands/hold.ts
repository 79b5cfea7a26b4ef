/** `hold list|show|request|approve|reject`: requests that wait for people, and their decisions. */
import type { Command } from 'commander'
import type { Act, HoldDetails, HoldInfo } from '../../common/admin-api.ts'
import { formatDuration } from '../../common/duration.ts'
import { UsageError } from '../../common/errors.ts'
import type { Reporter } from '../../common/reporter.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { askHandler } from './operator-client.ts'
import { actOf, withPerson, withSocket } from './options.ts'
import type { PersonFlags, SocketFlags } from './options.ts'
import { readInput } from './read-input.ts'
import { sectionLines } from './sections.ts'
import { table } from './table.ts'

const ID = 'id of the hold, or enough of its beginning'
interface SettleFlags extends SocketFlags, PersonFlags {
  readonly digest?: string
  readonly approver?: string
  readonly signature?: string
}

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
  withSocket(hold.command('request'))
    .description('print the act that an approver of the policy signs, for `approval sign`')
    .argument('<id>', ID)
    .option('--reject', 'the act that refuses it')
    .action((id: string, flags: RequestFlags) =>
      perform(io, flags, (reporter) => request(id, flags, io, reporter)),
    )
  withSignature(withPerson(withSocket(hold.command('approve'))))
    .description('show it, ask, and release it, once')
    .argument('<id>', ID)
    .option('--digest <digits>', 'what `hold show` said: approves without a question')
    .action((id: string, flags: SettleFlags) =>
      perform(io, flags, (reporter) => approve(id, flags, io, reporter)),
    )
  withSignature(withPerson(withSocket(hold.command('reject'))))
    .description('refuse it for good')
    .argument('<id>', ID)
    .action((id: string, flags: SettleFlags) =>
      perform(io, flags, (reporter) => reject(id, flags, io, reporter)),
    )
}

interface RequestFlags extends SocketFlags {
  readonly reject?: boolean
}

function withSignature(command: Command): Command {
  return command
    .option('--approver <name>', 'the approver of the policy who has signed')
    .option('--signature <file>', 'what `approval sign` has printed; `-` for stdin')
}

/** The bytes of standard output are what is signed. */
async function request(
  idStart: string,
  flags: RequestFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<void> {
  const id = await wholeId(idStart, flags, io)
  const facts = await askHandler(flags, io, 'requestHold', { holdId: id })
  const text = flags.reject === true ? facts.reject : facts.approve
  reporter.result({ facts, lines: text.trimEnd().split('\n') })
}

/** Who decides: an approver who has signed, or a name. @throws UsageError when it is not clear which */
async function personOf(flags: SettleFlags, io: CommandIo): Promise<Act> {
  const { approver, signature, by, note = '' } = flags
  if (approver === undefined && signature === undefined) return actOf(flags)
  if (approver === undefined || signature === undefined || by !== undefined) {
    throw new UsageError('give `--approver` and `--signature`, or `--by`')
  }
  const text = (await readInput(signature, io)).trim()
  return { by: approver, note, assertion: { signature: text } }
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
  const person = await personOf(flags, io)
  // Whoever has signed has seen the act, which names the request.
  const isSigned = person.assertion !== undefined
  const seen = flags.digest ?? (isSigned ? undefined : await shownDigest(id, flags, io, reporter))
  const body = { ...person, ...(seen === undefined ? {} : { digest: seen }) }
  report(await askHandler(flags, io, 'approveHold', { holdId: id }, body), reporter)
}

/**
 * Shows it and asks.
 *
 * @throws UsageError when the answer is not yes, and where there is nobody to ask, as in scripts
 */
async function shownDigest(
  id: string,
  flags: SettleFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<string> {
  if (io.ask === undefined || flags.json === true) {
    throw new UsageError('nobody was shown what would be approved', {
      hint: `read \`hold show ${id}\`, and give its digest with \`--digest\``,
    })
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
  report(
    await askHandler(flags, io, 'rejectHold', { holdId: id }, await personOf(flags, io)),
    reporter,
  )
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
