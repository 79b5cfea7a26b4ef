/** Stage 2: keys and certificates in service, and what hangs on their changes. */
import { createCertificates, type Certificates } from '../generations/certificates.ts'
import { servedGenerations } from '../generations/generation-info.ts'
import { createKeyring, type Keyring } from '../generations/keyring.ts'
import { openRegistry, type Registry } from '../generations/registry.ts'
import { routesFor, type Routes } from '../protocol/endpoints.ts'
import { CallbackError } from '../protocol/errors.ts'
import type { Signer } from '../protocol/signer.ts'
import type { Material } from './inspect.ts'
import type { Process } from './process.ts'

export interface Generations {
  readonly registry: Registry
  readonly keyring: Keyring
  readonly certificates: Certificates
  /** The paths of the generations that are served now. */
  readonly routes: () => Routes
  /** @throws CallbackError when that generation cannot sign */
  readonly signerOf: (generation: number) => Signer
  /** Calls back after every change of a generation's state. */
  readonly onChange: (changed: () => void) => void
}

/** Opens the registry; the first start makes generation 1. */
export async function openGenerations(
  { config, clock, logger, closers, failed }: Process,
  material: Material,
): Promise<Generations> {
  const { slots, stateDir, keysDir } = config
  const { passphrase, filePair, entries, file, keystores } = material
  const access = { keysDir, passphrase, keystores }
  const keyring = createKeyring(access, entries)
  const certificates = createCertificates(config.tls, filePair, keyring)
  const listeners: (() => void)[] = []
  const registry = await openRegistry({
    stateDir,
    access,
    slots,
    // A certificate that nobody pins may change under a generation that is in use.
    slotsAreExclusive: config.tls.mode === 'self-signed' && config.auth !== 'public-key',
    newAnswerKey: config.newAnswerKey,
    destroyAnswerKeys: config.destroyAnswerKeys,
    failed,
    keyring,
    clock,
    file,
    servedCertificate: certificates.served,
    changed: (event, generation) => {
      logger.info({ generation }, event)
      for (const changed of listeners) changed()
    },
  })
  closers.add(registry.close)
  if (registry.state().generations.length === 0) await registry.stage(1, {})

  const mode = config.auth === 'certificate' ? 'plain' : 'token'
  let state = registry.state()
  let routes = routesFor(mode, servedGenerations(state, slots))
  return {
    registry,
    keyring,
    certificates,
    routes() {
      if (state !== registry.state()) {
        state = registry.state()
        routes = routesFor(mode, servedGenerations(state, slots))
      }
      return routes
    },
    // INVARIANT: a generation that is routed has its key; one whose key has gone cannot sign, which is 503.
    signerOf(generation) {
      const signer = keyring.get(generation)?.signer
      if (signer !== undefined) return signer
      throw new CallbackError(
        'ERR_SIGNING_UNAVAILABLE',
        `generation ${generation} has no private key`,
      )
    },
    onChange: (changed) => void listeners.push(changed),
  }
}
