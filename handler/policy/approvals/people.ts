/** People whom a hold asks: groups with their approvers and keys, and who of them fills which seat. */
import { z } from 'zod'
import { sha256 } from '../../protocol/digest.ts'

/** A public key of an approver. */
export interface ApproverKey {
  /** Hex SHA-256 of its DER. */
  readonly fingerprint: string
  /** Base64 of the DER `SubjectPublicKeyInfo`. */
  readonly publicKey: string
  /** ISO 8601; nothing that it signs from then on is accepted. */
  readonly notAfter?: string
  /** It is a passkey, which signs on a page of that origin, for that name. */
  readonly passkey?: { readonly id: string; readonly origin: string; readonly rpId: string }
}

export interface Approver {
  readonly name: string
  readonly keys: readonly ApproverKey[]
}

/** A group of which some must approve. */
export interface AskedGroup {
  readonly name: string
  readonly approvals: number
  /** Names of approvers. */
  readonly members: readonly string[]
}

/** Who must approve, with which keys: all that a proof needs. */
export interface PeopleTerms {
  readonly groups: readonly AskedGroup[]
  /** The members of the groups. */
  readonly approvers: readonly Approver[]
  /** Those of them who asked for it themselves. */
  readonly barred?: readonly string[]
}

/** An approval that somebody has proved. */
export interface ProvenApproval {
  /** Name of the approver. */
  readonly by: string
  /** Fingerprint of the key. */
  readonly key: string
  /** Milliseconds since 1970. */
  readonly timeMs: number
}

/** How many seats there are. */
export function seatsOf({ groups }: Pick<PeopleTerms, 'groups'>): number {
  return groups.reduce((sum, { approvals }) => sum + approvals, 0)
}

/** How many seats these people fill, each one at most, in the way that fills most. */
export function filledBy(
  { groups }: Pick<PeopleTerms, 'groups'>,
  names: readonly string[],
): number {
  const seats = groups.flatMap(({ approvals, members }) =>
    Array.from({ length: approvals }, () => members),
  )
  const sitting = new Map<number, string>()
  // Those who sit may move to another seat to make room.
  const seat = (name: string, tried: Set<number>): boolean => {
    for (const [at, members] of seats.entries()) {
      if (tried.has(at) || !members.includes(name)) continue
      tried.add(at)
      const other = sitting.get(at)
      if (other === undefined || seat(other, tried)) {
        sitting.set(at, name)
        return true
      }
    }
    return false
  }
  for (const name of new Set(names)) seat(name, new Set())
  return sitting.size
}

/** The key of an approver by its fingerprint, if the terms name it and it was good at that time. */
export function keyIn(
  { approvers, barred = [] }: PeopleTerms,
  { by, key, timeMs }: ProvenApproval,
): ApproverKey | undefined {
  if (barred.includes(by)) return undefined
  const approver = approvers.find(({ name }) => name === by)
  const found = approver?.keys.find(({ fingerprint }) => fingerprint === key)
  return found !== undefined && isGoodAt(found, timeMs) ? found : undefined
}

/** How many seats the approvals fill that the terms accept. */
export function countOf(terms: PeopleTerms, approvals: readonly ProvenApproval[]): number {
  const good = approvals.filter((approval) => keyIn(terms, approval) !== undefined)
  return filledBy(
    terms,
    good.map(({ by }) => by),
  )
}

const instant = z.coerce.date()

export function isGoodAt({ notAfter }: Pick<ApproverKey, 'notAfter'>, timeMs: number): boolean {
  if (notAfter === undefined) return true
  const ends = instant.safeParse(notAfter)
  return ends.success && timeMs < ends.data.getTime()
}

/** Digest of the people, whatever the order of members in memory; for comparison. */
export function peopleDigest({ groups, approvers, barred = [] }: PeopleTerms): string {
  const keys = approvers.map(({ name, keys: all }) => [
    name,
    all.map(({ fingerprint, notAfter = '', passkey }) => [
      fingerprint,
      notAfter,
      passkey === undefined ? [] : [passkey.id, passkey.origin, passkey.rpId],
    ]),
  ])
  const asked = groups.map(({ name, approvals, members }) => [name, approvals, members])
  return sha256(JSON.stringify(['countersign people', asked, keys, barred]))
}

/** The same people, some of them barred. */
export function withBarred(terms: PeopleTerms, names: readonly string[]): PeopleTerms {
  const barred = [...new Set([...(terms.barred ?? []), ...names])].toSorted()
  return barred.length === 0 ? terms : { ...terms, barred }
}

/** Terms that both ask for, and at least that many people in all. */
export function bothOf(
  one: PeopleTerms | undefined,
  other: PeopleTerms | undefined,
  atLeast: number,
): PeopleTerms | undefined {
  if (one === undefined && other === undefined) return undefined
  const all = [...(one?.groups ?? []), ...(other?.groups ?? [])]
  const groups = [...new Set(all.map(({ name }) => name))].flatMap((name) => {
    const same = all.filter((each) => each.name === name)
    const [first] = same.toSorted((a, b) => b.approvals - a.approvals)
    return first === undefined ? [] : [first]
  })
  const known = new Map(
    [...(one?.approvers ?? []), ...(other?.approvers ?? [])].map((each) => [each.name, each]),
  )
  const approvers = [...known.values()]
  const missing = atLeast - seatsOf({ groups })
  const anybody = { name: ANYBODY, approvals: missing, members: approvers.map(({ name }) => name) }
  const terms = { groups: missing > 0 ? [...groups, anybody] : groups, approvers }
  return withBarred(terms, [...(one?.barred ?? []), ...(other?.barred ?? [])])
}

/** No name that a file can give. */
const ANYBODY = '(any approver)'
