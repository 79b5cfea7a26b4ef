/** `create-user`: exactly one API user from one key, however often it is run. */
import { join } from 'node:path'
import { ensurePrivateDirectory } from '../../common/atomic-file.ts'
import { applyUserStep, recordFound } from '../apply-user.ts'
import { describeUserStep } from '../describe.ts'
import { BootstrapError } from '../errors.ts'
import type { Journal } from '../journal.ts'
import { rememberUser, type UserMemory } from '../memory.ts'
import { observeUsers } from '../observe.ts'
import { planUser, userName, type UserPlan, type UserStep } from '../plan-user.ts'
import { formatDuration } from '../../common/duration.ts'
import { humanTime, type Result } from '../report.ts'
import type { Run } from '../runtime.ts'
import { nowMs } from '../session.ts'
import { userDirectory } from '../state-paths.ts'
import { loadUserKey, readUserMemory, userJournalPath, type UserKey } from '../user-files.ts'
import type { Outcome } from './pairing.ts'

/**
 * The outcome with the user it is about, and whether one signed GET has proved that the user is
 * ours.
 */
export interface UserOutcome extends Outcome {
  readonly apiKeyId: string | null
  readonly proven: boolean
}

/** Runs `create-user` to its end; the result's facts hold `apiKeyId`. */
export async function runCreateUser(run: Run): Promise<UserOutcome> {
  const directory = userDirectory(run.config.stateDir, run.config.user.name)
  if (run.config.dryRun) {
    const memory = await readUserMemory(directory)
    const { steps } = await plan(run, directory, memory, loadOnce(directory))
    return {
      result: plannedResult(steps, memory),
      apiKeyId: memory.userId,
      proven: memory.proven,
    }
  }
  await ensurePrivateDirectory(directory)
  const { clock, runId } = run
  const subject = `user ${run.config.user.name}`
  const path = userJournalPath(directory)
  const journal = await run.runtime.openJournal(path, subject, { clock, run: runId })
  try {
    await settle(run, directory, journal)
    const memory = rememberUser(journal.records())
    return {
      result: await resultOf(run, directory, memory),
      apiKeyId: memory.userId,
      proven: memory.proven,
    }
  } finally {
    await journal.close()
  }
}

type LoadKey = () => Promise<UserKey | undefined>

/** Loading proves a 4096-bit key, which takes a moment; what is on disk never changes. */
function loadOnce(directory: string): LoadKey {
  let loaded: UserKey | undefined
  return async () => (loaded ??= await loadUserKey(directory))
}

async function settle(run: Run, directory: string, journal: Journal): Promise<void> {
  const key = loadOnce(directory)
  await adoptKey(run, key, journal)
  const { steps, notes } = await plan(run, directory, rememberUser(journal.records()), key)
  notes.forEach((line) => run.reporter.warning(line))
  const { basePath, user: wish } = run.config
  const context = { ...run, directory, journal, basePath, wish, key }
  for (const step of steps) {
    run.reporter.story(`• ${describeUserStep(step)}`)
    await applyUserStep(step, context)
  }
  const [user] = await namesakes(run, rememberUser(journal.records()).name)
  if (user !== undefined) await recordFound(user, context)
}

/** A key that was put in place by a run that died before it could say so. */
async function adoptKey(run: Run, load: LoadKey, journal: Journal): Promise<void> {
  if (rememberUser(journal.records()).kid !== null) return
  const key = await load()
  if (key === undefined) return
  await journal.append('key', { kid: key.kid, name: userName(run.config.user.name, key.kid) })
}

async function plan(
  run: Run,
  directory: string,
  memory: UserMemory,
  load: LoadKey,
): Promise<Exclude<UserPlan, { refusal: unknown }>> {
  const key = await load()
  const kid = key?.kid ?? null
  if (kid !== null && memory.kid !== null && kid !== memory.kid) {
    throw new BootstrapError('ERR_STATE_DAMAGED', `the key in \`${directory}\` was replaced`, {
      hint: 'restore the state directory from a backup',
    })
  }
  const { user, resubmit } = run.config
  const planned = planUser({
    role: user.role,
    firstUser: user.firstUser,
    kid,
    matches: await namesakes(run, kid === null ? null : userName(user.name, kid)),
    memory,
    resubmit,
    nowMs: nowMs(run),
  })
  if (!('refusal' in planned)) return planned
  const { code, message, hint } = planned.refusal
  throw new BootstrapError(code, message, { hint })
}

async function namesakes(run: Run, name: string | null) {
  const users = await observeUsers(run)
  return users.filter((user) => user.name === name)
}

function plannedResult(steps: readonly UserStep[], { userId, name }: UserMemory): Result {
  const lines = steps.map((step, index) => `${index + 1}. ${describeUserStep(step)}`)
  return {
    facts: { command: 'create-user', dryRun: true, apiKeyId: userId, name, steps },
    lines: lines.length === 0 ? ['nothing to do'] : lines,
  }
}

async function resultOf(run: Run, directory: string, memory: UserMemory): Promise<Result> {
  const { userId, name, proven, token, kid } = memory
  const privateKeyPath = join(directory, 'key', 'private.pem')
  const leftMs = (token?.expiresAtMs ?? 0) - nowMs(run)
  const tokenPath = join(directory, 'pairing-token')
  return {
    facts: {
      command: 'create-user',
      apiKeyId: userId,
      name,
      kid,
      privateKeyPath,
      proven,
      ...(leftMs > 0 ? { pairingToken: { path: tokenPath, expiresAtMs: token?.expiresAtMs } } : {}),
    },
    lines: [
      `API user ${userId ?? ''} (\`${name ?? ''}\`)`,
      `its private key is at ${privateKeyPath}`,
      ...(leftMs > 0 ? hostCommands(tokenPath, nowMs(run) + leftMs, leftMs) : []),
    ],
  }
}

/** What to do on the co-signer's host with the token, while it lives. */
function hostCommands(tokenPath: string, expiresAtMs: number, leftMs: number): string[] {
  return [
    `the pairing token is in ${tokenPath}; it expires in ${formatDuration(leftMs)}, at ${humanTime(expiresAtMs)}`,
    'on the co-signer’s host, with that token:',
    '  a new machine (SGX):       ./cosigner setup',
    '  an installed machine:      ./cosigner add-user      (Nitro: sudo ./fireblocks/cosigner add-user)',
    '  when it asks for the callback handler, give the URL that `status` shows and the public key or',
    '  certificate from keys/g<N>/ of the state directory: never leave it empty, because a co-signer',
    '  without a callback handler signs everything',
    'then run the same command again',
  ]
}
