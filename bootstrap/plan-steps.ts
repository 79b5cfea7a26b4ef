/**
 * The pieces of a pairing plan: which generation it leads to, and the steps that lead there; pure.
 */
import type { Pairing } from './compare.ts'
import type { AnswerWish } from './memory.ts'
import { isAsWished } from './plan-keys.ts'
import type { PairingWorld, PlanInput, PlannedGeneration, Step } from './steps.ts'

/**
 * Stage if need be, declare, probe: everything that must hold before the API hears of a generation.
 */
export function prepare(
  world: PairingWorld,
  from: number | null,
  to: number,
  renew: boolean,
  answer: AnswerWish = {},
): Step[] {
  const { paired, needs } = world
  const called = generationOf(paired) ?? from
  const live = called !== null && stateOf(world, called) !== 'retired' ? called : null
  const staged = stateOf(world, to) !== undefined
  const [only] = world.slots
  const single = world.slots.length < 2 && only !== undefined
  const crowded = single && live !== null && live !== to && !renew && isPinned(world)
  const stage: Step = {
    do: 'stage',
    generation: to,
    ...(single ? { slot: only } : {}),
    ...(renew && from !== null ? { renewOf: from } : {}),
    ...answer,
    ...(crowded ? { share: true } : {}),
  }
  const declared = needs !== null && needs.live === live && needs.pending === to
  return [
    ...(staged ? [] : [stage]),
    ...(declared ? [] : [{ do: 'declare', live, pending: to } as const]),
    {
      do: 'probe',
      generations: live !== null && live !== to ? [live, to] : [to],
      gap: crowded,
    },
  ]
}

/** Whether each generation must show a certificate of its own, which one URL cannot do for two. */
export function isPinned({ auth, tls }: PairingWorld): boolean {
  return auth !== 'public-key' && tls === 'self-signed'
}

export function submit(update: boolean, generation: number, idempotencyKey: string | null): Step {
  return update
    ? { do: 'update-callback-handler', generation }
    : { do: 'pair', generation, idempotencyKey }
}

/** The way from an accepted change to the end; `undefined` when no approval is awaited any more. */
export function settle(generation: number, requestId: string | null | undefined): Step[] {
  return [
    ...(requestId === undefined ? [] : [{ do: 'await-approval', requestId } as const]),
    { do: 'verify', generation },
    { do: 'activate', generation },
  ]
}

export function rollBack(paired: Pairing, reason: string): Step {
  return { do: 'roll-back', live: generationOf(paired), reason }
}

/**
 * Live ones first: fewer keys, and a second user joins where the first one is. Then one that no
 * co-signer can know: staged, or draining after a request that was refused. A generation that was
 * paired, or that people refused, is paired again only with `keepKey`.
 */
export function pairTarget(world: PairingWorld, keepKey = false, answer: AnswerWish = {}): number {
  const { offered } = world
  const generations = world.generations.filter((item) => isAsWished(item, answer))
  const isFresh = ({ generation, hits }: PlannedGeneration) =>
    keepKey || (hits.total === 0 && !offered.includes(generation))
  const found =
    generations.findLast(({ state }) => state === 'live') ??
    generations.findLast((item) => item.state === 'staged' && isFresh(item)) ??
    generations.findLast((item) => item.state === 'draining' && isFresh(item))
  return found?.generation ?? nextNumber(world)
}

/**
 * A newer generation that another pairing already uses, else a new number; numbers are never used
 * twice.
 */
export function rotateTarget(
  world: PairingWorld,
  from: number,
  renew: boolean,
  answer: AnswerWish = {},
): number {
  const newer = world.generations.findLast(
    (item) =>
      item.generation > from &&
      (item.state === 'live' || item.state === 'staged') &&
      isAsWished(item, answer),
  )
  return newer === undefined || renew ? nextNumber(world) : newer.generation
}

function nextNumber({ generations }: PairingWorld): number {
  return Math.max(0, ...generations.map(({ generation }) => generation)) + 1
}

export function stateOf(world: PairingWorld, generation: number) {
  return world.generations.find((item) => item.generation === generation)?.state
}

export function generationOf(paired: Pairing): number | null {
  return paired.is === 'ours' ? paired.generation : null
}

/** Ends every drain but those of the generations that the plan or the co-signer names. */
export function retireSteps({ world, memory }: PlanInput): Step[] {
  const { operation } = memory
  const named = [generationOf(world.paired), operation?.from, operation?.to]
  return world.generations
    .filter(({ generation, state }) => state === 'draining' && !named.includes(generation))
    .map(({ generation }) => ({ do: 'retire', generation }))
}
