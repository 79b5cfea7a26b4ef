/** Approvers and groups of a file: what people a rule or an act can ask for. */
import { ACTS } from '../approvals/act.ts'
import type { ActName } from '../approvals/act.ts'
import { canonicalKey } from '../approvals/approver-key.ts'
import type { Approver, ApproverKey, PeopleTerms } from '../approvals/people.ts'
import { filledBy, isGoodAt, seatsOf } from '../approvals/people.ts'
import type { ActsEntry, ApproversEntry, GroupCounts, GroupsEntry } from '../file/people-schema.ts'
import type { Path } from '../file/problems.ts'
import type { StatementKey } from '../statement.ts'
import type { Findings } from './lists.ts'

/** The people that a policy names. */
export interface People {
  readonly approvers: ReadonlyMap<string, Approver>
  /** Members by group. */
  readonly groups: ReadonlyMap<string, readonly string[]>
  /** Groups that something asks for. */
  readonly usedGroups: Set<string>
}

interface Entries {
  readonly approvers?: ApproversEntry | undefined
  readonly groups?: GroupsEntry | undefined
}

export function compilePeople(
  { approvers = {}, groups = {} }: Entries,
  findings: Findings,
): People {
  const owners = new Map<string, string>()
  const known = new Map<string, Approver>()
  for (const [name, { keys }] of Object.entries(approvers)) {
    const own = keys.flatMap((entry, index) => {
      const path = ['approvers', name, 'keys', index]
      const key = compileKey(entry, path, findings)
      if (key === undefined) return []
      const owner = owners.get(key.fingerprint)
      if (owner !== undefined) {
        findings.report([...path, 'publicKey'], `it is a key of \`${owner}\` already`)
      }
      owners.set(key.fingerprint, name)
      return [key]
    })
    known.set(name, { name, keys: own })
  }
  for (const [group, members] of Object.entries(groups)) {
    for (const [index, member] of members.entries()) {
      const path = ['groups', group, index]
      if (!known.has(member)) findings.report(path, `there is no approver \`${member}\``)
      if (members.indexOf(member) !== index) findings.report(path, `\`${member}\` is named twice`)
    }
  }
  return { approvers: known, groups: new Map(Object.entries(groups)), usedGroups: new Set() }
}

type KeyEntry = ApproversEntry[string]['keys'][number]

function compileKey(
  { publicKey, notAfter, passkey }: KeyEntry,
  path: Path,
  findings: Findings,
): ApproverKey | undefined {
  const key = canonicalKey(publicKey)
  if ('problem' in key) {
    findings.report([...path, 'publicKey'], key.problem)
    return undefined
  }
  const ends = notAfter === undefined ? {} : { notAfter }
  if (passkey === undefined) return { ...key, ...ends }
  const { id, origin } = passkey
  const host = hostOf(origin)
  if (host === undefined) {
    const message = 'expected the origin of a page: `https://…`, or `http://localhost:<port>`'
    findings.report([...path, 'passkey', 'origin'], message)
    return undefined
  }
  const { rpId = host } = passkey
  if (host !== rpId && !host.endsWith(`.${rpId}`)) {
    findings.report([...path, 'passkey', 'rpId'], `no page of \`${origin}\` has that name`)
  }
  return { ...key, ...ends, passkey: { id, origin, rpId } }
}

/** The host of an origin under which passkeys work. */
function hostOf(origin: string): string | undefined {
  if (!URL.canParse(origin)) return undefined
  const url = new URL(origin)
  const isSafe =
    url.protocol === 'https:' || (url.protocol === 'http:' && url.hostname === 'localhost')
  return isSafe && url.origin === origin ? url.hostname : undefined
}

/** The people that `approvals` or an act asks for; undefined when they are not named well. */
export function askedPeople(
  counts: GroupCounts,
  { approvers, groups, usedGroups }: People,
  path: Path,
  findings: Findings,
): PeopleTerms {
  const asked = Object.entries(counts).map(([name, approvals]) => {
    const members = groups.get(name)
    usedGroups.add(name)
    if (members === undefined) findings.report([...path, name], `there is no group \`${name}\``)
    else if (members.length < approvals) {
      const message = `\`${name}\` has ${members.length} members, of whom ${approvals} cannot approve`
      findings.report([...path, name], message)
    }
    return { name, approvals, members: members ?? [] }
  })
  const names = [...new Set(asked.flatMap(({ members }) => members))]
  const terms = { groups: asked, approvers: names.flatMap((name) => approvers.get(name) ?? []) }
  const isEnough = asked.every(({ members, approvals }) => members.length >= approvals)
  if (isEnough && filledBy(terms, names) < seatsOf(terms)) {
    findings.report(
      path,
      `these groups have fewer different members than the ${seatsOf(terms)} asked for`,
    )
  }
  return terms
}

/** Approvers of whom a statement key is, too, by the name of that key. */
export function initiatorsAmong(
  { approvers }: People,
  statementKeys: Iterable<StatementKey>,
): ReadonlyMap<string, string> {
  const owners = new Map(
    [...approvers.values()].flatMap(({ name, keys }) =>
      keys.map(({ fingerprint }) => [fingerprint, name] as const),
    ),
  )
  const found = new Map<string, string>()
  for (const { name, publicKey } of owners.size === 0 ? [] : statementKeys) {
    const key = canonicalKey(publicKey)
    const owner = 'problem' in key ? undefined : owners.get(key.fingerprint)
    if (owner !== undefined) found.set(name, owner)
  }
  return found
}

/** Who must approve which act. */
export function compileActs(
  entries: ActsEntry = {},
  { people, findings }: { readonly people: People; readonly findings: Findings },
): ReadonlyMap<ActName, PeopleTerms> {
  return new Map(
    ACTS.flatMap((act) => {
      const counts = act === 'hold' ? undefined : entries[act]
      if (counts === undefined) return []
      return [[act, askedPeople(counts, people, ['acts', act], findings)] as const]
    }),
  )
}

/** Approvers and groups that nothing refers to, as a policy's other unused names. */
export function unusedPeople({ approvers, groups, usedGroups }: People): string[] {
  const members = new Set([...groups.values()].flat())
  return [
    ...[...approvers.keys()]
      .filter((name) => !members.has(name))
      .map((name) => `approvers.${name}`),
    ...[...groups.keys()].filter((name) => !usedGroups.has(name)).map((name) => `groups.${name}`),
  ]
}

/** Keys that are past their end, and terms that nobody could fulfil without them, in words. */
export function expiredAt(people: readonly PeopleTerms[], nowMs: number): string[] {
  const approvers = new Map(
    people.flatMap((terms) => terms.approvers.map((each) => [each.name, each])),
  )
  const found: string[] = []
  for (const { name, keys } of approvers.values()) {
    for (const key of keys.filter((each) => !isGoodAt(each, nowMs))) {
      found.push(`a key of approver \`${name}\` has ended (${key.notAfter ?? ''})`)
    }
  }
  for (const terms of people) {
    const able = terms.approvers.filter(({ keys }) => keys.some((key) => isGoodAt(key, nowMs)))
    const names = able.map(({ name }) => name)
    if (filledBy(terms, names) < seatsOf(terms)) {
      const asked = terms.groups.map(({ name, approvals }) => `${approvals} of \`${name}\``)
      found.push(`${asked.join(', ')} cannot approve: too few have a key that is still good`)
    }
  }
  return [...new Set(found)]
}
