/** Puts the handler together from what was inspected, keeps it going, and takes it down in order. */
import { ensurePrivateDirectory } from '../../common/atomic-file.ts'
import type { After, Clock, Sleep } from '../../common/clock.ts'
import { openHealth } from '../telemetry/health.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { openAdminSocket } from '../control/socket.ts'
import { createAdmission } from '../edge/admission.ts'
import { watchPauses } from '../edge/pauses.ts'
import { watchDropped } from '../telemetry/dropped-connections.ts'
import { createByteBudget } from '../edge/byte-budget.ts'
import { createCertificates } from '../generations/certificates.ts'
import type { Material } from './inspect.ts'
import { checkpointKey } from '../generations/checkpoint-key.ts'
import { createClosers, serverCloser } from './closers.ts'
import type { Closers } from './closers.ts'
import type { BootedThread } from '../decisions/sqlite/boot.ts'
import { openSqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import { servedGenerations } from '../generations/generation-info.ts'
import { openRegistry } from '../generations/registry.ts'
import { lockStateDirectory } from './instance-lock.ts'
import { createKeyring } from '../generations/keyring.ts'
import { createLameDuck } from '../edge/shutdown.ts'
import type { LameDuck } from '../edge/shutdown.ts'
import type { Logger } from '../telemetry/log.ts'
import { createOperating } from './operating.ts'
import type { Decider } from '../callback/ports.ts'
import { routesFor } from '../protocol/endpoints.ts'
import type { Routes } from '../protocol/endpoints.ts'
import { createReadiness } from '../telemetry/readiness.ts'
import { createRetryBudget } from '../telemetry/retry-budget.ts'
import { openListeners } from '../edge/listeners.ts'
import type { Listeners } from '../edge/listeners.ts'
import { createServing, keyOf } from './create-app.ts'
import { selfTest, statusOf } from '../control/status.ts'
import { announce, followFiles } from './announce.ts'
import { keepUp } from './upkeep.ts'

/** Bytes of all bodies in memory. */
const BODY_BUDGET_BYTES = 64 * 1024 * 1024

/** How often the registry looks whether something is to be retired or written down. */
const REGISTRY_EVERY_MS = 1_000

/** When the library of `/metrics` is loaded, unless somebody asks earlier. */
const METRICS_AFTER_MS = 100

/** How often the policy and the certificate files are looked at. */
const FILES_EVERY_MS = 2_000

export interface ServiceDeps {
  readonly clock: Clock
  readonly sleep: Sleep
  readonly after: After
  readonly logger: Logger
  /** Cores that this process may use. */
  readonly cores: number
  /** The handler cannot go on: the process must stop it and exit. */
  readonly fatal: (error: unknown) => void
  /** The store's thread, when it was started ahead. */
  readonly storeThread?: BootedThread | undefined
  /** For hooks. */
  readonly fetch?: typeof fetch
  /** A team's own function beside the policy. */
  readonly decider?: Decider
}

/** A handler that serves. */
export interface RunningHandler {
  /** Ends in order, within five seconds. */
  readonly stop: () => Promise<void>
  /** Reads the policy files now; what came of it is in the log. */
  readonly reloadPolicy: () => Promise<void>
}

/** Opens everything and serves; when something fails, what was opened is closed again. */
export async function startHandler(material: Material, deps: ServiceDeps): Promise<RunningHandler> {
  const closers = createClosers()
  try {
    const { duck, listeners, reloadPolicy } = await open(material, deps, closers)
    return {
      reloadPolicy,
      async stop() {
        await duck.end(listeners)
        await closers.closeAll()
      },
    }
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}

async function open(
  material: Material,
  deps: ServiceDeps,
  closers: Closers,
): Promise<{ duck: LameDuck; listeners: Listeners; reloadPolicy: () => Promise<void> }> {
  const { clock, sleep, after, logger, cores, fatal, decider } = deps
  const { config, filePair, passphrase } = material
  const { slots, stateDir, keysDir } = config
  await ensurePrivateDirectory(stateDir)
  closers.add(lockStateDirectory(stateDir))

  let listeners: Listeners | undefined
  let routes: Routes
  const refresh = () => {
    const mode = config.auth === 'certificate' ? 'plain' : 'token'
    routes = routesFor(mode, servedGenerations(registry.state(), slots))
    listeners?.refresh()
  }
  const keyring = createKeyring(keysDir, passphrase, material.entries)
  const certificates = createCertificates(config.tls, filePair, keyring, () => registry.state())
  const registry = await openRegistry({
    stateDir,
    keysDir,
    slots,
    // A certificate that nobody pins may change under a generation that is in use.
    slotsAreExclusive: config.tls.mode === 'self-signed' && config.auth !== 'public-key',
    passphrase,
    keyring,
    clock,
    file: material.file,
    servedCertificate: certificates.served,
    changed: (event, generation) => {
      logger.info({ generation }, event)
      refresh()
    },
  })
  closers.add(registry.close)
  if (registry.state().generations.length === 0) await registry.stage(1, {})

  const store = await openSqliteStore({
    path: config.storePath,
    clock,
    booted: deps.storeThread,
    onFatal: fatal,
    checkpointKey: () => checkpointKey(keyring),
    // The log leaves the machine, and with it the proof of how far the chain had come.
    onCheckpoint: (checkpoint) => logger.info({ checkpoint }, 'audit checkpoint'),
    onCheckpointError: (err) => logger.error({ err }, 'no audit checkpoint could be made'),
  })
  closers.add(() => store.close())
  const admission = createAdmission({ clock, cores, maxWaitMs: config.deadlineMs })
  const budget = createByteBudget(BODY_BUDGET_BYTES)
  const duck = createLameDuck(clock, sleep, after)
  const newest = () => registry.state().generations.at(-1)?.generation ?? 1
  const checks = createReadiness(
    [
      { name: 'store', run: () => store.check() },
      {
        name: 'signing',
        run: async () => void (await selfTest(registry, keyring, newest(), 'readiness')),
      },
    ],
    clock,
    sleep,
  )
  const problems = async () => (duck.ending() ? ['the handler is stopping'] : checks())
  const retries = createRetryBudget()
  const metrics = createMetrics({
    problems,
    retries,
    generations: registry.infos,
    now: () => clock.now(),
    inFlight: () => admission.inFlight,
    queuedSignatures: () => admission.queued,
    bodyBytes: () => budget.usedBytes,
  })

  refresh()
  const connections = watchDropped(logger, metrics.dropped, clock, after)
  const pauses = watchPauses(clock, after)
  closers.add(pauses.stop)
  const operating = await createOperating({
    material,
    store,
    clock,
    after: duck.after,
    logger,
    prometheus: metrics.prometheus,
    fetch: deps.fetch ?? fetch,
    sign: admission.sign,
    keyOf: (generation) => keyOf(keyring, generation),
  })
  const { policies, keeper, operator } = operating
  const notices = () => [connections.notice() ?? [], operating.notices()].flat()
  const parts = {
    material,
    keyring,
    registry,
    store,
    operating,
    decider,
    admission,
    budget,
    duck,
    pauses,
  }
  const app = createServing({ ...parts, metrics, retries, clock, logger, routes: () => routes })
  const failed = (error: unknown) => logger.error({ err: error }, 'upkeep failed')
  const admin = await openAdminSocket(config.adminSocket, {
    registry,
    status: async () => ({
      ...statusOf(
        config,
        registry,
        policies.current().policy.digest,
        await problems(),
        clock.now(),
      ),
      notices: notices(),
    }),
    selfTest: (generation, nonce) => selfTest(registry, keyring, generation, nonce),
    operator,
    failed,
  })
  closers.add(serverCloser(admin))
  const health = await openHealth(config.opsListen, { problems, notices, metrics })
  closers.add(serverCloser(health))
  listeners = await openListeners({
    app,
    slots,
    tls: config.tls.mode !== 'off',
    presented: certificates.presented,
    allowedCidrs: config.allowedCidrs,
    dropped: connections.dropped,
  })
  closers.add(listeners.cut)
  const files = followFiles({ config, keeper, certificates, listeners, logger })
  closers.add(
    keepUp(
      [
        { everyMs: REGISTRY_EVERY_MS, run: registry.tick },
        { everyMs: FILES_EVERY_MS, run: files },
      ],
      sleep,
      failed,
    ),
  )
  // Serving comes first: loading the library of `/metrics` takes as long as many decisions.
  closers.add(after(METRICS_AFTER_MS, () => void metrics.prometheus.load().catch(failed)))
  announce({ config, registry, store, notices, logger, now: clock.now() })
  return { duck, listeners, reloadPolicy: async () => void (await keeper.reload()) }
}
