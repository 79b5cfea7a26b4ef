/**
 * `status`: the whole story of a pairing in one look, and what the next command would do. Changes
 * nothing.
 */
import type { HandlerStatus } from '../../common/admin-api.ts'
import { messageOf } from '../../common/errors.ts'
import { APPROVERS } from '../approval.ts'
import { comparePairing, inWords, type Pairing } from '../compare.ts'
import { cosignerNotes } from '../cosigner-fit.ts'
import { describeStep } from '../describe.ts'
import { EXIT } from '../../common/exit-codes.ts'
import { BootstrapError } from '../errors.ts'
import { readJournal } from '../journal.ts'
import { type Operation, type PairingMemory, rememberPairing } from '../memory.ts'
import { observeCosigner, observeKey, worldOf } from '../observe.ts'
import { type PairingIds, pairingJournalPath } from '../state-paths.ts'
import { planPairing } from '../plan.ts'
import { formatDuration } from '../../common/duration.ts'
import { humanTime } from '../report.ts'
import type { Run } from '../runtime.ts'
import { nowMs } from '../session.ts'
import type { Goal, PairingWorld, Plan } from '../steps.ts'
import { offeredIn, type Outcome, subjectOf } from './pairing.ts'

/** Tells where a pairing stands. */
export async function runStatus(ids: PairingIds, run: Run): Promise<Outcome> {
  const path = pairingJournalPath(run.config.stateDir, ids)
  const memory = rememberPairing(await readJournal(path, subjectOf(ids)))
  const handler = await run.handler.status().catch((error: unknown) => {
    if (error instanceof BootstrapError) return messageOf(error)
    throw error
  })
  const cosigner = await observeCosigner(run, ids.cosignerId)
  const key = await observeKey(run, ids)
  const status = typeof handler === 'string' ? undefined : handler
  const paired = comparePairing(status?.auth ?? 'hybrid', key, status?.generations ?? [])
  const offered = await offeredIn(run.config.stateDir)
  const next =
    status === undefined
      ? undefined
      : nextPlan(worldOf({ status, paired, cosigner }, ids, offered), run, memory)
  const notes = status === undefined ? [] : cosignerNotes(cosigner, status.auth)
  const drift =
    status !== undefined &&
    isDrift(paired, next, worldOf({ status, paired, cosigner }, ids, offered))
  const result = {
    facts: {
      command: 'status',
      ...ids,
      drift,
      cosigner,
      pairing: paired,
      lastSeen: key?.lastSeen ?? null,
      url: key?.handler?.url ?? null,
      handler: status === undefined ? null : handlerFacts(status),
      handlerProblem: typeof handler === 'string' ? handler : null,
      operation: memory.operation,
      last: memory.last,
      next: next ?? null,
      notes,
    },
    lines: [
      `co-signer  ${cosigner.name ?? ids.cosignerId} (${cosigner.type ?? 'type unknown'}, version ${cosigner.version ?? 'unknown'})`,
      `API user   ${ids.apiKeyId}, last seen ${key?.lastSeen ?? 'never'}`,
      `paired     ${pairedLine(paired, status)}`,
      ...(paired.is === 'ours' ? paired.notes.map((line) => `           ${line}`) : []),
      ...(typeof handler === 'string' ? [`handler    ${handler}`] : generationLines(handler)),
      `pending    ${memory.operation === null ? 'nothing' : pendingLine(memory.operation, nowMs(run))}`,
      ...(next === undefined ? [] : nextLines(next, memory)),
      ...notes.map((line) => `note       ${line}`),
    ],
  }
  return { result, exit: drift ? EXIT.drift : EXIT.done }
}

/** What is paired is not what this handler is asked to serve. */
function isDrift(paired: Pairing, next: Plan | undefined, { needs }: PairingWorld): boolean {
  if (paired.is === 'no-handler') return true
  if (paired.is === 'absent') return needs !== null && needs.live !== null
  return next !== undefined && 'refusal' in next && next.refusal.code === 'ERR_DRIFT'
}

function nextPlan(world: PairingWorld, run: Run, memory: PairingMemory): Plan {
  return planPairing({
    goal: goalOf(memory.operation),
    world,
    memory,
    resubmit: false,
    abandon: false,
    nowMs: nowMs(run),
  })
}

/** What is under way, else a pairing. */
function goalOf(operation: Operation | null): Goal {
  if (operation?.kind === 'unpair') return { kind: 'unpair' }
  return operation?.kind === 'rotate'
    ? { kind: 'rotate', renew: operation.renewOf !== null, acceptGap: true }
    : { kind: 'pair', replace: false }
}

function handlerFacts({ auth, tls, ready, problems, policyDigest, generations }: HandlerStatus) {
  return {
    auth,
    tls,
    ready,
    problems,
    policyDigest,
    generations: generations.map((item) => ({
      generation: item.generation,
      state: item.state,
      slot: item.slot,
      url: item.url,
      kid: item.kid,
      pin: item.pin,
      algorithm: item.algorithm,
      oneKey: item.oneKey,
      signer: item.signer,
      notAfter: item.notAfter,
      drain: item.drain ?? null,
      hits: item.hits,
    })),
  }
}

function pairedLine(paired: Pairing, status: HandlerStatus | undefined): string {
  if (status === undefined && paired.is === 'foreign') return `${paired.url} (not compared)`
  if (paired.is === 'no-handler')
    return 'WITHOUT A CALLBACK HANDLER: the co-signer signs everything'
  return inWords(paired)
}

function generationLines({ auth, ready, problems, generations }: HandlerStatus): string[] {
  return [
    `handler    ${auth}, ${ready ? 'ready' : `not ready: ${problems.join('; ')}`}`,
    ...generations.map((item) => {
      const drain =
        item.drain === undefined
          ? ''
          : `, quiet time ${formatDuration(item.drain.quietMs)} since ${item.drain.since}`
      return `           g${item.generation} ${item.state}${drain}: ${item.url}, ${item.hits.total} callbacks, last ${item.hits.lastAt ?? 'never'}, until ${item.notAfter.slice(0, 10)}`
    }),
  ]
}

function pendingLine(operation: Operation, now: number): string {
  const { kind, from, to, submission, startedAtMs } = operation
  const way =
    kind === 'unpair' ? kind : `${kind} from ${from ?? 'nothing'} to generation ${to ?? ''}`
  if (submission === null) return `${way}, begun ${humanTime(startedAtMs)}, nothing sent yet`
  if (submission.outcome !== 'accepted') {
    return `${way}, sent ${humanTime(submission.firstSentAtMs)}, fate ${submission.outcome === 'clear' ? 'refused' : 'unknown: look in the approval app'}`
  }
  const sinceMs = submission.acceptedAtMs ?? submission.firstSentAtMs
  return `${way}: ${APPROVERS[kind]} must approve request ${submission.requestId ?? '(id unknown)'}, ${submission.status ?? 'status unknown'}, since ${humanTime(sinceMs)} (${formatDuration(now - sinceMs)})`
}

function nextLines(plan: Plan, { operation }: PairingMemory): string[] {
  const command = operation?.kind ?? 'pair'
  if ('refusal' in plan) {
    return [`problem    ${plan.refusal.message}`, `           ${plan.refusal.hint}`]
  }
  if (plan.steps.length === 0) return ['next       nothing to do; `rotate` begins a new generation']
  return [
    `next       \`${command}\` would:`,
    ...plan.steps.map((step) => `           - ${describeStep(step)}`),
  ]
}
