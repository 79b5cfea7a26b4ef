/** `statement sign` and `statement keygen`: an initiator's extra signature from the command line. */
import type { Command } from 'commander'
import { readPrivateFile, writeNew } from '../../common/atomic-file.ts'
import { durationMs } from '../../common/duration.ts'
import { errnoOf, messageOf, UsageError } from '../../common/errors.ts'
import type { Reporter } from '../../common/reporter.ts'
import { escapeUnprintable } from '../../common/terminal.ts'
import { contentDigest } from '../policy/rawtx/messages.ts'
import type { Statement } from '../policy/statement-text.ts'
import { generateStatementKey, signStatement } from '../policy-files/statement-signature.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { readInput } from './read-input.ts'

interface SignFlags {
  readonly key: string
  readonly externalTxId: string
  readonly operation: string
  readonly asset: string
  readonly amount?: string
  readonly source: string
  readonly destination?: string
  readonly destinationAddress?: string
  readonly contractCallDataFile?: string
  readonly content?: readonly string[]
  readonly expiresIn: string
}

/** Adds `statement sign` and `statement keygen` to the handler's program. */
export function registerStatementCommands(program: Command, io: CommandIo): void {
  const statement = program
    .command('statement')
    .description('extra signatures: what the initiator of a transaction vouches for')
  statement
    .command('sign')
    .description('print the members to add to `extraParameters`, as JSON')
    .requiredOption('--key <file>', 'PEM private key, readable by its owner only')
    .requiredOption('--external-tx-id <id>', 'the id the transaction is created with')
    .option('--operation <name>', 'operation', 'TRANSFER')
    .requiredOption('--asset <id>', 'asset id')
    .option('--amount <decimal>', 'requested amount')
    .requiredOption('--source <type:id>', 'e.g. VAULT:0')
    .option('--destination <type:id>', 'e.g. VAULT:1')
    .option('--destination-address <address>', 'destination address')
    .option('--contract-call-data-file <file>', 'call data of a CONTRACT_CALL, as it is sent')
    .option('--content <hex...>', 'what a RAW or TYPED_MESSAGE transaction has signed, in order')
    .option('--expires-in <duration>', 'e.g. 90s, 30m, 12h or 2d', '1h')
    .action((flags: SignFlags) => perform(io, {}, (reporter) => signCommand(flags, io, reporter)))
  statement
    .command('keygen')
    .description('make an Ed25519 key; the public half is printed, for the policy')
    .requiredOption('--out <file>', 'where the private key goes; must not exist')
    .action(({ out }: { readonly out: string }) =>
      perform(io, {}, (reporter) => keygenCommand(out, reporter)),
    )
}

async function signCommand(flags: SignFlags, io: CommandIo, reporter: Reporter): Promise<void> {
  const callData =
    flags.contractCallDataFile === undefined
      ? undefined
      : (await readInput(flags.contractCallDataFile, io)).trim()
  const signed = signStatement(
    {
      externalTxId: flags.externalTxId,
      operation: flags.operation,
      asset: flags.asset,
      source: flags.source,
      expiry: expiryOf(flags.expiresIn, io.clock.now()),
      ...present({
        amount: flags.amount,
        destination: flags.destination,
        destinationAddress: flags.destinationAddress,
        contractCallData: callData,
        contentDigest: flags.content === undefined ? undefined : contentDigest(flags.content),
      }),
    },
    await readKey(flags.key),
  )
  const lines = JSON.stringify(signed, null, 2).split('\n').map(escapeUnprintable)
  reporter.result({ facts: signed, lines })
}

async function readKey(file: string): Promise<string> {
  try {
    return await readPrivateFile(file)
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause
    throw new UsageError(`\`${file}\` cannot be read (${errnoOf(cause)})`, { cause })
  }
}

async function keygenCommand(out: string, reporter: Reporter): Promise<void> {
  const { privateKeyPem, publicKeyPem } = generateStatementKey()
  await writeNew(out, privateKeyPem).catch((cause: unknown) => {
    throw new UsageError(
      errnoOf(cause) === 'EEXIST'
        ? `\`${out}\` exists and is not overwritten`
        : `\`${out}\` cannot be written (${errnoOf(cause) ?? messageOf(cause)})`,
      { cause },
    )
  })
  reporter.story(`private key written to ${out}`)
  reporter.result({ facts: { publicKeyPem }, lines: publicKeyPem.trimEnd().split('\n') })
}

/** The members that have a value. */
function present(members: { readonly [Name in keyof Statement]?: string | undefined }) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

function expiryOf(text: string, now: Date): string {
  const expiry = new Date(now.getTime() + durationMs(text))
  if (Number.isNaN(expiry.getTime())) {
    throw new UsageError(`\`${text}\` is not a duration`, { hint: 'e.g. 90s, 30m, 12h or 2d' })
  }
  return expiry.toISOString()
}
