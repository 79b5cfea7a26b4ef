/**
 * The command line: commands, options and help. Knows words, not meanings; nothing here touches the
 * world.
 */
import { Command, CommanderError, Option } from 'commander'
import { addCompletion } from '../common/completion.ts'
import { VERSION } from '../common/version.ts'

export const COMMANDS = [
  'up',
  'create-user',
  'pair',
  'rotate',
  'status',
  'unpair',
  'forget',
  'doctor',
  'export-addresses',
] as const

export type CommandName = (typeof COMMANDS)[number]

/** What was typed, unjudged: config.ts gives it meaning. */
export interface Invocation {
  readonly command: CommandName
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

/**
 * A command to run; or nothing more to do, because help or the version was printed; or a complaint.
 */
export type Parsed =
  | { readonly invocation: Invocation }
  | { readonly exit: 0 }
  | { readonly exit: 2; readonly complaint: string }

/**
 * Reads the arguments (without node and script).
 *
 * @param write prints help and the version
 */
export function parseCli(argv: readonly string[], write: (text: string) => void): Parsed {
  let invocation: Invocation | undefined
  let complaint: string | undefined
  let printed = false
  const program = createProgram((name, options) => {
    invocation = { command: name, options: { ...program.opts(), ...options } }
  })
  addCompletion(program, (text) => {
    printed = true
    write(text)
  })
  for (const each of [program, ...program.commands]) {
    each.exitOverride().configureOutput({
      writeOut: write,
      writeErr: () => undefined,
      outputError: (text) => {
        complaint = text.trim().replace(/^error: /, '')
      },
    })
  }
  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { exit: 0 }
  }
  if (printed) return { exit: 0 }
  if (complaint !== undefined || invocation === undefined) {
    return { exit: 2, complaint: complaint ?? 'missing command' }
  }
  return { invocation }
}

type Run = (command: CommandName, options: Invocation['options']) => void

function createProgram(run: Run): Command {
  const program = new Command('countersign-bootstrap')
    .description('Pairs a Countersign callback handler with a Fireblocks API Co-signer.')
    .version(VERSION)
    .addHelpText('after', MAIN_HELP)
    // Where this runs is said once, before the command, as in the entrypoint of docker-compose.yml.
    .enablePositionalOptions()
  command(program, run, 'up', 'create the API user if needed, then pair', UP_HELP)
    .addOption(cosigner())
    .addOption(apiKeyId())
    .addOption(new Option('--replace', 'take the place of a handler that is not ours'))
  command(program, run, 'create-user', 'create the co-signer’s API user from a CSR', USER_HELP)
  const pair = command(program, run, 'pair', 'pair the handler with the API user', PAIR_HELP)
  pair.addOption(new Option('--replace', 'take the place of a handler that is not ours'))
  pair.addOption(new Option('--keep-key', 'pair the last key again although it was paired before'))
  const rotate = command(program, run, 'rotate', 'move to a new key and certificate', ROTATE_HELP)
  rotate
    .addOption(new Option('--renew-certificate', 'keep the key, make only a new certificate'))
    .addOption(new Option('--if-due <duration>', 'only when the certificate ends within this: 30d'))
    .addOption(new Option('--accept-gap', 'rotate a pin on one URL although callbacks will fail'))
  command(program, run, 'status', 'tell where things stand; changes nothing', STATUS_HELP)
  command(program, run, 'unpair', 'remove the pairing from the co-signer', UNPAIR_HELP)
  command(program, run, 'forget', 'drop a pairing from the state directory', FORGET_HELP)
  command(program, run, 'doctor', 'compare everything with everything', DOCTOR_HELP).addOption(
    new Option('--watch <interval>', 'repeat; exit 7 on a missing or foreign handler'),
  )
  command(program, run, 'export-addresses', 'list the addresses of own vault accounts', EXPORT_HELP)
    .addOption(new Option('--vaults <ids>', 'only these vault accounts: 0,1,7'))
    .addOption(new Option('--assets <ids>', 'only these assets: ETH,BTC'))
  for (const each of program.commands) {
    if (each.name() === 'create-user' || each.name() === 'up') addUserOptions(each)
    if (each.name() !== 'create-user' && !READS_VAULTS.has(each.name())) addPairingOptions(each)
    if (!READS.has(each.name())) addWriteOptions(each)
    addCommonOptions(each)
  }
  addCommonOptions(program)
  program.addOption(handlerSocket())
  return program
}

/** Commands that change nothing. */
const READS: ReadonlySet<string> = new Set(['status', 'doctor', 'export-addresses'])

/** Commands that are about no pairing. */
const READS_VAULTS: ReadonlySet<string> = new Set(['export-addresses'])

function command(
  program: Command,
  run: Run,
  name: CommandName,
  description: string,
  help: string,
): Command {
  return program
    .command(name)
    .description(description)
    .allowExcessArguments(false)
    .addHelpText('after', help)
    .action((options: Invocation['options']) => run(name, options))
}

function cosigner(): Option {
  return new Option('--cosigner-id <id>', 'the co-signer; default: the only one known here')
}

function apiKeyId(): Option {
  return new Option('--api-key-id <id>', 'the API user; default: the only one known here')
}

function handlerSocket(): Option {
  return new Option(
    '--handler-socket <path>',
    'admin socket of the handler (default: in --state-dir)',
  )
}

function addUserOptions(each: Command): void {
  each
    .option('--name <name>', 'name, at most 30 characters; ends in the key’s fingerprint')
    .option('--role <role>', 'SIGNER, ADMIN, NON_SIGNING_ADMIN, APPROVER, … (default: SIGNER)')
    .option('--setup-type <type>', 'SGX_MACHINE, NITRO_MACHINE, GCP_CONFIDENTIAL_SPACE, …')
    .option('--first-user', 'the first user of a new co-signer: also issue a pairing token')
    .option('--org <organization>', 'organization in the CSR (default: countersign)')
}

