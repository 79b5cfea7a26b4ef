/** Calls of a store: what can be asked of it by name, and what must be loaded before a batch of calls can be decided. */
import type { RequestKey } from '../protocol/digest.ts'
import type { FeedPage } from './feed.ts'
import { actIdOf } from './acts.ts'
import { holdIdOf } from './holds.ts'
import type { ChargedLimit, LimitUsage } from './limits.ts'
import type { Act, Freeze } from '../../common/admin-api.ts'
import type {
  ActRequest,
  ApprovedAct,
  FoundHold,
  Hold,
  HoldRequest,
  PolicyLoad,
} from './operations.ts'
import type { Decider } from './proofs.ts'
import type { ChainHead, RecordContent } from './record.ts'
import { limitName } from './snapshot.ts'
import type { LimitPlace, Needs, SpendPlace } from './snapshot.ts'
import type { NewDecision, Recall, Receipt } from './store.ts'
import { spends, variantPlaceOf } from './variants.ts'

/** Calls that change something; the rules decide what. */
export interface Writes {
  record(entry: NewDecision): Receipt
  openHold(request: HoldRequest): Hold
  approveHold(id: string, act: Decider): Hold
  rejectHold(id: string, act: Decider): Hold
  freeze(action: Freeze['action'], act: Act, replace?: boolean): Freeze
  /** `release`: the id under which people have approved it. */
  unfreeze(act: Act, release?: string): void
  releaseCharges(owner: string, act: Act, release?: string): readonly ChargedLimit[]
  askAct(request: ActRequest): Hold
  policyLoaded(load: PolicyLoad, release?: string): ChainHead
  actDone(act: ApprovedAct, subject: string, release: string): void
  /** Adds any other record. */
  append(content: RecordContent): ChainHead
}

/** How far the chain has come. */
export interface ChainEnd {
  readonly head: ChainHead
  /** The last record that it signs, and when, ISO 8601; undefined when none is among the last thousands. */
  readonly checkpoint: { readonly signs: number; readonly at: string } | undefined
}

/** Calls that only look something up. */
export interface Reads {
  /** `token` is that of the request, which is compared with others under its id. */
  recall(key: RequestKey, token: string): Recall
  listHolds(): readonly Hold[]
  findHold(id: string): FoundHold | undefined
  frozen(): Freeze | undefined
  /** Names of the limits that this approval would exceed now. */
  fullLimits(entry: NewDecision): readonly string[]
  limitUsage(windows: Readonly<Record<string, number>>): readonly LimitUsage[]
  /** The head; undefined when it is the first record, or a checkpoint that signs all records before it. */
  unsignedHead(): ChainHead | undefined
  /** What the records after that number tell; at most a few hundred are looked at. */
  feedAfter(seq: number): FeedPage
  chainEnd(): ChainEnd
}

export interface Calls extends Writes, Reads {
  /** Writes something that is no record, to prove that it could be. */
  probe(): void
}

/** One call by name, with the arguments of that name in `Calls`: so it crosses the border of a thread. */
export interface Call<N extends keyof Calls = keyof Calls> {
  readonly name: N
  readonly args: readonly unknown[]
}

/** The same by name. */
export type WriteTable = {
  readonly [N in keyof Writes]: (...args: Parameters<Writes[N]>) => ReturnType<Writes[N]>
}

type Write = Call<keyof Writes>

const OTHERS: ReadonlySet<string> = new Set<Exclude<keyof Calls, keyof Writes>>([
  'recall',
  'listHolds',
  'findHold',
  'frozen',
  'fullLimits',
  'limitUsage',
  'unsignedHead',
  'feedAfter',
  'chainEnd',
  'probe',
])

/** Whether the rules decide a call. */
export function isWrite(call: Call): call is Write {
  return !OTHERS.has(call.name)
}

/** What must be loaded for these calls. */
export function needsOf(calls: readonly Write[]): Needs {
  const needs = emptyNeeds()
  for (const { name, args } of calls) {
    const note = NOTES[name]
    if (note !== undefined) Reflect.apply(note, undefined, [needs, ...args])
  }
  return needs
}

type Notes = ReturnType<typeof emptyNeeds>

function emptyNeeds() {
  return {
    requests: new Array<RequestKey>(),
    carries: new Array<RequestKey>(),
    uses: new Set<string>(),
    holds: new Set<string>(),
    spends: new Array<SpendPlace>(),
    owners: new Set<string>(),
  }
}

const NOTES: {
  readonly [N in keyof Writes]?: (needs: Notes, ...args: Parameters<Writes[N]>) => void
} = {
  record: (needs, entry) => {
    const { key, singleUses, hold, carried } = entry
    needs.requests.push(key)
    for (const { name } of singleUses) needs.uses.add(name)
    if (hold !== undefined) needs.holds.add(hold.id)
    if (carried !== undefined) needs.carries.push(key)
    if (spends(entry)) needs.spends.push({ ...variantPlaceOf(entry), limits: placesOf(entry) })
  },
  openHold: (needs, { key, proven }) => {
    needs.holds.add(holdIdOf(key))
    if (proven === undefined) return
    needs.requests.push(key)
    needs.carries.push(key)
  },
  approveHold: (needs, id) => needs.holds.add(id),
  rejectHold: (needs, id) => needs.holds.add(id),
  releaseCharges: (needs, owner, _act, release) => {
    needs.owners.add(owner)
    if (release !== undefined) needs.holds.add(release)
  },
  unfreeze: (needs, _act, release) => {
    if (release !== undefined) needs.holds.add(release)
  },
  askAct: (needs, request) => needs.holds.add(actIdOf(request)),
  actDone: (needs, _act, _subject, release) => needs.holds.add(release),
  policyLoaded: (needs, _load, release) => {
    if (release !== undefined) needs.holds.add(release)
  },
}

function placesOf({ charges }: NewDecision): LimitPlace[] {
  return charges.map(({ limit, key, windowMs }) => ({ limit, key, windowMs }))
}

/** The places that a call charges. */
function chargedBy({ name, args }: Write): readonly LimitPlace[] {
  const places: LimitPlace[] = name === 'record' ? Reflect.apply(placesOf, undefined, args) : []
  return places
}

/**
 * The calls in parts that can each be decided from one snapshot, in order: nearly always one. A release of charges is a
 * part of its own, and no part charges one limit over two windows (as the policies before and after a reload may).
 */
export function partsOf(calls: readonly Write[]): readonly (readonly Write[])[] {
  const parts: Write[][] = []
  let part: Write[] = []
  let windows = new Map<string, number>()
  const close = () => {
    if (part.length > 0) parts.push(part)
    part = []
    windows = new Map()
  }
  for (const call of calls) {
    const places = chargedBy(call)
    const isRelease = call.name === 'releaseCharges'
    const differs = places.some(
      (one) => (windows.get(limitName(one)) ?? one.windowMs) !== one.windowMs,
    )
    if (isRelease || differs) close()
    part.push(call)
    for (const one of places) windows.set(limitName(one), one.windowMs)
    if (isRelease) close()
  }
  close()
  return parts
}
