/** `limits list|release`: what counts of the rolling limits, and giving back what a failed transaction spent. */
import type { Command } from 'commander'
import type { LimitInfo } from '../../common/admin-api.ts'
import type { CommandIo } from './command-io.ts'
import {
  askHandler,
  guarded,
  personOf,
  printJson,
  withPerson,
  withPlace,
} from './operator-client.ts'
import type { HandlerPlace } from './operator-client.ts'
import { table, timeLeft } from './table.ts'

interface Options extends HandlerPlace {
  readonly json?: true
  readonly by?: string
  readonly note?: string
}

/** Adds the `limits` commands. Exit code 0 done, 1 refused by the handler, 2 usage or no handler. */
export function registerLimitCommands(program: Command, io: CommandIo): void {
  const limits = program.command('limits').description('show and give back rolling limits')
  withPlace(limits.command('list'))
    .description('what counts now, by limit and key')
    .action((options: Options) => guarded(io, () => list(options, io)))
  withPerson(withPlace(limits.command('release')))
    .description('give back everything that a transaction was charged, because it failed')
    .argument('<txId>', 'id of the transaction')
    .option('--note <text>', 'why, for the record')
    .action((txId: string, options: Options) => guarded(io, () => release(txId, options, io)))
}

async function list(options: Options, io: CommandIo): Promise<void> {
  const answer = await askHandler(options, io, 'listLimits', {})
  if (options.json) {
    printJson(io, answer)
  } else if (answer.limits.length === 0) {
    io.stdout.write('nothing counts at this moment\n')
  } else {
    io.stdout.write(table(['LIMIT', 'KEY', 'WINDOW', 'COUNT', 'AMOUNT'], answer.limits.map(row)))
  }
}

function row({ limit, key, windowMs, count, maxCount, amount, maxAmount }: LimitInfo): string[] {
  const counts = maxCount === null ? String(count) : `${count} of ${maxCount}`
  const spent = maxAmount === null ? '' : `${amount} of ${maxAmount}`
  return [limit, key, timeLeft(windowMs), counts, spent]
}

async function release(txId: string, options: Options, io: CommandIo): Promise<void> {
  const body = { txId, by: personOf(options.by), note: options.note ?? '' }
  const answer = await askHandler(options, io, 'releaseLimits', {}, body)
  if (options.json) {
    printJson(io, answer)
    return
  }
  for (const { limit, key, amount } of answer.released) {
    io.stdout.write(`released ${limit} ${key}: ${amount}\n`)
  }
}
