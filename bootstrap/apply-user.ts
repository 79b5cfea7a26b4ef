/** Carries out the steps that make exactly one API user from one key and prove that it is ours. */
import { join } from 'node:path'
import { writeFileAtomic } from '../common/atomic-file.ts'
import type { ApiClient } from './api/client.ts'
import { ID } from './api/ids.ts'
import { type ApiUser, parsePairingToken, paths, userBody } from './api/resources.ts'
import { APPROVERS } from './approval.ts'
import { oneLine } from '../common/terminal.ts'
import { BootstrapError } from './errors.ts'
import type { Journal } from './journal.ts'
import { mayReuseKey, rememberUser } from './memory.ts'
import { observeUsers } from './observe.ts'
import { userName, type UserStep } from './plan-user.ts'
import { formatDuration } from '../common/duration.ts'
import { humanTime } from './report.ts'
import { nowMs, poll, safePoint, type Session } from './session.ts'
import { KEY_SPENT, submitOnce } from './submit.ts'
import { backoffMs } from './api/retry.ts'
import { createUserKey, type UserKey } from './user-files.ts'

/** Requests for a pairing token in one run. */
const TOKEN_TRIES = 3

/** A pairing token lives one hour (vendor: re-enrolment article). */
export const TOKEN_LIFETIME_MS = 3_600_000

export interface UserContext extends Session {
  /** The user's own directory below the state directory. */
  readonly directory: string
  readonly journal: Journal
  readonly basePath: string
  /** The key on disk, loaded once. */
  readonly key: () => Promise<UserKey | undefined>
  readonly wish: {
    readonly name: string
    readonly role: string
    readonly org: string
    readonly setupType?: string
    readonly firstUser: boolean
  }
  /** A client that signs as another API user. */
  readonly clientOf: (apiKey: string, privateKeyPem: string) => ApiClient
}

/** Carries out one step; when it returns, its effect is there and journalled. */
export async function applyUserStep(step: UserStep, context: UserContext): Promise<void> {
  safePoint(context)
  switch (step.do) {
    case 'generate-key':
      return generateKey(context)
    case 'create-api-user':
      return createUser(step.idempotencyKey, context)
    case 'await-user':
      await awaitUser(context)
      return undefined
    case 'prove-possession':
      return prove(context)
    case 'issue-pairing-token':
    default:
      return issueToken(context)
  }
}

/**
 * INVARIANT: the private key is durable, read back and tried out before anything remote hears of
 * it.
 */
async function generateKey(context: UserContext): Promise<void> {
  await context.journal.append('key-intent', {})
  const { kid, privateKeyPath } = await createUserKey(context.directory, context.wish.org)
  await context.journal.append('key', { kid, name: userName(context.wish.name, kid) })
  context.reporter.story(`the private key is at ${privateKeyPath} (kid ${kid})`)
}

async function createUser(reuse: string | null, context: UserContext): Promise<void> {
  const { role, setupType, firstUser } = context.wish
  const key = await keyOf(context)
  const name = userName(context.wish.name, key.kid)
  const body = userBody({
    name,
    role,
    csrPem: key.csrPem,
    firstUser,
    ...(setupType === undefined ? {} : { setupType }),
  })
  const { submission } = rememberUser(context.journal.records())
  const sent = await submitOnce(
    { method: 'POST', path: paths.users, body, idempotencyKey: reuse ?? context.uuid() },
    submission,
    context,
  )
  if (sent.outcome === 'accepted') {
    context.reporter.story(`asked for API user \`${name}\` with role ${role}`)
    return
  }
  // A lost answer can be asked for again with the same key; after a 5xx answer only people know
  // what is pending.
  if (sent.outcome === 'no-answer') throw sent.error
  context.reporter.warning(sent.error.message)
  context.reporter.story(
    'the request may be pending all the same: look in the approval app; if nothing waits there, stop and run again with `--resubmit`',
  )
}

/** Waits until the list has exactly one user of our name. */
async function awaitUser(context: UserContext): Promise<ApiUser> {
  const name = userName(context.wish.name, (await keyOf(context)).kid)
  const { submission } = rememberUser(context.journal.records())
  const sinceMs = submission?.acceptedAtMs ?? submission?.firstSentAtMs ?? nowMs(context)
  const who = APPROVERS['create-user']
  return poll(
    context,
    async () => {
      const [user, second] = (await observeUsers(context)).filter((item) => item.name === name)
      if (user !== undefined && second !== undefined) {
        throw new BootstrapError(
          'ERR_AMBIGUOUS',
          `more than one API user has the name \`${name}\`: \`${user.id}\`, \`${second.id}\``,
          { hint: 'delete the wrong ones in the Console; none is ever chosen by itself' },
        )
      }
      if (user !== undefined) {
        await recordFound(user, context)
        return { done: user }
      }
      const left = formatDuration(context.deadlineMs - context.clock.monotonicMs())
      return {
        waiting: `waiting for ${who} to approve API user \`${name}\` since ${humanTime(sinceMs)}, ${left} left; Ctrl-C is safe, the same command resumes`,
      }
    },
    () =>
      new BootstrapError(
        'ERR_APPROVAL_PENDING',
        `API user \`${name}\` is not listed yet, asked for at ${humanTime(sinceMs)}: it waits for ${who}`,
        {
          hint:
            submission?.outcome === 'accepted' ||
            (submission !== null && mayReuseKey(submission, nowMs(context)))
              ? 'run the same command again when it has been approved'
              : 'look in the approval app: approve it if it waits there; if nothing waits, run again with `--resubmit`',
        },
      ),
  )
}

