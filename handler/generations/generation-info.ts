/** The public side of a generation, as the admin socket tells it. */
import type { GenerationInfo } from '../../common/admin-api.ts'
import type { CertificateFacts } from '../../certs/inspect.ts'
import { FILE_SIGNER } from '../../certs/store.ts'
import type { HitCounter } from './generation-hits.ts'
import { recordOf, stateOf } from './generation-states.ts'
import type { RegistryState } from './generation-states.ts'
import type { KeyringEntry } from './keyring.ts'
import type { ServedGeneration } from '../protocol/endpoints.ts'
import type { Slot } from '../config/slots.ts'

/** A certificate that is presented instead of the generations' own (`HANDLER_TLS=files`). */
export interface ServedCertificate extends Pick<
  CertificateFacts,
  'fingerprint' | 'pin' | 'notBefore' | 'notAfter'
> {
  readonly certificatePem: string
}

/** Describes one generation; the certificate is the one that callers of its URL see. */
export function generationInfo(
  entry: KeyringEntry,
  state: RegistryState,
  slots: readonly Slot[],
  hits: HitCounter,
  served: ServedCertificate | undefined,
): GenerationInfo {
  const { generation } = entry
  const record = recordOf(state, generation)
  const slot = record?.slot ?? entry.slot
  const life = stateOf(state, generation) ?? 'staged'
  const { certificatePem, fingerprint, pin, notBefore, notAfter } = served ?? entry
  return {
    generation,
    state: life,
    slot,
    url: urlOf(slots, slot, generation),
    publicKeyPem: entry.publicKeyPem,
    certificatePem,
    kid: entry.kid,
    algorithm: entry.algorithm,
    oneKey: entry.answerKey === undefined,
    signer: entry.answerKey?.signer ?? FILE_SIGNER,
    fingerprint,
    pin,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    createdAt: entry.createdAt,
    ...(life === 'draining' && record?.drain !== undefined ? { drain: record.drain } : {}),
    hits: hits.of(generation),
  }
}

/** `<public URL of the slot>/g<n>`; empty for a retired generation whose slot is no longer configured. */
export function urlOf(slots: readonly Slot[], slot: string, generation: number): string {
  const url = slots.find((candidate) => candidate.slot === slot)?.publicUrl.url
  return url === undefined ? '' : `${url}/g${generation}`
}

/** The base paths under which the generations are served, retired ones included: they answer 410. */
export function servedGenerations(
  state: RegistryState,
  slots: readonly Slot[],
): readonly ServedGeneration[] {
  return state.generations.flatMap(({ generation, slot }) => {
    const found = slots.find((candidate) => candidate.slot === slot)
    return found === undefined ? [] : [{ basePath: found.publicUrl.path, generation }]
  })
}
