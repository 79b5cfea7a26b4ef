/**
 * `doctor`: collects the facts, prints one line per finding, and with `--watch` repeats until there
 * is an alarm, and says what changes.
 */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { HandlerStatus } from '../../common/admin-api.ts'
import { errnoOf, messageOf } from '../../common/errors.ts'
import { oneLine } from '../../common/terminal.ts'
import { comparePairing } from '../compare.ts'
import { diagnose, type Facts, type Finding } from '../doctor.ts'
import { BootstrapError } from '../errors.ts'
import { readJournal } from '../journal.ts'
import { rememberPairing } from '../memory.ts'
import { observeCosigner, observeKey } from '../observe.ts'
import { bootstrapDirectory, type PairingIds, pairingJournalPath } from '../state-paths.ts'
import { probeGeneration, type ProbeReport } from '../probe.ts'
import type { Run } from '../runtime.ts'
import { nowMs, safePoint } from '../session.ts'
import { type Outcome, subjectOf } from './pairing.ts'

/** Deepest directory below the bootstrapper's own, and most files, that are looked at. */
const MAX_DEPTH = 5
const MAX_FILES = 10_000

/**
 * Examines once, or again and again.
 *
 * @throws BootstrapError ERR_DRIFT when there is a problem; with `--watch` only when the handler is missing or foreign
 */
export async function runDoctor(ids: PairingIds, run: Run): Promise<Outcome> {
  const { watchMs } = run.config
  let before: readonly string[] | undefined
  for (;;) {
    const facts = await collect(ids, run)
    const findings = diagnose(facts)
    await tellHandler(ids, facts, findings, run)
    const lines = findings.map(lineOf)
    const problems = findings.filter(({ level }) => level === 'problem')
    if (watchMs === undefined) {
      if (problems.length === 0) {
        const result = { facts: { command: 'doctor', ...ids, findings }, lines }
        return { result }
      }
      throw unwell(problems, findings)
    }
    if (problems.some(({ about }) => about === 'pairing')) throw unwell(problems, findings)
    const now = problems.map(lineOf)
    tellChanges(before ?? [], now, before === undefined, run)
    before = now
    await run.sleep(watchMs, run.signal)
    safePoint(run)
  }
}

/** Tells the handler whether its pairing has drifted, for its notices and events. A handler of before does not know how. */
async function tellHandler(
  ids: PairingIds,
  { paired, status }: Facts,
  findings: readonly Finding[],
  { handler }: Run,
): Promise<void> {
  if (paired === undefined || status === undefined) return
  const found = findings.find(({ about, level }) => about === 'pairing' && level === 'problem')
  const drift = found === undefined ? null : oneLine(found.text)
  await handler.tellDrift(ids.cosignerId, ids.apiKeyId, drift).catch(expected)
}

/** What is new and what is over; when nothing changes, nothing is said, but once that the watch has begun. */
function tellChanges(
  before: readonly string[],
  now: readonly string[],
  isFirst: boolean,
  { reporter, clock }: Run,
): void {
  const time = clock.now().toISOString()
  const over = before.filter((line) => !now.includes(line))
  if (isFirst) reporter.story(`${time} watching: ${now.length} problems; from now on only changes`)
  now
    .filter((line) => !before.includes(line))
    .forEach((line) => reporter.warning(`${time} ${line}`))
  over.forEach((line) => reporter.story(`${time} over: ${line}`))
}

function unwell(problems: readonly Finding[], findings: readonly Finding[]): BootstrapError {
  const [worst] = problems
  return new BootstrapError('ERR_DRIFT', worst?.text ?? 'a problem was found', {
    details: findings.map(lineOf),
    ...(worst?.remedy === undefined ? {} : { hint: worst.remedy }),
  })
}

function lineOf({ level, about, text, remedy }: Finding): string {
  const end = remedy === undefined || level === 'ok' ? '' : ` → ${remedy}`
  return `${level.padEnd(7)} ${about}: ${text}${end}`
}

async function collect(ids: PairingIds, run: Run): Promise<Facts> {
  const path = pairingJournalPath(run.config.stateDir, ids)
  const memory = rememberPairing(await readJournal(path, subjectOf(ids)))
  const handler = await run.handler.status().catch(expected)
  const status = typeof handler === 'string' ? undefined : handler
  const api = await readApi(ids, run).catch(expected)
  const seen = typeof api === 'string' ? undefined : api
  return {
    nowMs: nowMs(run),
    cosigner: seen?.cosigner,
    key: seen?.key,
    paired: seen && comparePairing(status?.auth ?? 'hybrid', seen.key, status?.generations ?? []),
    apiProblem: typeof api === 'string' ? api : undefined,
    status,
    handlerProblem: typeof handler === 'string' ? handler : undefined,
    probes: status === undefined ? new Map() : await probeAll(status, run),
    memory,
    skewMs: run.api.skewMs(),
    fileProblems: await modesBelow(bootstrapDirectory(run.config.stateDir)),
  }
}

async function readApi(ids: PairingIds, run: Run) {
  const cosigner = await observeCosigner(run, ids.cosignerId)
  return { cosigner, key: await observeKey(run, ids) }
}

async function probeAll(status: HandlerStatus, run: Run): Promise<Map<number, ProbeReport>> {
  const reports = new Map<number, ProbeReport>()
  const deps = { look: run.look, handler: run.handler }
  const via = run.probeVia === undefined ? {} : { via: run.probeVia }
  for (const item of status.generations) {
    if (item.state === 'retired') continue
    // In a slot that two share, the live one shows its certificate; that was accepted with the gap.
    const hidden =
      item.state !== 'live' &&
      status.generations.some(({ slot, state }) => slot === item.slot && state === 'live')
    reports.set(item.generation, await probeGeneration(item, status, hidden, { ...deps, ...via }))
  }
  return reports
}

/** Every file and directory below that other users may read or write. */
async function modesBelow(directory: string, depth = 0): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  })
  const problems: string[] = []
  for (const name of names.slice(0, MAX_FILES)) {
    const path = join(directory, name)
    const stat = await lstat(path)
    if ((stat.mode & 0o077) !== 0) {
      problems.push(`\`${path}\` has mode ${(stat.mode & 0o777).toString(8)}`)
    }
    if (stat.isDirectory() && depth < MAX_DEPTH) {
      problems.push(...(await modesBelow(path, depth + 1)))
    }
  }
  return problems
}

/** An expected failure is a finding; a bug is not. */
function expected(error: unknown): string {
  if (error instanceof BootstrapError) return messageOf(error)
  throw error
}
