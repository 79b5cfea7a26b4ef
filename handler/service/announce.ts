/** What the running handler tells the operator: how it stands at the start, and what it makes of changed files. */
import type { Certificates } from '../generations/certificates.ts'
import type { Config } from '../config/config.ts'
import type { SqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import type { Registry } from '../generations/registry.ts'
import type { Logger } from '../telemetry/log.ts'
import type { PolicyKeeper } from '../policy-files/policy-keeper.ts'
import type { Listeners } from '../edge/listeners.ts'
import { servedFingerprint } from '../generations/tls-files.ts'

/** Logs the settings, what to give to the co-signer, and last of all `ready`. */
export function announce(parts: {
  readonly config: Config
  readonly registry: Registry
  readonly store: SqliteStore
  readonly notices: () => readonly string[]
  readonly logger: Logger
}): void {
  const { config, registry, store, notices, logger } = parts
  const { storeId, records, log, behind } = store.opening
  const { slots, ...settings } = config
  logger.info({ ...settings, slots: slots.map(({ publicUrl }) => publicUrl.url) }, 'settings')
  logger.info({ storeId, records, lastEnd: log }, 'decision store')
  if (behind !== undefined) {
    logger.error({ detail: behind }, 'the decision store is not the newest: every answer is RETRY')
  }
  for (const info of registry.infos()) {
    if (info.state === 'retired') continue
    const { generation, state, url, kid, fingerprint, notAfter } = info
    logger.info(
      { generation, state, url, kid, fingerprint, notAfter },
      'base URL to give to the co-signer',
    )
  }
  for (const notice of notices()) logger.warn(notice)
  logger.info('ready')
}

/** One look at the policy and the certificate files; what has changed is taken over and said. */
export function followFiles(parts: {
  readonly config: Config
  readonly keeper: PolicyKeeper
  readonly certificates: Certificates
  readonly listeners: Listeners
  readonly logger: Logger
}): () => Promise<void> {
  const { config, keeper, certificates, listeners, logger } = parts
  return async () => {
    keeper.look()
    const pair = await certificates.poll()
    if (pair?.kind === 'kept') {
      logger.error({ err: pair.error }, 'the certificate files are wrong: the old ones stay')
    }
    if (pair?.kind === 'swapped') {
      listeners.refresh()
      const { fingerprint, notAfter } = pair.pair
      const served = await servedNow(config)
      logger.info(
        { fingerprint, notAfter, served: served === fingerprint },
        'certificate taken over',
      )
      if (pair.keyChanged && config.auth !== 'public-key') {
        logger.warn({ fingerprint }, 'the TLS key has changed: a co-signer that pins it refuses it')
      }
    }
  }
}

/** What a fresh connection is shown; undefined where this machine may not connect to itself. */
async function servedNow({ slots }: Config): Promise<string | undefined> {
  const [first] = slots
  if (first === undefined) return undefined
  const { host, port } = first.listen
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return servedFingerprint(local, port, first.publicUrl.hostname)
}
