/** `up`: create the API user if there is none, then pair; each part resumes by itself. */
import { APPROVERS } from '../approval.ts'
import { BootstrapError } from '../errors.ts'
import type { Run } from '../runtime.ts'
import { type Outcome, runPairing } from './pairing.ts'
import { runCreateUser } from './user.ts'

/** Runs `up` to its end. */
export async function runUp(run: Run): Promise<Outcome> {
  const { cosignerId } = run.config
  if (cosignerId === undefined) {
    throw new BootstrapError('ERR_CONFIG', '`--cosigner-id` is missing', {
      hint: 'the Console shows it under Developer center, Co-signers',
    })
  }
  const user =
    run.config.apiKeyId === undefined
      ? await runCreateUser(run)
      : { apiKeyId: run.config.apiKeyId, proven: true, result: { facts: {}, lines: [] } }
  if (user.apiKeyId === null) {
    const lines = [...user.result.lines, 'then: pair']
    return {
      result: { facts: { ...user.result.facts, command: 'up' }, lines },
    }
  }
  user.result.lines.forEach((line) => run.reporter.story(line))
  const { answer, replace, keepKey } = run.config
  const goal = { kind: 'pair', answer, replace, keepKey } as const
  const ids = { cosignerId, apiKeyId: user.apiKeyId }
  const { result, onReported } = await runPairing(goal, ids, run).catch((error: unknown) => {
    throw user.proven || !isUnknownUser(error) ? error : notYet(ids.apiKeyId)
  })
  const facts = { ...user.result.facts, ...result.facts, command: 'up' }
  return {
    result: { facts, lines: result.lines },
    ...(onReported === undefined ? {} : { onReported }),
  }
}

function isUnknownUser(error: unknown): boolean {
  return error instanceof BootstrapError && error.api?.status === 404
}

/**
 * The API may list a user before it is approved; the pairing is then refused, and people are what
 * is missing.
 */
function notYet(apiKeyId: string): BootstrapError {
  return new BootstrapError(
    'ERR_APPROVAL_PENDING',
    `API user \`${apiKeyId}\` is listed but cannot be used yet: it waits for ${APPROVERS['create-user']}`,
    { hint: 'run the same command again when it has been approved' },
  )
}
