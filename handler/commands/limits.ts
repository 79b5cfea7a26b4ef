/** `limits list|release`: what counts of the rolling limits, and giving back what a failed transaction spent. */
import type { Command } from 'commander'
import type { LimitInfo } from '../../common/admin-api.ts'
import { formatDuration } from '../../common/duration.ts'
import type { Result } from '../../common/reporter.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { askHandler } from './operator-client.ts'
import { actOf, withPerson, withSocket } from './options.ts'
import type { PersonFlags, SocketFlags } from './options.ts'
import { table } from './table.ts'

/** Adds the `limits` commands. */
export function registerLimitCommands(program: Command, io: CommandIo): void {
  const limits = program.command('limits').description('show and give back rolling limits')
  withSocket(limits.command('list'))
    .description('what counts now, by limit and key')
    .action((flags: SocketFlags) =>
      perform(io, flags, async (reporter) => reporter.result(await list(flags, io))),
    )
  withPerson(withSocket(limits.command('release')))
    .description('give back everything that a transaction was charged, because it failed')
    .argument('<txId>', 'id of the transaction')
    .action((txId: string, flags: SocketFlags & PersonFlags) =>
      perform(io, flags, async (reporter) => reporter.result(await release(txId, flags, io))),
    )
}

async function list(flags: SocketFlags, io: CommandIo): Promise<Result> {
  const answer = await askHandler(flags, io, 'listLimits', {})
  const lines =
    answer.limits.length === 0
      ? ['nothing counts at this moment']
      : table(['LIMIT', 'KEY', 'WINDOW', 'COUNT', 'AMOUNT'], answer.limits.map(row))
  return { facts: answer, lines }
}

function row({ limit, key, windowMs, count, maxCount, amount, maxAmount }: LimitInfo): string[] {
  const counts = maxCount === null ? String(count) : `${count} of ${maxCount}`
  const spent = maxAmount === null ? '' : `${amount} of ${maxAmount}`
  return [limit, key, formatDuration(windowMs), counts, spent]
}

async function release(
  txId: string,
  flags: SocketFlags & PersonFlags,
  io: CommandIo,
): Promise<Result> {
  const answer = await askHandler(flags, io, 'releaseLimits', {}, { txId, ...actOf(flags) })
  const lines = answer.released.map(
    ({ limit, key, amount }) => `released ${limit} ${key}: ${amount}`,
  )
  return { facts: answer, lines }
}
