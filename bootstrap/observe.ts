/**
 * Looks at both sides of a pairing and changes nothing: what the API says is paired, what the
 * handler says it serves.
 */
import type { GenerationInfo, HandlerStatus } from '../common/admin-api.ts'
import {
  type ApiUser,
  type Cosigner,
  type PairedKey,
  parseCosigner,
  parsePairedKey,
  parseUsers,
  paths,
} from './api/resources.ts'
import { comparePairing, type Pairing } from './compare.ts'
import { algorithmDoubt } from './cosigner-fit.ts'
import { BootstrapError } from './errors.ts'
import type { Session } from './session.ts'
import type { PairingIds } from './state-paths.ts'
import type { PairingWorld } from './steps.ts'

export interface Observed {
  readonly cosigner: Cosigner
  /** Undefined: the co-signer does not know the API key. */
  readonly key: PairedKey | undefined
  readonly status: HandlerStatus
  readonly paired: Pairing
}

type Sources = Pick<Session, 'api' | 'family' | 'handler'>

/** The co-signer, which must exist and not be archived. */
export async function observeCosigner({ api }: Sources, cosignerId: string): Promise<Cosigner> {
  const { body } = await api.get(paths.cosigner(cosignerId))
  const cosigner = parseCosigner(body, cosignerId)
  if (!cosigner.archived) return cosigner
  throw new BootstrapError('ERR_CONFIG', `co-signer \`${cosignerId}\` is archived`, {
    hint: 'name another one with `--cosigner-id`',
  })
}

/** The API's read model of the pairing; undefined when the co-signer does not know the API key. */
export async function observeKey(
  sources: Sources,
  { cosignerId, apiKeyId }: PairingIds,
): Promise<PairedKey | undefined> {
  const path = paths.apiKey(cosignerId, sources.family, apiKeyId)
  const find = () => sources.api.find(path)
  const answer = await find().catch(async (error: unknown) => {
    if (!isBare404(error)) throw error
    // Nothing says that the API itself answered; when it knows the co-signer, a second 404 counts.
    await observeCosigner(sources, cosignerId)
    return find().catch((again: unknown) => {
      if (isBare404(again)) return undefined
      throw again
    })
  })
  return answer && parsePairedKey(answer.body)
}

/** A 404 whose body is not of a known error shape, such as `{}`, nothing or HTML. */
function isBare404(error: unknown): boolean {
  return error instanceof BootstrapError && error.api?.status === 404
}

/** Both sides of one pairing. */
export async function observePairing(sources: Sources, ids: PairingIds): Promise<Observed> {
  const status = await sources.handler.status()
  const cosigner = await observeCosigner(sources, ids.cosignerId)
  const key = await observeKey(sources, ids)
  return { cosigner, key, status, paired: comparePairing(status.auth, key, status.generations) }
}

/** What is paired now, compared with what the handler serves now. */
export async function observePaired(sources: Sources, ids: PairingIds): Promise<Pairing> {
  const key = await observeKey(sources, ids)
  const { auth, generations } = await sources.handler.status()
  return comparePairing(auth, key, generations)
}

/** The observed world in the planner's terms. */
export function worldOf(
  { status, paired, cosigner }: Pick<Observed, 'status' | 'paired' | 'cosigner'>,
  ids: PairingIds,
  offered: readonly number[],
): PairingWorld {
  return {
    auth: status.auth,
    tls: status.tls,
    slots: status.slots.map(({ slot }) => slot),
    answerAlgorithm: status.answerAlgorithm ?? 'RS256',
    es256Doubt: algorithmDoubt(cosigner, 'ES256'),
    generations: status.generations.map((item) => ({
      ...item,
      endsMs: Date.parse(item.notAfter),
    })),
    needs: status.pairings[`${ids.cosignerId}/${ids.apiKeyId}`] ?? null,
    offered,
    paired,
  }
}

/** One generation of the handler. */
export async function observeGeneration(
  { handler }: Pick<Session, 'handler'>,
  generation: number,
): Promise<{ readonly info: GenerationInfo; readonly status: HandlerStatus }> {
  const status = await handler.status()
  const info = status.generations.find((item) => item.generation === generation)
  if (info !== undefined) return { info, status }
  throw new BootstrapError('ERR_DRIFT', `the handler has no generation ${generation}`, {
    hint: 'was its state directory replaced? compare with `status`',
  })
}

/** Every API user the API lists. */
export async function observeUsers({ api }: Pick<Session, 'api'>): Promise<readonly ApiUser[]> {
  const { body } = await api.get(paths.users)
  const users = parseUsers(body)
  if (users !== undefined) return users
  throw new BootstrapError('ERR_API_UNAVAILABLE', 'the list of API users cannot be read', {
    hint: 'check the base path, and what stands between here and the API',
  })
}
