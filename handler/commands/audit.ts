/** `audit verify|show|export|accept-store`: whether the audit chain is unaltered, what is in it, and accepting a store. */
import type { Command } from 'commander'
import { acceptStore } from './audit-accept.ts'
import type { AcceptOptions } from './audit-accept.ts'
import { exportChain } from './audit-export.ts'
import type { ExportCommandOptions } from './audit-export.ts'
import { verifyChain } from './audit-verify.ts'
import type { VerifyCommandOptions } from './audit-verify.ts'
import { showStory } from './audit-show.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { withStore } from './options.ts'
import type { StoreFlags } from './options.ts'

/** Adds the `audit` commands to the program. */
export function registerAuditCommands(program: Command, io: CommandIo): void {
  const audit = program.command('audit').description('read and verify the record of all decisions')
  withStore(audit.command('verify'))
    .description(
      'verify every record, signature, table and the high-water mark; exit code 10 when damaged, 11 when nothing proves it',
    )
    .option('--keys <dir>', 'directory with g<N>/public.pem (default: keys in the state directory)')
    .option(
      '--cosigner-keys <path>',
      'keys of the co-signers, to verify each request that they sent',
    )
    .option('--checkpoint <file...>', 'checkpoints kept elsewhere, e.g. a copy of the log')
    .option('--no-mark', 'do not ask for the high-water mark, for a copy that came without')
    .option('--json', 'print the result as JSON')
    .action((options: VerifyCommandOptions) =>
      perform(io, options, (reporter) => verifyChain(options, io, reporter)),
    )
  withStore(audit.command('show'))
    .description('all records about a transaction, a request or a hold, and what was asked')
    .argument('<id>', 'a `txId`, a `requestId`, or the whole id of a hold')
    .option('--json', 'print the result as JSON')
    .action((id: string, flags: StoreFlags) =>
      perform(io, flags, (reporter) => showStory(id, flags, io, reporter)),
    )
  withStore(audit.command('export'))
    .description('print records as JSON lines, without evidence and free text')
    .option('--since <time>', 'from this ISO 8601 time on')
    .option('--until <time>', 'before this ISO 8601 time')
    .option('--from-seq <n>', 'from this record on')
    .option('--with-evidence', 'print records as they are hashed, and the tokens of the co-signer')
    .action((options: ExportCommandOptions) =>
      perform(io, options, (reporter) => exportChain(options, io, reporter)),
    )
  withStore(audit.command('accept-store'))
    .description('accept a store that is older than its high-water mark or another one')
    .option('--yes', 'yes, no newer store exists')
    .option('--by <name>', 'who accepts it (default: the user of this process)')
    .action((options: AcceptOptions) =>
      perform(io, options, (reporter) => acceptStore(options, io, reporter)),
    )
}
