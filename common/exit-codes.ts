/**
 * Exit codes of both programs, one table: the numbers are part of the command line's contract
 * (docs/errors.md).
 */

/** By name. An uncaught exception ends with `bug`, never with 1. */
export const EXIT = {
  done: 0,
  refused: 1,
  usage: 2,
  apiRefused: 3,
  unavailable: 4,
  waiting: 5,
  rejected: 6,
  drift: 7,
  ambiguous: 8,
  locked: 9,
  damaged: 10,
  unproved: 11,
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitName = keyof typeof EXIT

/** What each of them says, for the documentation. */
export const EXIT_MEANINGS: Readonly<Record<(typeof EXIT)[ExitName], string>> = {
  [EXIT.done]: 'done, or nothing to do',
  [EXIT.refused]: 'the running handler refuses what an operator asks for',
  [EXIT.usage]: 'usage or configuration: correct the command line, a setting or a file',
  [EXIT.apiRefused]: 'refused by the API (4xx); vendor code and X-Request-ID are shown',
  [EXIT.unavailable]: 'the API or the handler cannot be reached or fails: run it again',
  [EXIT.waiting]: 'waiting for people: the same command resumes',
  [EXIT.rejected]: 'the approval was rejected or cancelled',
  [EXIT.drift]: 'drift: what is paired is not what was asked for or served',
  [EXIT.ambiguous]: 'ambiguous: more than one API user fits; none is chosen',
  [EXIT.locked]: 'another process holds the lock, the port or the socket',
  [EXIT.damaged]: 'local state is damaged, or the disk failed',
  [EXIT.unproved]: '`audit verify`: consistent, but nothing proves it',
  [EXIT.bug]: 'a bug',
  [EXIT.interrupted]: 'stopped by SIGINT at a safe point',
  [EXIT.terminated]: 'stopped by SIGTERM at a safe point',
}
