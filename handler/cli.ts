/** Commands of the handler; each is loaded when it is called, so that help and checks of usage are quick. */
import { Command, CommanderError } from 'commander'
import { addCompletion } from '../common/completion.ts'
import { EXIT } from '../common/exit-codes.ts'
import type { CheckFlags } from './commands/check.ts'
import { perform } from './commands/command-io.ts'
import type { CommandIo } from './commands/command-io.ts'
import { VERSION } from '../common/version.ts'

/** Serves until it is stopped; sets the exit code. */
export type RunCommand = (io: CommandIo) => Promise<void>

interface Group {
  readonly name: string
  readonly description: string
  readonly load: () => Promise<(program: Command, io: CommandIo) => void>
}

/** Groups of commands; only the one that is called is loaded. */
const GROUPS: readonly Group[] = [
  {
    name: 'policy',
    description: 'check, explain and replay policies',
    load: async () => (await import('./commands/policy.ts')).registerPolicyCommands,
  },
  {
    name: 'hold',
    description: 'list held requests, release or refuse them',
    load: async () => (await import('./commands/hold.ts')).registerHoldCommands,
  },
  {
    name: 'freeze',
    description: 'approve nothing from now on; `freeze status` says whether that is so',
    load: async () => (await import('./commands/freeze.ts')).registerFreezeCommand,
  },
  {
    name: 'unfreeze',
    description: 'end a freeze',
    load: async () => (await import('./commands/freeze.ts')).registerUnfreezeCommand,
  },
  {
    name: 'limits',
    description:
      'show what counts of the rolling limits, give back what a failed transaction spent',
    load: async () => (await import('./commands/limits.ts')).registerLimitCommands,
  },
  {
    name: 'audit',
    description: 'verify, export and accept the record of decisions',
    load: async () => (await import('./commands/audit.ts')).registerAuditCommands,
  },
  {
    name: 'approval',
    description: 'sign what `hold request` prints, on any machine',
    load: async () => (await import('./commands/approval.ts')).registerApprovalCommands,
  },
  {
    name: 'approver',
    description: 'people who sign what they approve',
    load: async () => (await import('./commands/approval.ts')).registerApproverCommands,
  },
  {
    name: 'statement',
    description: 'extra signatures: what the initiator of a transaction vouches for',
    load: async () => (await import('./commands/statement.ts')).registerStatementCommands,
  },
]

/** Runs the command line. `run` is the one command that opens sockets; `main.ts` brings it. */
export async function runCli(
  argv: readonly string[],
  io: CommandIo,
  run: RunCommand,
): Promise<void> {
  const program = new Command('countersign-handler')
    .description('answers the callbacks of a Fireblocks API Co-signer')
    .version(VERSION)
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    })
    .exitOverride()
  program
    .command('run', { isDefault: true })
    .description('serve callbacks until SIGTERM or SIGINT (settings: HANDLER_* variables)')
    .action(() => run(io))
  program
    .command('check')
    .description('look at everything that `run` would refuse; start nothing, make nothing')
    .option('--running', 'a handler runs here: leave out its lock, addresses and admin socket')
    .option('--json', 'one JSON object instead of lines')
    .action((flags: CheckFlags) =>
      perform(io, flags, async (reporter) => {
        const { check } = await import('./commands/check.ts')
        return check(flags, io, reporter)
      }),
    )
  program
    .command('log')
    .description(
      'print the JSON lines of a log for people: `countersign-handler run | countersign-handler log`',
    )
    .action(() =>
      perform(io, {}, async () => {
        const { readableLog } = await import('./commands/log.ts')
        await readableLog(io)
      }),
    )
  for (const { name, description, load } of GROUPS) {
    // A completion script knows all of them.
    if (argv[0] === name || argv[0] === 'completion') (await load())(program, io)
    else program.command(name).description(description)
  }
  addCompletion(program, (text) => io.stdout.write(text))
  program
    .command('config-docs', { hidden: true })
    .description('print docs/configuration.md')
    .action(async () => {
      const { renderConfigDocs } = await import('./config/config-docs.ts')
      io.stdout.write(renderConfigDocs())
    })
  program
    .command('error-docs', { hidden: true })
    .description('print docs/errors.md')
    .action(async () => {
      const { renderErrorDocs } = await import('../common/error-docs.ts')
      io.stdout.write(renderErrorDocs())
    })
  program
    .command('metrics-docs', { hidden: true })
    .description('print docs/metrics.md')
    .action(async () => {
      const { renderMetricsDocs } = await import('./telemetry/metrics-docs.ts')
      io.stdout.write(renderMetricsDocs())
    })
  await perform(io, {}, async () => {
    try {
      await program.parseAsync(argv, { from: 'user' })
      return io.exitCode
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      // Help and version end this way, too.
      return error.exitCode === 0 ? EXIT.done : EXIT.usage
    }
  })
}
