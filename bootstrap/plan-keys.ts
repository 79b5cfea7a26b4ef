/**
 * The answer key that a pairing plan leads to: whether it is what was wished for, and whether the co-signer is known to
 * understand its signatures; pure.
 */
import type { AnswerWish, Operation } from './memory.ts'
import {
  type PairingWorld,
  type Plan,
  type PlanInput,
  type PlannedGeneration,
  refuse,
} from './steps.ts'

type AnswerKey = Pick<PlannedGeneration, 'algorithm' | 'oneKey'>

/** Whether the answer key of a generation is what was wished for. */
export function isAsWished({ algorithm, oneKey }: AnswerKey, wish: AnswerWish): boolean {
  return (
    (wish.algorithm === undefined || wish.algorithm === algorithm) &&
    (wish.oneKey === undefined || oneKey)
  )
}

/**
 * INVARIANT: no request names a key whose signatures the co-signer is not known to understand, unless that was forced:
 * each answer by it would fail a transaction. Also says what is not documented of two different keys.
 */
export function judgeAnswerKey(plan: Plan, input: PlanInput): Plan {
  if ('refusal' in plan) return plan
  const submit = plan.steps.find(
    (step) => step.do === 'pair' || step.do === 'update-callback-handler',
  )
  const { world } = input
  if (submit === undefined || world.auth === 'certificate') return plan
  const key = answerKeyOf(submit.generation, plan, input)
  const { es256Doubt } = world
  if (key.algorithm === 'ES256' && es256Doubt !== undefined && input.forceAlgorithm !== true) {
    return refuse(
      'ERR_USAGE',
      `generation ${submit.generation} signs its answers with ES256: ${es256Doubt}`,
      'update the co-signer, or add `--algorithm RS256`; `--force-algorithm` if you know that it understands ES256',
    )
  }
  return isNewInHybrid(key, world) ? { ...plan, notes: [...plan.notes, TWO_KEYS] } : plan
}

const TWO_KEYS =
  'the answers are signed with another key than the certificate’s: the vendor documents nowhere what a co-signer makes of that in hybrid mode over the API; `--one-key` is the way back (docs/keys.md)'

/** Two keys where one was before, or where nothing was: what works already needs no words. */
function isNewInHybrid(
  { oneKey }: AnswerKey,
  { auth, paired, generations }: PairingWorld,
): boolean {
  if (oneKey || auth !== 'hybrid') return false
  const called = paired.is === 'ours' ? paired.generation : undefined
  return generations.find(({ generation }) => generation === called)?.oneKey !== false
}

/** The key that the generation has, or would get: a renewal takes over that of the generation it renews. */
function answerKeyOf(
  generation: number,
  plan: Plan,
  { goal, world, memory }: PlanInput,
): AnswerKey {
  const begun = 'begin' in plan ? plan.begin : null
  const { renewOf, answer = {} } = begun ?? memory.operation ?? { renewOf: null }
  const find = (number: number | null) =>
    world.generations.find((item) => item.generation === number)
  const found = find(generation) ?? find(renewOf)
  if (found !== undefined) return found
  const wish = { ...answer, ...wishOf(goal) }
  return {
    algorithm: wish.algorithm ?? (wish.oneKey === true ? 'RS256' : world.answerAlgorithm),
    oneKey: wish.oneKey === true,
  }
}

/** What a goal wishes of the answer key. */
export function wishOf(goal: PlanInput['goal']): AnswerWish {
  return goal.kind === 'unpair' ? {} : (goal.answer ?? {})
}

/** The refusal to go on with a change whose generation is, or will be, another than is wished for now. */
export function otherWish({ goal, world }: PlanInput, operation: Operation): Plan | undefined {
  const wish = wishOf(goal)
  const target = world.generations.find(({ generation }) => generation === operation.to)
  const { algorithm, oneKey } = operation.answer ?? {}
  const same =
    target === undefined
      ? (wish.algorithm ?? algorithm) === algorithm && (wish.oneKey ?? oneKey) === oneKey
      : isAsWished(target, wish)
  if (same) return undefined
  return refuse(
    'ERR_USAGE',
    'a change to another kind of answer key is under way',
    `finish it without \`--algorithm\` and \`--one-key\`, or give it up with \`${operation.kind} --abandon\``,
  )
}