/** Journals the user's id once. */
export async function recordFound(user: ApiUser, context: UserContext): Promise<void> {
  if (!ID.test(user.id)) {
    throw new BootstrapError(
      'ERR_API_UNAVAILABLE',
      `the API lists \`${user.name ?? ''}\` with an id that is none: \`${oneLine(user.id)}\``,
      { hint: 'check the base path, and what stands between here and the API' },
    )
  }
  if (rememberUser(context.journal.records()).userId === user.id) return
  await context.journal.append('found', { userId: user.id, status: user.status ?? null })
  context.reporter.story(`API user \`${user.name ?? ''}\` has the id ${user.id}`)
}

/**
 * One GET signed with the new key as the new user. Any answer but a failed authentication proves
 * possession: the API checks the signature before the role, so "you may not do this" (-8, 403) is
 * proof as well.
 */
async function prove(context: UserContext): Promise<void> {
  const user = await awaitUser(context)
  const { privateKeyPem } = await keyOf(context)
  try {
    await context.clientOf(user.id, privateKeyPem).find(paths.cosigners)
  } catch (error) {
    const api = error instanceof BootstrapError ? error.api : undefined
    if (api?.kind !== 'refused') throw error
    const { status, vendorCode, vendorType } = api
    if (status === 401 && vendorCode !== -8 && vendorType !== 'AUTHORIZATION') {
      if (vendorCode !== -1 && user.status?.startsWith('PENDING') === true) {
        context.reporter.warning(
          `the API does not accept the new user’s key while the user is ${user.status}; it is tried again on the next run`,
        )
        return
      }
      throw new BootstrapError(
        'ERR_DRIFT',
        `API user \`${user.id}\` does not accept our key (code ${vendorCode ?? 'unknown'}): it is not ours`,
        { cause: error, hint: 'start a new user with another `--name`, and find out whose it is' },
      )
    }
    if (status !== 401 && status !== 403 && status !== 404) throw error
  }
  await context.journal.append('proven', { userId: user.id })
  context.reporter.story('proved: the new user’s key signs for it')
}

/**
 * The token goes to a private file, never to the terminal. An answer that spent the idempotency key
 * (5xx, vendor code 9003) is followed by a request with a new one; an API without this request is no
 * obstacle, because the Console shows the token too.
 */
async function issueToken(context: UserContext): Promise<void> {
  const user = await awaitUser(context)
  for (let tries = 1; ; tries += 1) {
    const asked = await askForToken(user, context)
    if (asked === 'not needed') return
    if (typeof asked === 'string') return saveToken(asked, context)
    await context.journal.append('token-refused', {})
    if (tries === TOKEN_TRIES) throw asked
    context.reporter.warning(`${asked.message}; trying again with a new idempotency key`)
    await context.sleep(backoffMs(tries + 1, context.random()), context.signal)
    safePoint(context)
  }
}

/** The token; `not needed`; or an error after which the idempotency key is of no use any more. */
async function askForToken(user: ApiUser, context: UserContext): Promise<string | BootstrapError> {
  const { token } = rememberUser(context.journal.records())
  const isOpen =
    token !== null &&
    token.expiresAtMs === null &&
    nowMs(context) - token.requestedAtMs < TOKEN_LIFETIME_MS
  const idempotencyKey = isOpen ? token.idempotencyKey : context.uuid()
  await context.journal.append('token-intent', { idempotencyKey })
  try {
    const path = paths.pairingToken(user.id)
    const answer = await context.api.write({ method: 'POST', path, idempotencyKey })
    const text = parsePairingToken(answer.body)
    if (text !== undefined) return text
    return new BootstrapError('ERR_API_UNAVAILABLE', 'the API gave no pairing token', {
      hint: 'run the same command again, or copy the token from the Console',
    })
  } catch (error) {
    const api = error instanceof BootstrapError ? error.api : undefined
    if (!(error instanceof BootstrapError) || api === undefined) throw error
    if (api.status === 409) {
      context.reporter.warning('the user is not waiting for activation: it needs no pairing token')
      return 'not needed'
    }
    if (api.status === 404 || api.status === 405 || api.status === 501) {
      context.reporter.warning(
        'this API does not issue pairing tokens: copy the token from the Console, where the user is pending activation',
      )
      return 'not needed'
    }
    if (api.vendorCode === KEY_SPENT) return error
    if (api.kind === 'server-error' || api.kind === 'bad-answer') return error
    throw error
  }
}

async function saveToken(token: string, context: UserContext): Promise<void> {
  const path = join(context.directory, 'pairing-token')
  await writeFileAtomic(path, `${token}\n`)
  const { token: asked } = rememberUser(context.journal.records())
  const expiresAtMs = (asked?.requestedAtMs ?? nowMs(context)) + TOKEN_LIFETIME_MS
  await context.journal.append('token', { path, expiresAtMs })
  context.reporter.story(`the pairing token is in ${path} and expires at ${humanTime(expiresAtMs)}`)
}

async function keyOf({ directory, key: load }: UserContext): Promise<UserKey> {
  const key = await load()
  if (key !== undefined) return key
  throw new BootstrapError('ERR_STATE_DAMAGED', `the private key in \`${directory}\` is gone`, {
    hint: 'restore the state directory from a backup',
  })
}
