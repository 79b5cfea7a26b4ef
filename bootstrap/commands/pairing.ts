/**
 * `pair`, `rotate`, `unpair`: observe, plan, show, ask, apply, and observe again, which must show
 * the goal.
 */
import { dirname } from 'node:path'
import { ensurePrivateDirectory, removeFile } from '../../common/atomic-file.ts'
import type { GenerationInfo, HandlerStatus } from '../../common/admin-api.ts'
import { applyStep } from '../apply.ts'
import { cosignerNotes } from '../cosigner-fit.ts'
import { describeStep } from '../describe.ts'
import { BootstrapError } from '../errors.ts'
import { type Journal, readJournal } from '../journal.ts'
import {
  A_NOUN,
  mayDrop,
  offeredGenerations,
  type PairingMemory,
  rememberPairing,
} from '../memory.ts'
import { type Observed, observePairing, worldOf } from '../observe.ts'
import { listPairings, type PairingIds, pairingJournalPath } from '../state-paths.ts'
import { inWords } from '../compare.ts'
import { planPairing } from '../plan.ts'
import type { Result } from '../report.ts'
import { agreedAuth, type Run } from '../runtime.ts'
import { nowMs, safePoint } from '../session.ts'
import type { Begin, Goal, Plan, Step, PairingWorld } from '../steps.ts'

/** Plans between two looks at the world; a plan that does not shrink to nothing is drift. */
const MAX_ROUNDS = 3

/** What a command gives back: its result, and what to do once it has been printed. */
export interface Outcome {
  readonly result: Result
  /** The exit status when it is not 0 although there is a result. */
  readonly exit?: number
  /** Called after the result was printed. */
  readonly onReported?: () => Promise<void>
}

/** Runs one pairing command to its end. */
export async function runPairing(goal: Goal, ids: PairingIds, run: Run): Promise<Outcome> {
  const path = pairingJournalPath(run.config.stateDir, ids)
  if (run.config.dryRun) return dryRun(goal, ids, path, run)
  await ensurePrivateDirectory(dirname(path))
  const { clock, runId } = run
  const journal = await run.runtime.openJournal(path, subjectOf(ids), { clock, run: runId })
  try {
    const observed = await settle(goal, ids, journal, run)
    const result = resultOf(goal, ids, observed, rememberPairing(journal.records()))
    return { result, onReported: () => acknowledge(journal, path) }
  } catch (error) {
    await journal.close()
    if (isTraceless(journal, error)) await dropPairing(ids, path, run)
    throw error
  }
}

/**
 * True when a pairing never came to be: nothing was begun, or the API refused its first request. With a
 * mistyped id it would otherwise be known here for ever.
 */
function isTraceless(journal: Journal, error: unknown): boolean {
  const records = journal.records()
  const isRefusal = error instanceof BootstrapError && error.code === 'ERR_API_REFUSED'
  return mayDrop(records) && (isRefusal || records.every(({ op }) => op !== 'begin'))
}

async function dropPairing(ids: PairingIds, path: string, run: Run): Promise<void> {
  const status = await run.handler.status().catch(() => undefined)
  if (status?.pairings[subjectOf(ids)] !== undefined) {
    await run.handler.forget(ids.cosignerId, ids.apiKeyId)
  }
  await removeFile(path)
}

/** Generations that any journal of the state directory has offered to a co-signer. */
export async function offeredIn(stateDir: string): Promise<number[]> {
  const pairings = await listPairings(stateDir)
  const journals = pairings.map((ids) => readJournal(pairingJournalPath(stateDir, ids)))
  return (await Promise.all(journals)).flatMap(offeredGenerations)
}

/** The `subject` of a pairing's journal. */
export function subjectOf({ cosignerId, apiKeyId }: PairingIds): string {
  return `${cosignerId}/${apiKeyId}`
}

async function settle(goal: Goal, ids: PairingIds, journal: Journal, run: Run): Promise<Observed> {
  for (let round = 0; ; round += 1) {
    const observed = await observePairing(run, ids)
    const auth = agreedAuth(run, observed.status.auth)
    if (round === 0 && goal.kind !== 'unpair') {
      cosignerNotes(observed.cosigner, auth).forEach((line) => run.reporter.warning(line))
    }
    const memory = rememberPairing(journal.records())
    const input = round === 0 ? goal : settled(goal)
    const offered = await offeredIn(run.config.stateDir)
    const world = worldOf(observed, ids, offered)
    const { begin, steps, notes } = accept(makePlan(input, world, memory, run, round))
    notes.forEach((line) => run.reporter.warning(line))
    if (steps.length === 0) return observed
    if (round === MAX_ROUNDS) throw stillDifferent(observed)
    if (round === 0) await confirm(goal, steps, observed.status, run)
    if (begin !== null) {
      const { drainMs } = run.config
      await journal.append('begin', { ...begin, drainMs } satisfies Begin & { drainMs: number })
    }
    const { basePath, drainMs } = run.config
    const context = { ...run, ids, journal, basePath, auth, drainMs }
    for (const step of steps) {
      run.reporter.story(`• ${describeStep(step)}`)
      await applyStep(step, context)
    }
    if (run.config.abandon) return observePairing(run, ids)
  }
}

/** After its steps a rotation wants what a pairing wants: that it is there. */
function settled(goal: Goal): Goal {
  return goal.kind === 'rotate' ? { kind: 'pair', replace: false } : goal
}

