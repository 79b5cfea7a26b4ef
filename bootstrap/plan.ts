/**
 * Decides what is left to do for a pairing, from the goal, what is there and what was begun; pure.
 */
import { isRefused, refusalWord } from './api/resources.ts'
import { isThere, type Pairing } from './compare.ts'
import {
  generationOf,
  isPinned,
  pairTarget,
  prepare,
  rollBack,
  rotateTarget,
  retireSteps,
  settle,
  stateOf,
  submit,
} from './plan-steps.ts'
import { isAsWished, judgeAnswerKey, otherWish, wishOf } from './plan-keys.ts'
import {
  A_NOUN,
  type AnswerWish,
  mayReuseKey,
  type Operation,
  type OperationKind,
  type Submission,
  UNSEEN_RESULT_MS,
} from './memory.ts'
import {
  type Begin,
  drift,
  type Goal,
  type Plan,
  type PlanInput,
  refuse,
  type Step,
} from './steps.ts'

/** The remaining steps; none when the goal is reached. */
export function planPairing(input: PlanInput): Plan {
  const plan = judgeAnswerKey(planGoal(input), input)
  if (input.retireNow !== true || 'refusal' in plan) return plan
  const target = plan.begin?.to
  const retire = retireSteps(input).filter(
    (step) => !('generation' in step && step.generation === target),
  )
  return { ...plan, steps: [...retire, ...plan.steps] }
}

function planGoal(input: PlanInput): Plan {
  const { goal, memory } = input
  const { operation } = memory
  if (input.abandon) return planAbandon(input)
  if (goal.kind === 'unpair') return planUnpair(input)
  if (operation !== null && operation.kind !== goal.kind) return otherOperation(input, operation)
  if (operation !== null && !isLost(input, operation)) {
    return otherWish(input, operation) ?? carryOn(input, operation)
  }
  return goal.kind === 'pair' ? beginPair(input, goal) : beginRotate(input, goal)
}

/**
 * Nothing came of it before its generation retired, as one does that was quiet for its drain time: a retired one is never
 * served again, so it is begun anew with another.
 */
function isLost({ world }: PlanInput, { to, submission }: Operation): boolean {
  const isOver = to !== null && stateOf(world, to) === 'retired' && !isThere(world.paired, to)
  return isOver && (submission === null || submission.outcome === 'clear')
}

function planAbandon(input: PlanInput): Plan {
  const { operation } = input.memory
  if (operation === null) return nothing('nothing is under way')
  const { paired } = input.world
  if (operation.kind !== 'unpair' && isThere(paired, operation.to)) {
    return refuse(
      'ERR_USAGE',
      'the change has already happened',
      'run the command without `--abandon`',
    )
  }
  return go([rollBack(paired, 'abandoned')])
}

/** Nothing may be begun across an unfinished change; an unchanged pairing is still "as desired". */
function otherOperation({ goal, world }: PlanInput, operation: Operation): Plan {
  if (goal.kind === 'pair' && world.paired.is === 'ours') {
    return nothing(`${A_NOUN[operation.kind]} is under way: \`${operation.kind}\` continues it`)
  }
  return refuse(
    'ERR_USAGE',
    `${A_NOUN[operation.kind]} is under way`,
    `finish it with \`${operation.kind}\`, or give it up with \`${operation.kind} --abandon\``,
  )
}

function beginPair({ world }: PlanInput, goal: Goal & { kind: 'pair' }): Plan {
  const { replace, keepKey } = goal
  const { paired, needs } = world
  const wish = wishOf(goal)
  if (paired.is === 'ours' && stateOf(world, paired.generation) !== 'retired') {
    const { generation } = paired
    const called = world.generations.find((item) => item.generation === generation)
    if (called !== undefined && !isAsWished(called, wish)) {
      return refuse(
        'ERR_USAGE',
        `generation ${generation} is paired, and its answer key is of another kind (${called.algorithm})`,
        'run `rotate` with the same options',
      )
    }
    const settled = needs !== null && needs.live === generation && needs.pending === null
    return settled
      ? nothing(...paired.notes)
      : go(
          [{ do: 'activate', generation }],
          beginning('pair', generation, generation),
          paired.notes,
        )
  }
  if ((paired.is === 'ours' || isStrange(paired)) && !replace) return drift(paired)
  const to = pairTarget(world, keepKey, wish)
  const update = paired.is !== 'absent'
  return go(
    [...prepare(world, null, to, false, wish), submit(update, to, null), ...settle(to, null)],
    beginning('pair', null, to, null, wish),
  )
}

