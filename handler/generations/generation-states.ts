/** The life of generations as pure functions: staged → live → draining → retired, driven by what pairings need. */
import type { GenerationState, PairingNeeds } from '../../common/admin-api.ts'

/** What is remembered of one generation besides its immutable directory. */
export interface GenerationRecord {
  readonly generation: number
  readonly slot: string
  /** Present once nobody needs it any more: when that was, and how long it must then be quiet. */
  readonly drain?: { readonly since: string; readonly quietMs: number }
  /** ISO 8601. */
  readonly retiredAt?: string
  readonly keyDestroyedAt?: string
}

/** The durable part of the registry. Records are in order of their numbers, and none is ever removed. */
export interface RegistryState {
  readonly generations: readonly GenerationRecord[]
  readonly pairings: Readonly<Record<string, PairingNeeds>>
}

/** The state of a generation, undefined when there is none of that number. */
export function stateOf(state: RegistryState, generation: number): GenerationState | undefined {
  const record = recordOf(state, generation)
  if (record === undefined) return undefined
  if (record.retiredAt !== undefined) return 'retired'
  if (neededGenerations(state).has(generation)) return 'live'
  return record.drain === undefined ? 'staged' : 'draining'
}

export function recordOf(state: RegistryState, generation: number): GenerationRecord | undefined {
  return state.generations.find((record) => record.generation === generation)
}

/** Numbers that some pairing names as live or pending. */
export function neededGenerations({ pairings }: RegistryState): ReadonlySet<number> {
  const named = Object.values(pairings).flatMap(({ live, pending }) => [live, pending])
  return new Set(named.filter((generation) => generation !== null))
}

/** Those that must be able to sign: the needed ones; while nothing is paired, the newest. */
export function generationsToProve(state: RegistryState): readonly number[] {
  const needed = [...neededGenerations(state)]
  if (needed.length > 0) return needed
  return state.generations.slice(-1).map(({ generation }) => generation)
}

/** The newest generation that the API says is paired; else the newest that is pending; undefined when nobody needs any. */
export function liveGeneration(state: RegistryState): number | undefined {
  const needs = Object.values(state.pairings)
  return newest(needs.map(({ live }) => live)) ?? newest(needs.map(({ pending }) => pending))
}

function newest(numbers: readonly (number | null)[]): number | undefined {
  const found = Math.max(0, ...numbers.map((each) => each ?? 0))
  return found === 0 ? undefined : found
}

/**
 * Declares what a pairing needs (`undefined`: it is gone). Generations that were needed and are needed by nobody now
 * begin to drain, and with them those staged ones that the live one has overtaken; a drain that is under way is
 * never shortened, and ends at once when somebody needs the generation again.
 */
export function withNeeds(
  state: RegistryState,
  pairing: string,
  needs: PairingNeeds | undefined,
  now: Date,
): RegistryState {
  const { [pairing]: earlier, ...others } = state.pairings
  const pairings = needs === undefined ? others : { ...others, [pairing]: needs }
  const quietMs = Math.max(needs?.drainMs ?? 0, earlier?.drainMs ?? 0)
  const before = neededGenerations(state)
  const after = neededGenerations({ ...state, pairings })
  const newestLive = Math.max(0, ...Object.values(pairings).map(({ live }) => live ?? 0))
  const drain = { since: now.toISOString(), quietMs }
  const generations = state.generations.map((record): GenerationRecord => {
    const { drain: draining, ...rest } = record
    if (record.retiredAt !== undefined) return record
    if (after.has(record.generation)) return rest
    if (draining !== undefined) return record
    const dropped = before.has(record.generation) || record.generation < newestLive
    return dropped ? { ...rest, drain } : record
  })
  return { generations, pairings }
}

/** Adds a generation that nobody needs yet. */
export function withGeneration(state: RegistryState, added: GenerationRecord): RegistryState {
  const generations = [...state.generations, added].toSorted((a, b) => a.generation - b.generation)
  return { ...state, generations }
}

/** The generation answers 410 from now on. */
export function withRetired(state: RegistryState, generation: number, now: Date): RegistryState {
  return withRecord(state, generation, (record) => ({ ...record, retiredAt: now.toISOString() }))
}

/** The private key of a retired generation has been removed. */
export function withKeyDestroyed(
  state: RegistryState,
  generation: number,
  now: Date,
): RegistryState {
  return withRecord(state, generation, (record) => ({
    ...record,
    keyDestroyedAt: now.toISOString(),
  }))
}

/**
 * Whether a new certificate may be presented in the slot: a live, pending or draining generation would lose its own
 * there, and its callers refuse any other.
 */
export function slotIsBusy(state: RegistryState, slot: string): boolean {
  return state.generations.some((record) => {
    if (record.slot !== slot) return false
    const life = stateOf(state, record.generation)
    return life === 'live' || life === 'draining'
  })
}

const PREFERENCE: readonly GenerationState[] = ['live', 'draining', 'staged', 'retired']

/**
 * The generation whose certificate a slot presents: the one that a pairing calls live (in a shared slot it keeps its
 * place until the co-signer has switched), else the newest that is needed, that drains, that is staged;
 * a retired one when there is no other, so that its callers still read their 410. A newer renewal of that same TLS key
 * goes first: it satisfies the same pin.
 */
export function presentedIn<T extends { readonly generation: number; readonly pin: string }>(
  state: RegistryState,
  slot: string,
  loaded: readonly T[],
): T | undefined {
  const here = loaded
    .filter(({ generation }) => recordOf(state, generation)?.slot === slot)
    .toSorted((a, b) => b.generation - a.generation)
  const life = ({ generation }: T) => stateOf(state, generation)
  const called = new Set(Object.values(state.pairings).map(({ live }) => live))
  const [chosen] = [
    ...here.filter((one) => called.has(one.generation) && life(one) !== 'retired'),
    ...PREFERENCE.flatMap((wanted) => here.filter((one) => life(one) === wanted)),
  ]
  if (chosen === undefined || life(chosen) === 'retired') return chosen
  return here.find((one) => one.pin === chosen.pin && life(one) !== 'retired') ?? chosen
}

function withRecord(
  state: RegistryState,
  generation: number,
  change: (record: GenerationRecord) => GenerationRecord,
): RegistryState {
  const generations = state.generations.map((record) =>
    record.generation === generation ? change(record) : record,
  )
  return { ...state, generations }
}
