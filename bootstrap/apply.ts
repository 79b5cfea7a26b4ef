/**
 * Carries out the steps of a pairing plan, one at a time, each with its intent in the journal
 * before it acts.
 */
import type { GenerationInfo } from '../common/admin-api.ts'
import { isRefused, refusalWord } from './api/resources.ts'
import { follow, refusedByPeople } from './approval.ts'
import { inWords, isThere, type Pairing } from './compare.ts'
import { BootstrapError } from './errors.ts'
import { HandlerRefusal } from './handler-socket.ts'
import { NOUNS } from './memory.ts'
import { observeGeneration, observePaired } from './observe.ts'
import { nowMs, operationOf, type PairingContext, poll, safePoint } from './session.ts'
import { isAsWished } from './plan-keys.ts'
import { probeGeneration } from './probe.ts'
import { formatDuration } from '../common/duration.ts'
import { sendPair, sendUnpair, sendUpdate } from './submit.ts'
import type { Step } from './steps.ts'

/** The reason of a change that was given up here, so that an approval may still come. */
export const ABANDONED = 'abandoned'

/** How long the read model may lag behind COMPLETED, in milliseconds. */
const READ_BACK_MS = 60_000

/** Carries out one step; when it returns, its effect is there and journalled. */
export async function applyStep(step: Step, context: PairingContext): Promise<void> {
  safePoint(context)
  const { journal, handler, ids } = context
  switch (step.do) {
    case 'stage':
      return stage(step, context)
    case 'declare':
      return declare(step.live, step.pending, context)
    case 'probe':
      return probe(step.generations, step.gap, context)
    case 'pair':
      return sendPair(step.generation, step.idempotencyKey, context)
    case 'update-callback-handler':
      return sendUpdate(step.generation, context)
    case 'unpair':
      return sendUnpair(context)
    case 'await-approval':
      return awaitApproval(context)
    case 'verify':
      return verify(step.generation, context)
    case 'activate':
      await declare(step.generation, null, context)
      return journal.append('done', { generation: step.generation })
    case 'retire':
      await handler.retire(step.generation, { unlessCalled: false })
      return journal.append('retire', { generation: step.generation })
    case 'forget':
      await journal.append('forget-intent', {})
      await untilApproved(context, () => handler.forget(ids.cosignerId, ids.apiKeyId))
      return journal.append('done', { generation: null })
    case 'roll-back':
    default:
      return rollBack(step.live, step.reason, context)
  }
}

/** What the policy of the handler may ask people for; waited for as for the approval of the workspace. */
function untilApproved<T>(context: PairingContext, ask: () => Promise<T>): Promise<T> {
  return poll<T>(
    context,
    async () => {
      try {
        return { done: await ask() }
      } catch (error) {
        if (!(error instanceof HandlerRefusal) || error.adminCode !== 'ERR_ACT_WAITING') throw error
        return { waiting: error.message }
      }
    },
    () =>
      new BootstrapError('ERR_APPROVAL_PENDING', 'the handler waits for approvers of its policy', {
        hint: 'the same command continues when they have approved; `countersign-handler hold list`',
      }),
  )
}

/** Asks the handler for a generation; a slot that still drains is waited for. */
async function stage(step: Step & { do: 'stage' }, context: PairingContext): Promise<void> {
  const { do: _, generation, ...request } = step
  await context.journal.append('stage-intent', { generation, ...request })
  const info = await poll<GenerationInfo>(
    context,
    async () => {
      try {
        const made = await untilApproved(context, () => context.handler.stage(generation, request))
        return { done: made }
      } catch (error) {
        if (!(error instanceof HandlerRefusal) || error.adminCode !== 'ERR_SLOT_BUSY') throw error
        const left = formatDuration(context.deadlineMs - context.clock.monotonicMs())
        return { waiting: `every slot is busy, an older generation still drains; ${left} left` }
      }
    },
    () =>
      new BootstrapError('ERR_APPROVAL_PENDING', 'no slot is free: an older generation drains', {
        hint: 'the same command continues when it has been quiet long enough; see `status`',
      }),
  )
  if (!isAsWished(info, step)) {
    throw new BootstrapError(
      'ERR_DRIFT',
      `generation ${generation} is there with an answer key of another kind (${info.algorithm})`,
      { hint: 'give the change up with `--abandon` and begin again' },
    )
  }
  const { url, kid, pin, fingerprint, slot, algorithm } = info
  const facts = { generation, url, slot, kid, algorithm, pin, fingerprint }
  await context.journal.append('stage', facts)
  context.reporter.story(
    `generation ${generation} is served at ${url} (slot ${slot}, pin ${pin}, answers ${algorithm} by ${kid.slice(0, 16)})`,
  )
}

async function declare(
  live: number | null,
  pending: number | null,
  context: PairingContext,
): Promise<void> {
  const { handler, ids, journal, drainMs } = context
  await journal.append('declare-intent', { live, pending, drainMs })
  const needs = { live, pending, drainMs }
  await untilApproved(context, () => handler.declare(ids.cosignerId, ids.apiKeyId, needs))
  await journal.append('declare', { live, pending })
}

