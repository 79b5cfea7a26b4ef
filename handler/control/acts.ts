/** Acts that the policy in force puts under groups: they wait until people have approved them. */
import { AdminError } from '../../common/admin-error.ts'
import type { Hold, OperatorActs } from '../decisions/operations.ts'
import type { ActName } from '../policy/approvals/act.ts'
import type { PeopleTerms } from '../policy/approvals/people.ts'

export interface ActDeps {
  readonly acts: Pick<OperatorActs, 'askAct'>
  /** Whom the policy in force asks for an act; undefined when nobody. */
  readonly askedFor: (act: ActName) => PeopleTerms | undefined
}

/** What somebody wants to do. */
export interface Wanted {
  readonly act: Exclude<ActName, 'hold'>
  /** What it would be done to, so that another one is asked for anew. */
  readonly subject: string
  /** For people. */
  readonly what: string
}

/**
 * The release under which it is done; undefined when nobody needs to be asked.
 *
 * @throws AdminError ERR_ACT_WAITING until people have approved it
 */
export async function releaseFor(wanted: Wanted, deps: ActDeps): Promise<string | undefined> {
  const hold = await askPeople(wanted, deps)
  if (hold === undefined || hold.state === 'released') return hold?.id
  throw new AdminError('ERR_ACT_WAITING', waitingText(wanted.act, hold))
}

/** Asks people, if the policy names any; what they said so far. */
export async function askPeople(
  { act, subject, what }: Wanted,
  { acts, askedFor }: ActDeps,
): Promise<Hold | undefined> {
  const people = askedFor(act)
  if (people === undefined) return undefined
  const summary = what.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 500)
  return acts.askAct({ act, subject, people, summary })
}

/** Why it is not done yet. */
export function waitingText(
  act: string,
  { id, state, approved, terms, rejectedBy = '' }: Hold,
): string {
  return state === 'rejected'
    ? `${act} was refused by ${rejectedBy} (\`${id}\`)`
    : `${act} waits for people: ${approved} of ${terms.approvals} have approved \`${id}\` (\`hold request ${id}\`)`
}