function addPairingOptions(each: Command): void {
  if (each.name() !== 'up') each.addOption(cosigner()).addOption(apiKeyId())
  each
    .option('--auth <mode>', 'hybrid, public-key or certificate (default: the handler’s)')
    .addOption(handlerSocket())
    .option('--probe-via <host[:port]>', 'probe through this address instead of the public one')
}

function addWriteOptions(each: Command): void {
  each
    .option('--wait <duration>', 'how long to wait for people: 90s, 15m, 2h, 7d (default: 15m)')
    .option('--resubmit', 'send again what may or may not be pending, after looking')
    .option('--dry-run', 'print the plan; reads, changes nothing')
    .option('--yes', 'do not ask')
  if (each.name() === 'create-user') return
  if (each.name() === 'pair' || each.name() === 'rotate' || each.name() === 'up') {
    each
      .option('--retire-now', 'end the drain of old generations: late calls to them fail')
      .option('--algorithm <name>', 'RS256 or ES256: of the answer key (default: the handler’s)')
      .option('--one-key', 'one RSA key for the certificate and the answers, as in 0.1.0')
      .option(
        '--force-algorithm',
        'pair ES256 although the co-signer is not known to understand it',
      )
  }
  each
    .option('--drain <duration>', 'quiet time before an old generation retires (default: 2h)')
    .option('--abandon', 'give up the change that is under way')
}

function addCommonOptions(each: Command): void {
  each
    .option('--state-dir <path>', 'the handler’s state directory (default: ./state)')
    .option('--api-key <id>', 'API key of the caller; or FIREBLOCKS_API_KEY')
    .option('--secret-key-path <path>', 'its private key; or FIREBLOCKS_SECRET_KEY_PATH')
    .option('--base-path <url>', 'sandbox, us, eu, eu2 or a URL with /v1; or FIREBLOCKS_BASE_PATH')
    .option('--api-family <name>', 'api_keys or api_users, the name of the path segment')
    .option('--json', 'print the result as one JSON object')
}

const MAIN_HELP = `
Results go to stdout, the story to stderr. Every command can be stopped and run again.
Exit: 0 done · 2 usage · 3 refused by the API · 4 API or handler unreachable · 5 waiting for people
      6 rejected or cancelled · 7 drift · 8 ambiguous · 9 locked · 10 local state or disk · 70 bug

Example, day one:
  export FIREBLOCKS_API_KEY=… FIREBLOCKS_SECRET_KEY_PATH=./admin.key FIREBLOCKS_BASE_PATH=us
  countersign-bootstrap up --cosigner-id 44fcead0-7053-4831-a53a-df7fb90d440f
Example, every year, from cron:
  countersign-bootstrap rotate --yes --wait 7d`

const UP_HELP = `
Runs create-user and then pair, each where it stopped.

Examples:
  countersign-bootstrap up --cosigner-id <id> --role SIGNER --setup-type SGX_MACHINE
  countersign-bootstrap up --cosigner-id <id> --wait 0        # submit, come back later`

const USER_HELP = `
Makes an RSA-4096 key and a CSR in the state directory, asks for the user, waits for the Owner and
the Admin Quorum, and proves that the new key signs for it. Never makes a second one.

Examples:
  countersign-bootstrap create-user --role SIGNER --setup-type NITRO_MACHINE
  countersign-bootstrap create-user --first-user --setup-type SGX_MACHINE`

const PAIR_HELP = `
Probes the handler, sends its URL with its key and certificate, and follows the approval.

Examples:
  countersign-bootstrap pair --cosigner-id <id> --api-key-id <id>
  countersign-bootstrap pair --cosigner-id <id> --api-key-id <id> --dry-run`

const ROTATE_HELP = `
Stages the next generation in the handler, probes old and new, sends one PATCH, follows the
approval and lets the old generation drain. No callback fails, whenever the co-signer switches.

Examples:
  countersign-bootstrap rotate
  countersign-bootstrap rotate --renew-certificate --yes
  countersign-bootstrap rotate --algorithm ES256               # back: --algorithm RS256
  countersign-bootstrap rotate --one-key                       # one key for certificate and answers
  countersign-bootstrap rotate --if-due 30d --yes --wait 7d    # from a timer, every day
  countersign-bootstrap rotate --retire-now                    # the key has leaked: do not wait for the drain
  countersign-bootstrap rotate --resubmit                      # after looking in the approval app`

const STATUS_HELP = `
Example:
  countersign-bootstrap status --json`

const UNPAIR_HELP = `
A user without a pairing is not signed for. A co-signer paired without a handler signs everything.

Example:
  countersign-bootstrap unpair --cosigner-id <id> --api-key-id <id>`

const FORGET_HELP = `
For a pairing that was begun with a wrong id, or of a co-signer that is gone. Refuses while the API
shows it as paired, or an approval may still come. Its journal stays, under another name.

Example:
  countersign-bootstrap forget --cosigner-id <id> --api-key-id <id>`

const DOCTOR_HELP = `
One line per finding: ok, warning or problem, with the remedy. Exit 7 when there is a problem.

Examples:
  countersign-bootstrap doctor
  countersign-bootstrap doctor --watch 5m || notify-on-call`

const EXPORT_HELP = `
Reads the vault accounts and their addresses, and prints one line each: <vault id> <asset id> <address>.
The file is what a policy names as vaultAddresses. Who can change it can call an address your own: look
at what is new before you use it.

Examples:
  countersign-bootstrap export-addresses > own-addresses.txt
  countersign-bootstrap export-addresses --vaults 0,1,7 --assets ETH,BTC > own-addresses.txt`
