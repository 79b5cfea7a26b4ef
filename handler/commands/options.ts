/** Options that several commands share, and the paths they lead to. */
import { userInfo } from 'node:os'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { Reporter } from '../../common/reporter.ts'
import { pathsOf } from '../config/paths.ts'
import type { Paths } from '../config/paths.ts'
import type { CommandIo } from './command-io.ts'

export interface StateFlags {
  readonly stateDir?: string
  readonly json?: boolean
}

/** Options of commands that read the decision store. */
export interface StoreFlags extends StateFlags {
  readonly store?: string
  /** The name of `--store` in version 0.1.0. */
  readonly db?: string
}

/** Options of commands that ask the running handler. */
export interface SocketFlags extends StateFlags {
  readonly socket?: string
}

/** Options of commands that go on record. */
export interface PersonFlags {
  readonly by?: string | undefined
  readonly note?: string | undefined
}

/** Adds the options of `StoreFlags`. */
export function withStore(command: Command): Command {
  return withStateDir(command)
    .option(
      '--store <file>',
      'decision store (default: HANDLER_STORE, or decisions.db in the state directory)',
    )
    .addOption(new Option('--db <file>', 'the same as --store').hideHelp())
}

/** Adds the options of `SocketFlags`. */
export function withSocket(command: Command): Command {
  return withStateDir(command)
    .option(
      '--socket <path>',
      'admin socket (default: HANDLER_ADMIN_SOCKET, or admin.sock in the state directory)',
    )
    .option('--json', 'print the answer of the handler as JSON')
}

/** Adds the options of `PersonFlags`. */
export function withPerson(command: Command): Command {
  return withBy(command).option('--note <text>', 'why, for the record')
}

/** Adds `--by`. */
export function withBy(command: Command): Command {
  return command.option('--by <name>', 'who you are (default: the login name); not authenticated')
}

function withStateDir(command: Command): Command {
  return command.option(
    '--state-dir <dir>',
    'state directory (default: HANDLER_STATE_DIR or ./state)',
  )
}

/** Who acts, and why: a claim, not a proof. */
export function actOf({ by, note }: PersonFlags): { readonly by: string; readonly note: string } {
  return { by: by ?? userInfo().username, note: note ?? '' }
}

/**
 * The paths of a command that reads the store; says so when `--state-dir` leads to another store than the handler's.
 *
 * @throws UsageError
 */
export function storePathsOf(flags: StoreFlags, io: CommandIo, reporter: Reporter): Paths {
  const paths = pathsOf(io.env, { stateDir: flags.stateDir, store: flags.store ?? flags.db })
  if (paths.passedOver.includes('HANDLER_STORE')) {
    reporter.warning(
      `\`--state-dir\` is used, not \`HANDLER_STORE\`: reading \`${paths.storePath}\``,
    )
  }
  return paths
}
