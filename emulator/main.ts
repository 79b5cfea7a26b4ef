#!/usr/bin/env node
/** The emulator's command line: starts both remote parties on loopback and stops them on SIGTERM or SIGINT. */
import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { systemClock, systemSleep } from '../common/clock.ts'
import { CountersignError, errnoOf, messageOf } from '../common/errors.ts'
import { startEmulator } from './emulator.ts'
import { parseListen, refuseRealBasePath } from './guard.ts'

interface Flags {
  readonly listen: string
  readonly dir: string
  readonly seed?: number
  readonly autoApprove?: number
  readonly ca?: string
  readonly cosigners: number
}

const program = new Command('countersign-emulator')
  .description('Emulates the custody API and the co-signer on loopback, with throw-away keys.')
  .option('--listen <host:port>', 'loopback address; port 0 takes a free one', '127.0.0.1:9070')
  .option('--dir <dir>', 'where emulator.json and the keys are written', './emulator-state')
  .option('--seed <number>', 'seed of all chance (default: random, printed)', wholeNumber)
  .option('--auto-approve <ms>', 'approve every request after so many milliseconds', wholeNumber)
  .option(
    '--ca <file>',
    'PEM roots to trust: handlers without a pinned certificate must chain to them',
  )
  .option('--cosigners <n>', 'how many co-signers the workspace has', wholeNumber, 1)
  .addHelpText('after', '\nEverything else is done over the control API: see docs/emulator.md.')
  .action(run)

await program.parseAsync().catch((error: unknown) => {
  const expected = error instanceof CountersignError || errnoOf(error) !== undefined
  console.error(`error: ${messageOf(error)}`)
  if (error instanceof CountersignError && error.hint !== undefined) {
    console.error(`hint: ${error.hint}`)
  }
  if (!expected) console.error(error)
  process.exitCode = expected ? 2 : 70
})

async function run(flags: Flags): Promise<void> {
  refuseRealBasePath(process.env['FIREBLOCKS_BASE_PATH'])
  const emulator = await startEmulator({
    listen: parseListen(flags.listen),
    dir: flags.dir,
    seed: flags.seed ?? randomInt(2 ** 32),
    autoApproveMs: flags.autoApprove,
    cosigners: Math.min(Math.max(flags.cosigners, 1), 4),
    caPem: flags.ca === undefined ? undefined : await readFile(flags.ca, 'utf8'),
    clock: systemClock,
    sleep: systemSleep,
    onBug: (message) => console.error(`bug: ${message}`),
  })
  const { apiBasePath, controlUrl, seed } = emulator.json
  console.log(`ready: api ${apiBasePath} control ${controlUrl} dir ${flags.dir} seed ${seed}`)
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  await emulator.stop()
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d{1,10}$/.test(text) || value >= 2 ** 32) {
    throw new InvalidArgumentError('give a whole number.')
  }
  return value
}