function beginRotate(input: PlanInput, goal: Goal & { kind: 'rotate' }): Plan {
  const { world, memory, nowMs } = input
  const { last } = memory
  if (last?.kind === 'rotate' && last.outcome === 'done' && !last.reported) {
    if (nowMs - last.atMs < UNSEEN_RESULT_MS && isThere(world.paired, last.to)) {
      return nothing(
        `the rotation to generation ${last.to} had finished; run again to rotate further`,
      )
    }
  }
  if (world.paired.is !== 'ours') return drift(world.paired)
  const from = world.paired.generation
  const called = world.generations.find(({ generation }) => generation === from)
  if (goal.ifDueMs !== undefined && called !== undefined && called.endsMs - nowMs > goal.ifDueMs) {
    return nothing(
      `not due: the certificate of generation ${from} is valid until ${called.notAfter.slice(0, 10)}`,
    )
  }
  const gap = isPinned(world) && world.slots.length < 2 && !goal.renew
  if (gap && !goal.acceptGap) {
    return refuse(
      'ERR_USAGE',
      'with one public URL a pinned certificate cannot change its key without failed callbacks',
      'give the handler a second public URL, or use `--renew-certificate`, or `--accept-gap`',
    )
  }
  const wish = wishOf(goal)
  const to = rotateTarget(world, from, goal.renew, wish)
  return go(
    [...prepare(world, from, to, goal.renew, wish), submit(true, to, null), ...settle(to, null)],
    beginning('rotate', from, to, goal.renew ? from : null, wish),
    renewalNote(goal.renew),
  )
}

/** Continues what was begun, from wherever it stopped. */
function carryOn(input: PlanInput, operation: Operation): Plan {
  const { world, resubmit, nowMs } = input
  const { submission, from, to } = operation
  const target = to ?? 0
  const { paired } = world
  const refused = rejection(submission)
  if (refused !== undefined) {
    // Of several identical requests one was approved and the last one refused: the goal is reached.
    const approvedBefore = submission !== null && submission.attempts > 1 && isThere(paired, target)
    return go(approvedBefore ? settle(target, undefined) : [rollBack(paired, refused)])
  }
  if (isThere(paired, target) && submission?.outcome !== 'accepted') {
    return go(settle(target, undefined))
  }
  const replacing = input.goal.kind === 'pair' && input.goal.replace
  if (!replacing && isUnexpected(operation, paired)) return drift(paired)
  if (submission?.outcome === 'accepted' && !resubmit) {
    const { requestId, status } = submission
    const over = status === 'COMPLETED' || (requestId === null && isThere(paired, target))
    return go(settle(target, over ? undefined : requestId))
  }
  const inDoubt = submission !== null && submission.outcome !== 'clear'
  const renew = operation.renewOf !== null
  const prepared = prepare(world, from, target, renew, operation.answer)
  const update = paired.is !== 'absent'
  if (!inDoubt) return go([...prepared, submit(update, target, null), ...settle(target, null)])
  if (submission.method === 'PUT' && !update) {
    const key = mayReuseKey(submission, nowMs) ? submission.idempotencyKey : null
    return go([...prepared, submit(false, target, key), ...settle(target, null)])
  }
  // PATCH has no idempotency key: the change may be pending, invisible to the API.
  if (!resubmit) return go(settle(target, null), null, [IN_DOUBT])
  return go([...prepared, submit(true, target, null), ...settle(target, null)])
}

function planUnpair(input: PlanInput): Plan {
  const { world, memory } = input
  const { paired } = world
  const open = memory.operation?.kind === 'unpair' ? memory.operation : null
  const start = open === null ? beginning('unpair', generationOf(paired), null) : null
  if (paired.is === 'absent') {
    if (open === null && world.needs === null) return nothing()
    return go([{ do: 'forget' }], start)
  }
  const submission = open?.submission ?? null
  const refused = rejection(submission)
  if (refused !== undefined) return go([rollBack(paired, refused)])
  const end: Step[] = [{ do: 'verify', generation: null }, { do: 'forget' }]
  if (submission?.outcome === 'accepted') {
    if (submission.status === 'COMPLETED') return go(end)
    return go([{ do: 'await-approval', requestId: submission.requestId }, ...end])
  }
  const wait: Step = { do: 'await-approval', requestId: null }
  const inDoubt = submission !== null && submission.outcome !== 'clear'
  if (inDoubt && !input.resubmit) return go([wait, ...end], null, [IN_DOUBT])
  return go([{ do: 'unpair' }, wait, ...end], start)
}

/** Not ours, or not what we gave it. */
function isStrange(paired: Pairing): boolean {
  return paired.is === 'foreign' || paired.is === 'mismatch'
}

/**
 * Found while a change is under way. A mixture of old and new is tolerated once the change was
 * accepted: the switch may be happening, and `verify` decides.
 */
function isUnexpected({ kind, submission }: Operation, paired: Pairing): boolean {
  if (paired.is === 'mismatch') return submission?.outcome !== 'accepted'
  if (kind === 'pair') return paired.is === 'foreign'
  return paired.is !== 'ours'
}

function rejection(submission: Submission | null): string | undefined {
  const status = submission?.status
  return isRefused(status) ? refusalWord(status) : undefined
}

const IN_DOUBT =
  'the fate of the change that was sent is unknown: it may be waiting in the approval app'

function renewalNote(renew: boolean): string[] {
  return renew
    ? ['the key stays: no callback fails if the co-signer pins the public key, as the API suggests']
    : []
}

function beginning(
  kind: OperationKind,
  from: number | null,
  to: number | null,
  renewOf: number | null = null,
  answer: AnswerWish = {},
): Begin {
  const wished = Object.keys(answer).length > 0
  return { kind, from, to, renewOf, ...(wished ? { answer } : {}) }
}

function go(
  steps: readonly Step[],
  begin: Begin | null = null,
  notes: readonly string[] = [],
): Plan {
  return { begin, steps, notes }
}

function nothing(...notes: string[]): Plan {
  return { begin: null, steps: [], notes }
}