async function probe(
  generations: readonly number[],
  gap: boolean,
  context: PairingContext,
): Promise<void> {
  const target = generations.at(-1)
  for (const generation of generations) {
    const { info, status } = await observeGeneration(context, generation)
    const hidden = gap && generation === target
    const { problems, warnings } = await probeGeneration(info, status, hidden, {
      look: context.look,
      handler: context.handler,
      ...(context.probeVia === undefined ? {} : { via: context.probeVia }),
    })
    warnings.forEach((line) => context.reporter.warning(line))
    if (problems.length > 0) {
      throw new BootstrapError('ERR_DRIFT', `generation ${generation} cannot be paired as it is`, {
        details: problems,
        hint: 'nothing was sent; if only this machine cannot reach the public URL, use `--probe-via`',
      })
    }
    context.reporter.story(
      `probed generation ${generation}: certificate, path and signature are as they must be`,
    )
  }
  await context.journal.append('probe', { generations, gap })
}

async function awaitApproval(context: PairingContext): Promise<void> {
  const { kind, to, submission } = operationOf(context)
  if (submission === null) return
  const ending = await follow(
    kind,
    submission,
    async () => isThere(await observePaired(context, context.ids), to),
    context,
  )
  if (!isRefused(ending)) return
  const paired = await observePaired(context, context.ids)
  if (submission.attempts > 1 && isThere(paired, to)) {
    return context.reporter.warning(
      `this request was ${refusalWord(ending)}, but one that was sent before it was approved`,
    )
  }
  const live = paired.is === 'ours' ? paired.generation : null
  await rollBack(live, refusalWord(ending), context)
}

/**
 * Reads back until the API shows what was asked for. A mixture of old and new gets one minute from
 * COMPLETED to settle; `--wait` may end before that.
 */
async function verify(generation: number | null, context: PairingContext): Promise<void> {
  const settledMs = (lastStatusAtMs(context) ?? nowMs(context)) + READ_BACK_MS
  const paired = await poll<Pairing>(
    context,
    async () => {
      const now = await observePaired(context, context.ids)
      const late = nowMs(context) >= settledMs
      return isThere(now, generation) || late
        ? { done: now }
        : { waiting: 'the API does not show the change yet' }
    },
    () =>
      new BootstrapError('ERR_APPROVAL_PENDING', 'the API does not show the change yet', {
        hint: 'run the same command again in a minute',
      }),
  )
  if (!isThere(paired, generation)) {
    throw new BootstrapError(
      'ERR_DRIFT',
      `the change is reported as made, but the API shows ${inWords(paired)}`,
      { hint: 'run `doctor`; nothing is repaired by itself' },
    )
  }
  if (paired.is === 'ours') paired.notes.forEach((line) => context.reporter.warning(line))
  context.reporter.story(`read back: the API shows ${inWords(paired)}`)
}

/** When the last status was journalled, in milliseconds since the epoch. */
function lastStatusAtMs({ journal }: PairingContext): number | undefined {
  const record = journal.records().findLast(({ op }) => op === 'begin' || op === 'status')
  return record?.op === 'status' ? Date.parse(record.ts) : undefined
}

async function rollBack(
  live: number | null,
  reason: string,
  context: PairingContext,
): Promise<void> {
  const { kind, to } = operationOf(context)
  if (kind !== 'unpair') {
    const paired = await observePaired(context, context.ids)
    if (isThere(paired, to)) {
      throw new BootstrapError(
        'ERR_DRIFT',
        `the ${NOUNS[kind]} was ${reason}, yet the API shows ${inWords(paired)}`,
        { hint: 'run `doctor`; both generations stay served' },
      )
    }
    await declare(await served(live, context), null, context)
    if (reason !== ABANDONED) await freeSlot(paired, context)
  }
  await context.journal.append('rolled-back', { reason })
  if (reason !== ABANDONED) throw refusedByPeople(kind, reason)
  context.reporter.story(
    `the ${NOUNS[kind]} is given up; a late approval would still find it served`,
  )
}

/**
 * Retires a generation that people refused and no co-signer ever called, so that its slot is free at
 * once. Only when the API shows another one and no twin of the request can be approved: else it
 * stays served until it was quiet for long enough.
 */
async function freeSlot(paired: Pairing, context: PairingContext): Promise<void> {
  const { to, submission } = operationOf(context)
  if (to === null || paired.is !== 'ours' || submission?.attempts !== 1) return
  await context.handler.retire(to, { unlessCalled: true }).catch((error: unknown) => {
    // It was called, or another pairing needs it.
    if (!(error instanceof HandlerRefusal)) throw error
  })
}

/**
 * The generation unless it is retired: an approval that came after its drain leaves the API showing
 * what answers 410.
 */
async function served(live: number | null, context: PairingContext): Promise<number | null> {
  if (live === null) return null
  const { info } = await observeGeneration(context, live)
  if (info.state !== 'retired') return live
  context.reporter.warning(
    `the API shows generation ${live}, which is retired: callbacks fail; run \`rotate\` at once`,
  )
  return null
}
