/**
 * `approval sign` and `approver enrol`: what an approver does, on whatever machine their key is. Neither asks a handler, reads
 * its settings or stores anything but a new key.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { readPrivateFile, writeNew } from '../../common/atomic-file.ts'
import { errnoOf, KeyMaterialError, messageOf, UsageError } from '../../common/errors.ts'
import type { Reporter } from '../../common/reporter.ts'
import { parseAct } from '../policy/approvals/act.ts'
import { canonicalKey, shortFingerprint } from '../policy/approvals/approver-key.ts'
import { digestFor } from '../policy/signature.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { readInput } from './read-input.ts'

interface SignFlags {
  readonly key: string
  readonly passphraseFile?: string
  readonly yes?: boolean
}

interface EnrolFlags {
  readonly name: string
  readonly key?: string
  readonly out?: string
  readonly notAfter?: string
  readonly passphraseFile?: string
}

const PASSPHRASE = 'file with the passphrase of the key'

/** Adds `approval sign`. */
export function registerApprovalCommands(program: Command, io: CommandIo): void {
  program
    .command('approval')
    .description('sign what `hold request` prints, on any machine')
    .command('sign')
    .description('show the act, ask, and print the signature for `hold approve --signature`')
    .argument('<act>', 'a file with what `hold request` has printed; `-` for stdin')
    .requiredOption('--key <file>', 'PEM private key, readable by its owner only')
    .option('--passphrase-file <file>', PASSPHRASE)
    .option('--yes', 'sign without a question: the act was read elsewhere')
    .action((act: string, flags: SignFlags) =>
      perform(io, {}, (reporter) => signAct(act, flags, io, reporter)),
    )
}

/** Adds `approver enrol`. */
export function registerApproverCommands(program: Command, io: CommandIo): void {
  program
    .command('approver')
    .description('people who sign what they approve')
    .command('enrol')
    .description('print the entry of an approver for the policy file; nothing else is stored')
    .requiredOption('--name <name>', 'as groups of the policy will call them')
    .option('--out <file>', 'make an Ed25519 key and write it there; must not exist')
    .option('--key <file>', 'a key that is there: PEM, private or public')
    .option('--not-after <time>', 'when the key ends, in ISO 8601')
    .option('--passphrase-file <file>', PASSPHRASE)
    .action((flags: EnrolFlags) => perform(io, {}, (reporter) => enrol(flags, io, reporter)))
}

async function signAct(
  file: string,
  flags: SignFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<void> {
  const text = await readInput(file, io)
  if (parseAct(text) === undefined) {
    throw new UsageError('this is no act', { hint: 'give what `hold request` prints, unchanged' })
  }
  const key = privateKeyOf(await readSecret(flags.key), await passphraseOf(flags))
  for (const line of text.trimEnd().split('\n')) reporter.story(line)
  if (flags.yes !== true) {
    if (io.ask === undefined) {
      throw new UsageError('there is nobody to ask', {
        hint: 'name the act as a file and sign at a terminal, or say `--yes` where it was read',
      })
    }
    if (!(await io.ask('sign this?'))) throw new UsageError('not confirmed; nothing was signed')
  }
  const signature = sign(digestFor(key, 'an approver key'), Buffer.from(text), key)
  const made = signature.toString('base64')
  reporter.result({ facts: { signature: made }, lines: [made] })
}

async function enrol(flags: EnrolFlags, io: CommandIo, reporter: Reporter): Promise<void> {
  const { name, key, out, notAfter } = flags
  if ((key === undefined) === (out === undefined)) {
    throw new UsageError('give either `--out` or `--key`')
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new UsageError(`\`${name}\` is no name`, { hint: 'letters, digits, `.`, `_` and `-`' })
  }
  if (notAfter !== undefined && Number.isNaN(Date.parse(notAfter))) {
    throw new UsageError(`\`${notAfter}\` is not a time in ISO 8601`)
  }
  const passphrase = await passphraseOf(flags)
  const publicKey =
    out === undefined
      ? await publicKeyIn(key ?? '', passphrase, io)
      : await newKey(out, passphrase, reporter)
  const found = canonicalKey(publicKey.export({ format: 'pem', type: 'spki' }).toString())
  if ('problem' in found) throw new UsageError(found.problem)
  const end =
    notAfter === undefined ? {} : { notAfter: new Date(Date.parse(notAfter)).toISOString() }
  const entry = { approvers: { [name]: { keys: [{ publicKey: found.publicKey, ...end }] } } }
  reporter.story(`fingerprint ${shortFingerprint(found.fingerprint)}: compare it over the phone`)
  reporter.result({
    facts: { ...entry, fingerprint: found.fingerprint },
    lines: stringify(entry, { lineWidth: 0 }).trimEnd().split('\n'),
  })
}

async function newKey(
  out: string,
  passphrase: string | undefined,
  reporter: Reporter,
): Promise<KeyObject> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const format = { format: 'pem', type: 'pkcs8' } as const
  const pem = privateKey.export(
    passphrase === undefined ? format : { ...format, cipher: 'aes-256-cbc', passphrase },
  )
  await writeNew(out, pem).catch((cause: unknown) => {
    const why = errnoOf(cause) === 'EEXIST' ? 'it exists' : (errnoOf(cause) ?? messageOf(cause))
    throw new UsageError(`\`${out}\` cannot be written (${why})`, { cause })
  })
  reporter.story(`private key written to ${out}`)
  return publicKey
}

async function publicKeyIn(
  file: string,
  passphrase: string | undefined,
  io: CommandIo,
): Promise<KeyObject> {
  const text = await readInput(file, io)
  if (text.includes('PRIVATE KEY')) {
    // Whoever keeps a private key where others can read it should know before it counts.
    return createPublicKey(privateKeyOf(await readSecret(file), passphrase))
  }
  try {
    return createPublicKey(text)
  } catch (cause) {
    throw new KeyMaterialError(`\`${file}\` is no PEM key`, { cause })
  }
}

function privateKeyOf(pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase })
  } catch (cause) {
    const isLocked = pem.includes('ENCRYPTED') && passphrase === undefined
    throw new KeyMaterialError('the key cannot be read', {
      cause,
      hint: isLocked
        ? 'it is encrypted: give `--passphrase-file`'
        : 'it must be a PEM private key, and the passphrase its own',
    })
  }
}

async function passphraseOf({
  passphraseFile,
}: {
  readonly passphraseFile?: string
}): Promise<string | undefined> {
  if (passphraseFile === undefined) return undefined
  return (await readSecret(passphraseFile)).replace(/\r?\n$/, '')
}

async function readSecret(file: string): Promise<string> {
  try {
    return await readPrivateFile(file)
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause
    throw new UsageError(`\`${file}\` cannot be read (${errnoOf(cause)})`, { cause })
  }
}