function makePlan(
  goal: Goal,
  world: PairingWorld,
  memory: PairingMemory,
  run: Run,
  round = 0,
): Plan {
  return planPairing({
    goal,
    world,
    memory,
    retireNow: run.config.retireNow && round === 0,
    forceAlgorithm: run.config.forceAlgorithm,
    resubmit: run.config.resubmit && round === 0,
    abandon: run.config.abandon && round === 0,
    nowMs: nowMs(run),
  })
}

function accept(plan: Plan): Exclude<Plan, { refusal: unknown }> {
  if (!('refusal' in plan)) return plan
  const { code, message, hint } = plan.refusal
  throw new BootstrapError(code, message, { hint })
}

function stillDifferent({ paired }: Observed): BootstrapError {
  return new BootstrapError(
    'ERR_DRIFT',
    `everything was done, and yet the API shows ${inWords(paired)}`,
    { hint: 'run `doctor`' },
  )
}

/** Steps that are not taken without a confirmation. */
const ASKED = new Set<Step['do']>(['update-callback-handler', 'unpair', 'retire'])

/** `rotate` and `unpair` ask before they write; so does whatever takes the place of a stranger. */
async function confirm(
  goal: Goal,
  steps: readonly Step[],
  { generations }: HandlerStatus,
  run: Run,
): Promise<void> {
  const retired = steps.flatMap((step) => (step.do === 'retire' ? [step.generation] : []))
  const writes = steps.some((step) => ASKED.has(step.do))
  const asks = goal.kind !== 'pair' || goal.replace || retired.length > 0
  for (const { generation, url, hits } of generations) {
    if (!retired.includes(generation)) continue
    run.reporter.warning(
      `generation ${generation} still drains (${hits.total} callbacks, last ${hits.lastAt ?? 'never'}): once it is retired a call to ${url} gets 410, and its transaction fails`,
    )
  }
  if (!writes || !asks || run.config.yes) return
  const { ask } = run.runtime
  if (ask === undefined) {
    throw new BootstrapError(
      'ERR_USAGE',
      `\`${goal.kind}\` needs a confirmation, and stdin is not a terminal`,
      {
        hint: 'add `--yes`',
      },
    )
  }
  const warning =
    goal.kind === 'unpair'
      ? [
          'WARNING: this takes the co-signer away from this API user: nothing is signed for it until it is paired again.',
          'WARNING: paired again WITHOUT a callback handler, the co-signer SIGNS EVERYTHING.',
        ]
      : []
  warning.forEach((line) => run.reporter.warning(line))
  steps.forEach((step) => run.reporter.story(`  ${describeStep(step)}`))
  if (await ask(`${goal.kind} now?`)) return
  safePoint(run)
  throw new BootstrapError('ERR_USAGE', 'not confirmed; nothing was done')
}

async function dryRun(goal: Goal, ids: PairingIds, path: string, run: Run): Promise<Outcome> {
  const memory = rememberPairing(await readJournal(path, subjectOf(ids)))
  const observed = await observePairing(run, ids)
  agreedAuth(run, observed.status.auth)
  const { steps, notes } = accept(
    makePlan(goal, worldOf(observed, ids, await offeredIn(run.config.stateDir)), memory, run),
  )
  notes.forEach((line) => run.reporter.warning(line))
  const lines = steps.map((step, index) => `${index + 1}. ${describeStep(step)}`)
  return {
    result: {
      facts: { command: goal.kind, dryRun: true, ...ids, steps },
      lines: lines.length === 0 ? ['nothing to do'] : lines,
    },
  }
}

function resultOf(
  goal: Goal,
  ids: PairingIds,
  { paired, status }: Observed,
  { last, operation }: PairingMemory,
): Result {
  const generation = paired.is === 'ours' ? paired.generation : null
  const info = status.generations.find((item) => item.generation === generation)
  const url = info?.url ?? null
  const pending = operation === null ? [] : [`${A_NOUN[operation.kind]} is still under way`]
  return {
    facts: {
      command: goal.kind,
      ...ids,
      paired: paired.is,
      generation,
      url,
      auth: status.auth,
      pin: info?.pin ?? null,
      kid: info?.kid ?? null,
      algorithm: info?.algorithm ?? null,
      oneKey: info?.oneKey ?? null,
      changed: last !== null && !last.reported,
      notes: paired.is === 'ours' ? paired.notes : [],
    },
    lines: [
      generation === null
        ? `co-signer ${ids.cosignerId} has ${inWords(paired)} for API user ${ids.apiKeyId}`
        : `API user ${ids.apiKeyId} is paired with generation ${generation} at ${url ?? ''}`,
      ...(info === undefined ? [] : keyLines(info)),
      ...pending,
    ],
  }
}

/** Both fingerprints, as `doctor` compares them. */
function keyLines({ pin, kid, algorithm, oneKey }: GenerationInfo): string[] {
  const keys = oneKey ? 'one key for both' : 'two keys'
  return [`pin sha256//${pin}, kid ${kid} (${algorithm}, ${keys})`]
}

/**
 * The last act of a run: until it is written, the same command reports the same result instead of
 * starting anew. The write itself is the last step, so that no kill can come between it and
 * something else.
 */
async function acknowledge(journal: Journal, path: string): Promise<void> {
  const { operation, last } = rememberPairing(journal.records())
  if (operation === null && mayDrop(journal.records())) {
    await journal.close()
    return removeFile(path)
  }
  try {
    if (last !== null && !last.reported) await journal.note('reported')
  } finally {
    await journal.close()
  }
}
