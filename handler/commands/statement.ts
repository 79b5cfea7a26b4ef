/** `statement sign` and `statement keygen`: an initiator's extra signature from the command line. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { readPrivateFile, writeNew } from '../../common/atomic-file.ts'
import { CountersignError, errnoOf } from '../../common/errors.ts'
import { contentDigest } from '../policy/rawtx/messages.ts'
import type { Statement } from '../policy/statement-text.ts'
import { generateStatementKey, signStatement } from '../policy-files/statement-signature.ts'
import type { CommandIo } from './command-io.ts'

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
    .option('--expires-in <duration>', 'e.g. 30m, 12h or 2d', '1h')
    .action((flags: SignFlags) => signCommand(flags, io))
  statement
    .command('keygen')
    .description('make an Ed25519 key; the public half is printed, for the policy')
    .requiredOption('--out <file>', 'where the private key goes; must not exist')
    .action(({ out }: { readonly out: string }) => keygenCommand(out, io))
}

async function signCommand(flags: SignFlags, io: CommandIo): Promise<void> {
  const callData =
    flags.contractCallDataFile === undefined
      ? undefined
      : (await readFile(flags.contractCallDataFile, 'utf8')).trim()
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
    await readPrivateFile(flags.key),
  )
  io.stdout.write(`${JSON.stringify(signed, null, 2)}\n`)
}

async function keygenCommand(out: string, io: CommandIo): Promise<void> {
  const { privateKeyPem, publicKeyPem } = generateStatementKey()
  await writeNew(out, privateKeyPem).catch((cause: unknown) => {
    if (errnoOf(cause) !== 'EEXIST') throw cause
    throw new CountersignError(`\`${out}\` exists and is not overwritten`, { cause })
  })
  io.stderr.write(`private key written to ${out}\n`)
  io.stdout.write(publicKeyPem)
}

/** The members that have a value. */
function present(members: { readonly [Name in keyof Statement]?: string | undefined }) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

function expiryOf(duration: string, now: Date): string {
  const [, count, unit] = /^([1-9][0-9]{0,3})([mhd])$/.exec(duration) ?? []
  const unitMs = UNITS[unit ?? '']
  if (unitMs === undefined) {
    throw new CountersignError(`\`${duration}\` is not a duration`, { hint: 'e.g. 30m, 12h or 2d' })
  }
  return new Date(now.getTime() + Number(count) * unitMs).toISOString()
}
