/** Status of the handler, for the bootstrapper and the operator. */
import type { HandlerStatus, SelfTestAnswer } from '../../common/admin-api.ts'
import { AdminError } from '../../common/admin-error.ts'
import type { Config } from '../config/config.ts'
import { formatAddress } from '../config/config-values.ts'
import type { Registry } from '../generations/registry.ts'
import type { Keyring } from '../generations/keyring.ts'
import { signToken } from '../protocol/token.ts'
import { VERSION } from '../../common/version.ts'

/** Header `typ` of a self-test: no callback answer has it, so that neither can pass for the other (RFC 8725 §3.11). */
export const SELF_TEST_TYPE = 'countersign-self-test'

/** The status at this moment. */
export function statusOf(
  { auth, tls, slots, newAnswerKey }: Config,
  registry: Registry,
  policyDigest: string,
  problems: readonly string[],
  now: Date,
): HandlerStatus {
  return {
    version: 1,
    product: `countersign ${VERSION}`,
    auth,
    tls: tls.mode,
    answerAlgorithm: newAnswerKey.algorithm,
    slots: slots.map(({ slot, publicUrl, listen }) => ({
      slot,
      publicUrl: publicUrl.url,
      listen: formatAddress(listen),
    })),
    generations: registry.infos(),
    pairings: registry.state().pairings,
    policyDigest,
    ready: problems.length === 0,
    problems,
    now: now.toISOString(),
  }
}

/** Signs a nonce with the key of a generation that is served. @throws AdminError */
export async function selfTest(
  registry: Registry,
  keyring: Keyring,
  generation: number,
  nonce: string,
): Promise<SelfTestAnswer> {
  const state = registry.stateOf(generation)
  if (state === 'retired') {
    throw new AdminError('ERR_GENERATION_RETIRED', `generation ${generation} is retired`)
  }
  const signer = keyring.get(generation)?.signer
  if (state === undefined || signer === undefined) {
    throw new AdminError('ERR_NOT_FOUND', `no generation ${generation}`)
  }
  return { token: await signToken(signer, { nonce, generation }, SELF_TEST_TYPE) }
}
