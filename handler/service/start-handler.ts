/**
 * The composition root: opens the process in named stages, each with what the ones before it gave, keeps it going, and
 * takes it down in the opposite order.
 */
import { ensurePrivateDirectory } from '../../common/atomic-file.ts'
import type { Decider } from '../callback/ports.ts'
import { createDriftBook } from '../control/drift.ts'
import { selfTest } from '../control/status.ts'
import type { BootedThread } from '../../common/thread.ts'
import { openSqliteStore, type SqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import { openListeners, type Listeners } from '../edge/listeners.ts'
import { checkpointKey } from '../generations/checkpoint-key.ts'
import { generationsToProve } from '../generations/generation-states.ts'
import { watchDropped } from '../telemetry/dropped-connections.ts'
import { daily, expiryNotices } from '../telemetry/expiry.ts'
import { watchGauges } from '../telemetry/gauges.ts'
import { keepHistory } from '../telemetry/history.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { createReadiness } from '../telemetry/readiness.ts'
import { createRetryBudget } from '../telemetry/retry-budget.ts'
import { type Silence, watchSilence } from '../telemetry/silence.ts'
import { announce, followFiles } from './announce.ts'
import { createClosers } from './closers.ts'
import type { Material } from './inspect.ts'
import { lockStateDirectory } from './instance-lock.ts'
import { openApp } from './open-app.ts'
import { openEvents, type Events } from './open-events.ts'
import { loadOf, openCapacity, type Capacity } from './open-capacity.ts'
import { openDoors, type DoorParts } from './open-doors.ts'
import { openGenerations, type Generations } from './open-generations.ts'
import { openPolicies } from './open-policies.ts'
import type { Process } from './process.ts'
import { keepUp } from './upkeep.ts'

/** How often the registry looks whether something is to be retired or written down. */
const REGISTRY_EVERY_MS = 1_000

/** When the library of `/metrics` is loaded, unless somebody asks earlier. */
const METRICS_AFTER_MS = 100

/** How often the policy and the certificate files are looked at. */
const FILES_EVERY_MS = 2_000

/** How often it is looked whether a certificate is due. */
const EXPIRY_EVERY_MS = 60_000

export interface ServiceDeps extends Pick<Process, 'clock' | 'sleep' | 'after' | 'logger'> {
  /** Cores that this process may use. */
  readonly cores: number
  /** The handler cannot go on: the process must stop it and exit. */
  readonly fatal: (error: unknown) => void
  /** The store's thread, when it was started ahead. */
  readonly storeThread?: BootedThread | undefined
  /** For hooks. */
  readonly fetch?: typeof fetch
  /** A team's own function, asked besides the policy. */
  readonly decider?: Decider | undefined
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
  closers.add(material.keystores.close)
  const { clock, sleep, after, logger } = deps
  const { config } = material
  const failed = (error: unknown) => logger.error({ err: error }, 'upkeep failed')
  try {
    return await open({ clock, sleep, after, logger, config, closers, failed }, material, deps)
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}

/** The stages, in their order. */
async function open(
  process: Process,
  material: Material,
  deps: ServiceDeps,
): Promise<RunningHandler> {
  const { config, clock, after, logger, closers } = process
  // 1 the state directory is this process's alone
  await ensurePrivateDirectory(config.stateDir)
  closers.add(lockStateDirectory(config.stateDir))
  // 2 keys and certificates
  const generations = await openGenerations(process, material)
  // 3 the decision store
  const store = await openStore(process, generations, deps)
  // 4 how much is taken in at once, and how it ends
  const capacity = openCapacity(process, deps.cores)
  // 5 what is counted and told
  const counted = createMetrics(() => clock.now())
  const { history, metrics } =
    config.consoleUrl === undefined
      ? { history: undefined, metrics: counted }
      : keepHistory(counted, clock)
  const retries = createRetryBudget()
  const connections = watchDropped(logger, metrics.dropped, clock, capacity.shutdown.after)
  const silence = watchSilence(config.silenceAlarmMs, clock, logger, () =>
    metrics.alarm({ kind: 'silence' }),
  )
  const problems = readiness(process, generations, store, capacity)
  // 6 policies, and whom they ask
  const policies = await openPolicies(process, {
    material,
    generations,
    store,
    metrics,
    admission: capacity.admission,
    after: capacity.shutdown.after,
    fetch: deps.fetch ?? fetch,
  })
  // 7 whom to tell
  const events = await openEvents(process, {
    targets: material.targets,
    store,
    metrics,
    after: capacity.shutdown.after,
    fetch: deps.fetch ?? fetch,
  })
  const expiry = () =>
    expiryNotices(generations.registry.infos(), config.tls.mode === 'files', clock.now())
  const drift = createDriftBook(clock)
  const notices = () =>
    [connections, silence]
      .flatMap((each) => each.notice() ?? [])
      .concat(policies.notices(), expiry(), drift.notices(), events.notices())
  watchGauges(metrics.prometheus, {
    problems,
    retries,
    generations: generations.registry.infos,
    now: () => clock.now(),
    load: loadOf(capacity),
    policies: policies.policies,
    frozen: () => store.frozen(),
    waiting: async () => {
      const holds = await store.listHolds().catch(() => [])
      return holds.filter(({ state }) => state === 'waiting').length
    },
    openHooks: policies.hooks.open,
    outboxes: events.outboxes,
    silentMs: silence.forMs,
  })
  // 8 the straight line behind the web application
  const decider = deps.decider
  const told = { metrics, retries, events, silence }
  const parts = { material, generations, store, capacity, policies, decider, ...told }
  const app = openApp(process, parts)
  // 9 the operator's doors
  const doors = { generations, store, policies, metrics, history, problems, drift, notices }
  await openDoors(process, doors)
  // 10 the co-signer's door, last: who gets in finds everything in place
  const listeners = await openListeners({
    app,
    slots: config.slots,
    tls: config.tls.mode !== 'off',
    presented: (slot) => generations.certificates.presented(slot, generations.registry.state()),
    allowedCidrs: config.allowedCidrs,
    dropped: connections.dropped,
  })
  closers.add(listeners.cut)
  generations.onChange(listeners.refresh)
  // 11 what comes round
  const followed = { generations, policies, listeners, expiry, events, silence, problems, notices }
  follow(process, followed)
  // Serving comes first: loading the library of `/metrics` takes as long as many decisions.
  closers.add(after(METRICS_AFTER_MS, () => void metrics.prometheus.load().catch(process.failed)))
  const { registry } = generations
  announce({ config, registry, store, notices, logger })
  return {
    reloadPolicy: async () => void (await policies.keeper.reload()),
    async stop() {
      await capacity.shutdown.end(listeners)
      await closers.closeAll()
    },
  }
}

async function openStore(
  { config, clock, logger, closers }: Process,
  { keyring, registry }: Generations,
  { storeThread, fatal }: ServiceDeps,
): Promise<SqliteStore> {
  const store = await openSqliteStore({
    path: config.storePath,
    clock,
    booted: storeThread,
    onFatal: fatal,
    checkpointKey: () => checkpointKey(registry.state(), keyring),
    // The log leaves the machine, and with it the proof of how far the chain had come.
    onCheckpoint: (checkpoint) => logger.info({ checkpoint }, 'audit checkpoint'),
    onCheckpointError: (err) => logger.error({ err }, 'no audit checkpoint could be made'),
  })
  closers.add(() => store.close())
  return store
}

/** Every reason against sending callbacks here. */
function readiness(
  { clock, sleep }: Process,
  { registry, keyring }: Generations,
  store: SqliteStore,
  { shutdown }: Capacity,
): () => Promise<readonly string[]> {
  const signing = (generation: number) => ({
    name: `signing for generation ${generation}`,
    run: async () => void (await selfTest(registry, keyring, generation, 'readiness')),
  })
  const checks = createReadiness(
    () => [
      { name: 'store', run: () => store.check() },
      ...generationsToProve(registry.state()).map(signing),
    ],
    clock,
    sleep,
  )
  return async () => (shutdown.ending() ? ['the handler is stopping'] : checks())
}

interface FollowParts extends Pick<DoorParts, 'generations' | 'policies' | 'problems' | 'notices'> {
  readonly listeners: Listeners
  readonly expiry: () => readonly string[]
  readonly events: Events
  readonly silence: Silence
}

function follow(
  { config, clock, sleep, logger, closers, failed }: Process,
  { generations, policies, listeners, expiry, events, silence, problems, notices }: FollowParts,
): void {
  const { registry, certificates } = generations
  const { keeper } = policies
  const dueNow = daily()
  // What is due at the start is logged with the other notices.
  dueNow(expiry(), clock.now())
  const files = followFiles({ config, keeper, certificates, listeners, logger })
  const chores = [
    { everyMs: REGISTRY_EVERY_MS, run: registry.tick },
    { everyMs: REGISTRY_EVERY_MS, run: silence.look },
    { everyMs: FILES_EVERY_MS, run: files },
    {
      everyMs: EXPIRY_EVERY_MS,
      run: async () => dueNow(expiry(), clock.now()).forEach((notice) => logger.warn(notice)),
    },
    ...events.chores({ problems, notices }),
  ]
  closers.add(keepUp(chores, sleep, failed))
}
