/**
 * Codes of commands and of the decision store: exit code, meaning, remedy; docs/errors.md is
 * printed from them.
 */
import type { ExitName } from './exit-codes.ts'

export interface Explained {
  readonly meaning: string
  /** What to do about it, in the imperative. */
  readonly remedy: string
}

interface ExitError extends Explained {
  /** Exit code of a command that ends with it. */
  readonly exit: ExitName
}

export type Table<Row> = Readonly<Record<`ERR_${string}`, Row>>

/** Failures of a command, of either program. */
export const COMMAND_ERRORS = {
  ERR_USAGE: {
    exit: 'usage',
    meaning: 'The command line, a file that it names or a file permission cannot be used.',
    remedy: 'Read the message and its hint; `--help` lists the options.',
  },
  ERR_CONFIG: {
    exit: 'usage',
    meaning: 'Settings are missing, wrong or contradict each other; all problems are listed.',
    remedy: 'Correct them; see docs/configuration.md.',
  },
  ERR_STATE_VERSION: {
    exit: 'usage',
    meaning: 'A file in the state directory was written by a newer release.',
    remedy: 'Use the release that wrote it, or a newer one.',
  },
  ERR_API_REFUSED: {
    exit: 'apiRefused',
    meaning: 'The API answered 4xx; nothing was done.',
    remedy: 'See docs/runbooks/refused-by-api.md.',
  },
  ERR_API_UNAVAILABLE: {
    exit: 'unavailable',
    meaning: 'The API answered 5xx, or 429 after all retries.',
    remedy: 'Run the same command again.',
  },
  ERR_NETWORK: {
    exit: 'unavailable',
    meaning: 'The API could not be reached, or its answer did not arrive.',
    remedy: 'Check the network, then run the same command again.',
  },
  ERR_HANDLER_UNAVAILABLE: {
    exit: 'unavailable',
    meaning: 'The handler does not answer on its admin socket.',
    remedy: 'Start the handler, or name its socket.',
  },
  ERR_HANDLER_REFUSED: {
    exit: 'refused',
    meaning: 'The handler refuses what an operator asks for; the message has its reason.',
    remedy: 'See the table of the admin socket.',
  },
  ERR_APPROVAL_PENDING: {
    exit: 'waiting',
    meaning: 'A change waits for an approval, or a slot waits for its drain.',
    remedy: 'Approve it in the Console; the same command resumes.',
  },
  ERR_APPROVAL_REJECTED: {
    exit: 'rejected',
    meaning: 'People rejected the change; what was paired before still is.',
    remedy: 'See docs/runbooks/rejected.md.',
  },
  ERR_APPROVAL_CANCELLED: {
    exit: 'rejected',
    meaning: 'The change was cancelled or has expired.',
    remedy: 'See docs/runbooks/rejected.md.',
  },
  ERR_DRIFT: {
    exit: 'drift',
    meaning: 'What is paired is not what was asked for or served; nothing is repaired unasked.',
    remedy: 'See docs/runbooks/drift.md.',
  },
  ERR_AMBIGUOUS: {
    exit: 'ambiguous',
    meaning: 'More than one API user fits.',
    remedy: 'Name one; see docs/runbooks/ambiguous-user.md.',
  },
  ERR_LOCKED: {
    exit: 'locked',
    meaning: 'Another process works on the same state directory, or answers on the same socket.',
    remedy: 'Wait for it or stop it; see docs/runbooks/locked.md.',
  },
  ERR_LISTEN: {
    exit: 'locked',
    meaning: 'An address to listen on is taken by another process or cannot be bound.',
    remedy: 'Stop the other process, or change `HANDLER_LISTEN` or `HANDLER_OPS_LISTEN`.',
  },
  ERR_STATE_DAMAGED: {
    exit: 'damaged',
    meaning: 'A file in the state directory is not what was written.',
    remedy: 'Keep the files; see docs/runbooks/state-damaged.md.',
  },
  ERR_DISK: {
    exit: 'damaged',
    meaning: 'The file system refuses: full, read-only, no permission.',
    remedy: 'Repair the disk or its permissions, then run the same command again.',
  },
  ERR_BUG: {
    exit: 'bug',
    meaning: 'A failure that was not foreseen.',
    remedy: 'Report it with the lines that were printed; see docs/runbooks/bug.md.',
  },
  ERR_SIGINT: {
    exit: 'interrupted',
    meaning: 'Stopped by SIGINT at a safe point.',
    remedy: 'Run the same command again to go on.',
  },
  ERR_SIGTERM: {
    exit: 'terminated',
    meaning: 'Stopped by SIGTERM at a safe point.',
    remedy: 'Run the same command again to go on.',
  },
} as const satisfies Table<ExitError>

/** Failures of the decision store; while one lasts every answer is a signed RETRY. */
export const STORE_ERRORS = {
  ERR_STORE_BEHIND: {
    exit: 'damaged',
    meaning: 'The store is older than its high-water mark, or another store.',
    remedy: 'Bring the newest store back, or accept this one: `audit accept-store`.',
  },
  ERR_STORE_FULL: {
    exit: 'damaged',
    meaning: 'No space is left; decisions go on by themselves when there is some.',
    remedy: 'Free space on the file system of the store.',
  },
  ERR_STORE_CLOCK: {
    exit: 'damaged',
    meaning: 'The wall clock jumped, so that limits and expiry cannot be judged.',
    remedy: 'Synchronise the clock; see docs/audit.md.',
  },
  ERR_STORE_DAMAGED: {
    exit: 'damaged',
    meaning: 'The contents of the store cannot be those that were written.',
    remedy: 'Stop the handler, keep the files, run `audit verify`; see docs/audit.md.',
  },
  ERR_STORE_FAILED: {
    exit: 'damaged',
    meaning: 'The disk failed while a decision was written; the handler ends.',
    remedy: 'Repair the disk, then start the handler again.',
  },
  ERR_STORE_VERSION: {
    exit: 'usage',
    meaning: 'The store was written by a newer release.',
    remedy: 'Use the release that wrote it, or a newer one.',
  },
  ERR_STORE_NOT_COMPARED: {
    exit: 'unavailable',
    meaning:
      'A request is too large to be compared with another one under its id: it is answered RETRY, with an alarm.',
    remedy: 'Find out who asks for a transaction of more than 20,000 values.',
  },
  ERR_STORE_UNAVAILABLE: {
    exit: 'unavailable',
    meaning: 'The store cannot be opened or asked at this moment.',
    remedy: 'Run the same command again; the message has the reason.',
  },
  ERR_HOLD_UNKNOWN: {
    exit: 'refused',
    meaning: 'No hold has this id.',
    remedy: '`hold list` shows the ids.',
  },
  ERR_HOLD_CLOSED: {
    exit: 'refused',
    meaning: 'The hold was released, used or rejected, or has expired.',
    remedy: 'Nothing: it is decided.',
  },
  ERR_HOLD_UNPROVEN: {
    exit: 'refused',
    meaning: 'It is not proved that an approver whom the hold asks has decided this.',
    remedy: 'Sign what `hold request` prints with a key of the policy, and give the signature.',
  },
  ERR_HOLD_SAME_PERSON: {
    exit: 'refused',
    meaning: 'This person has approved already.',
    remedy: 'A second person must approve.',
  },
  ERR_NOTHING_TO_RELEASE: {
    exit: 'refused',
    meaning: 'Nothing was charged for this transaction.',
    remedy: '`limits list` shows what counts.',
  },
} as const satisfies Table<ExitError>

export type CommandErrorCode = keyof typeof COMMAND_ERRORS
export type StoreErrorCode = keyof typeof STORE_ERRORS
