/**
 * The emulator's command line, with the process as a parameter: starts both remote parties, waits,
 * stops them.
 */
import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { systemClock, systemSleep } from '../common/clock.ts'
import { addCompletion } from '../common/completion.ts'
import { CountersignError, errnoOf, messageOf } from '../common/errors.ts'
import { printableLines } from '../common/terminal.ts'
import { VERSION } from '../common/version.ts'
import { startEmulator } from './emulator.ts'
import { parseListen, refuseRealBasePath } from './guard.ts'

/** What the command may touch. */
export interface EmulatorIo {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The ready line, and `--help`. */
  readonly stdout: { write(text: string): unknown }
  /** Errors, and bugs of the emulator. */
  readonly stderr: { write(text: string): unknown }
  /** Aborts when the process is to end. */
  readonly ending: AbortSignal
}

interface Flags {
  readonly listen: string
  readonly dir: string
  readonly cosignerKeysDir?: string
  readonly handlerHost?: readonly string[]
  readonly seed?: number
  readonly autoApprove?: number
  readonly ca?: string
  readonly cosigners: number
}

/**
 * Runs until `ending` aborts; `argv` is without the program's name.
 *
 * @returns the exit code: 0 ended as asked, 2 usage or configuration, 70 bug
 */
export async function runEmulator(argv: readonly string[], io: EmulatorIo): Promise<number> {
  try {
    await commandFor(io).parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const say = (text: string) => io.stderr.write(`${printableLines(text)}\n`)
    say(`error: ${messageOf(error)}`)
    if (error instanceof CountersignError) {
      if (error.hint !== undefined) say(`hint: ${error.hint}`)
      return 2
    }
    if (errnoOf(error) !== undefined) return 2
    say(error instanceof Error ? (error.stack ?? '') : '')
    return 70
  }
}

function commandFor(io: EmulatorIo): Command {
  const program = new Command('countersign-emulator')
    .description('Emulates the custody API and the co-signer on loopback, with throw-away keys.')
    .version(VERSION)
    .option('--listen <host:port>', 'loopback address; port 0 takes a free one', '127.0.0.1:9070')
    .option('--dir <dir>', 'where emulator.json and the keys are written', './emulator-state')
    .option('--cosigner-keys-dir <dir>', 'where the request keys go (default: in --dir)')
    .option(
      '--handler-host <name...>',
      'host names that are called as they are; all others are taken for this machine',
    )
    .option('--seed <number>', 'seed of all chance (default: random, printed)', wholeNumber)
    .option('--auto-approve <ms>', 'approve every request after so many milliseconds', wholeNumber)
    .option(
      '--ca <file>',
      'PEM roots to trust: handlers without a pinned certificate must chain to them',
    )
    .option('--cosigners <n>', 'how many co-signers the workspace has, 1 to 4', cosignerCount, 1)
    .addHelpText('after', '\nEverything else is done over the control API: see docs/emulator.md.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    })
    .action((flags: Flags) => run(flags, io))
  addCompletion(program, (text) => io.stdout.write(text))
  return program
}

async function run(flags: Flags, io: EmulatorIo): Promise<void> {
  refuseRealBasePath(io.env['FIREBLOCKS_BASE_PATH'])
  const emulator = await startEmulator({
    listen: parseListen(flags.listen),
    dir: flags.dir,
    cosignerKeysDir: flags.cosignerKeysDir,
    handlerHosts: flags.handlerHost,
    seed: flags.seed ?? randomInt(2 ** 32),
    autoApproveMs: flags.autoApprove,
    cosigners: flags.cosigners,
    caPem: flags.ca === undefined ? undefined : await readFile(flags.ca, 'utf8'),
    clock: systemClock,
    sleep: systemSleep,
    onBug: (message) => io.stderr.write(printableLines(`bug: ${message}\n`)),
  })
  const { apiBasePath, controlUrl, seed } = emulator.json
  io.stdout.write(`ready: api ${apiBasePath} control ${controlUrl} dir ${flags.dir} seed ${seed}\n`)
  if (!io.ending.aborted) {
    await new Promise<void>((resolve) => {
      io.ending.addEventListener('abort', () => resolve(), { once: true })
    })
  }
  await emulator.stop()
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d{1,10}$/.test(text) || value >= 2 ** 32) {
    throw new InvalidArgumentError('give a whole number.')
  }
  return value
}

function cosignerCount(text: string): number {
  if (!/^[1-4]$/.test(text)) throw new InvalidArgumentError('give a number from 1 to 4.')
  return Number(text)
}
