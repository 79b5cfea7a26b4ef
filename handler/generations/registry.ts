/** The registry: which generations exist, who needs them, and their way from staged to retired; every step is durable. */
import { join } from 'node:path'
import type {
  GenerationInfo,
  GenerationState,
  PairingNeeds,
  RetireRequest,
  StageRequest,
} from '../../common/admin-api.ts'
import { destroyPrivateKeys, FILE_SIGNER } from '../../certs/store.ts'
import type { Clock } from '../../common/clock.ts'
import { createSerial } from '../../common/serial.ts'
import { AdminError } from '../../common/admin-error.ts'
import type { RegistryFile } from './generation-file.ts'
import { writeRegistryFile } from './generation-file.ts'
import { createHitCounter } from './generation-hits.ts'
import type { HitCounter } from './generation-hits.ts'
import { generationInfo } from './generation-info.ts'
import type { ServedCertificate } from './generation-info.ts'
import {
  neededGenerations,
  recordOf,
  slotIsBusy,
  stateOf,
  withGeneration,
  withKeyDestroyed,
  withNeeds,
  withRetired,
} from './generation-states.ts'
import type { RegistryState } from './generation-states.ts'
import type { KeyAccess, Keyring } from './keyring.ts'
import { KeystoreError } from './signers/keystore.ts'
import type { Slot } from '../config/slots.ts'
import { makeGeneration, type NewAnswerKey, wantedAnswerKey } from './staging.ts'

/** A retired private key is kept this long, in case a person has to look into something; then it is removed. */
export const KEY_KEPT_MS = 7 * 24 * 3_600_000

/** A keystore that could not destroy a key is asked again after this. */
const DESTROY_AGAIN_MS = 3_600_000

/** Hits are written down at most this often; they are never written while a request waits. */
export const HITS_SAVED_EVERY_MS = 5_000

export interface RegistryDeps {
  readonly stateDir: string
  readonly access: KeyAccess
  readonly slots: readonly Slot[]
  /** False when the certificate does not depend on the generation: then slots are never busy. */
  readonly slotsAreExclusive: boolean
  /** What a generation gets unless its staging asks for something else. */
  readonly newAnswerKey: NewAnswerKey
  /** Whether keys in keystores are destroyed with those in files, or only forgotten. */
  readonly destroyAnswerKeys: boolean
  readonly keyring: Keyring
  readonly clock: Clock
  /** What a restart continues from; see `reconcile`. */
  readonly file: RegistryFile
  /** The presented certificate, when it is not the generation's own. */
  readonly servedCertificate: () => ServedCertificate | undefined
  /** Called after every change of state, with what happened in words for the log. */
  readonly changed: (event: string, generation: number) => void
  /** Something could not be done, and is tried again. */
  readonly failed: (error: unknown) => void
}

export interface Registry {
  readonly hits: HitCounter
  readonly state: () => RegistryState
  readonly stateOf: (generation: number) => GenerationState | undefined
  readonly infos: () => readonly GenerationInfo[]
  /** Stages generation n, or returns it when it is there. @throws AdminError */
  readonly stage: (generation: number, request: StageRequest) => Promise<GenerationInfo>
  /** Declares what a pairing needs; `undefined` when the pairing is gone. @throws AdminError */
  readonly setNeeds: (pairing: string, needs: PairingNeeds | undefined) => Promise<void>
  /** Retires a draining generation now, or returns a retired one. @throws AdminError */
  readonly retire: (generation: number, request: RetireRequest) => Promise<GenerationInfo>
  /** Retires what has been quiet for long enough, removes old keys, saves hits; called every second. */
  readonly tick: () => Promise<void>
  /** Writes down everything, quiet times included. */
  readonly close: () => Promise<void>
}

/** Opens the registry and writes its file, so that the quiet times of the last stop are used once only. */
export async function openRegistry(deps: RegistryDeps): Promise<Registry> {
  const { clock, keyring, slots, access } = deps
  const { keysDir } = access
  const path = join(deps.stateDir, 'generations.json')
  const hits = createHitCounter(clock, deps.file.hits, deps.file.quietMs)
  let state = deps.file.state
  let savedMs = clock.monotonicMs()
  const inTurn = createSerial()
  const destroyAgainMs = new Map<number, number>()

  const write = async (next: RegistryState, quietMs: Readonly<Record<string, number>> = {}) => {
    savedMs = clock.monotonicMs()
    await writeRegistryFile(path, { state: next, hits: hits.snapshot(), quietMs })
  }
  const commit = async (next: RegistryState) => {
    await write(next)
    state = next
  }
  const draining = () =>
    state.generations.filter(({ generation }) => stateOf(state, generation) === 'draining')
  const infoOf = (generation: number): GenerationInfo => {
    const entry = keyring.get(generation)
    if (entry === undefined) throw new AdminError('ERR_NOT_FOUND', `no generation ${generation}`)
    return generationInfo(entry, state, slots, hits, deps.servedCertificate())
  }

  const stage = async (generation: number, request: StageRequest): Promise<GenerationInfo> => {
    const known = stateOf(state, generation)
    if (known === 'retired') throw retired(generation)
    if (known !== undefined) return infoOf(generation)
    const next = Math.max(0, ...state.generations.map((record) => record.generation)) + 1
    if (generation !== next) {
      throw new AdminError('ERR_GENERATION_NUMBER', `the next generation is ${next}`)
    }
    const renewOf = request.renewOf === undefined ? undefined : renewable(request.renewOf)
    const wanted = wantedAnswerKey(deps.newAnswerKey, request)
    const slot = chooseSlot(deps, state, request, renewOf?.slot)
    // It is there already when an earlier attempt could not be written down.
    if (keyring.get(generation) === undefined) {
      await makeGeneration({
        access,
        generation,
        slot: slot.slot,
        names: [slot.publicUrl.hostname],
        now: clock.now(),
        keys: renewOf?.entry ?? wanted,
      }).catch(refuseKeystore)
      await keyring.reload()
    }
    await commit(
      withGeneration(state, { generation, slot: keyring.get(generation)?.slot ?? slot.slot }),
    )
    deps.changed('generation staged', generation)
    return infoOf(generation)
  }

  const renewable = (generation: number) => {
    const life = stateOf(state, generation)
    if (life === 'retired') throw retired(generation)
    const entry = keyring.get(generation)
    if (life === undefined || entry?.signer === undefined) {
      throw new AdminError('ERR_NOT_FOUND', `no generation ${generation} to renew`)
    }
    return { entry, slot: recordOf(state, generation)?.slot ?? entry.slot }
  }

  const setNeeds = async (pairing: string, needs: PairingNeeds | undefined): Promise<void> => {
    for (const generation of [needs?.live, needs?.pending]) {
      if (generation === null || generation === undefined) continue
      const life = stateOf(state, generation)
      if (life === 'retired') throw retired(generation)
      if (life === undefined) throw new AdminError('ERR_NOT_FOUND', `no generation ${generation}`)
    }
    const before = new Set(draining().map(({ generation }) => generation))
    const needed = neededGenerations(state)
    await commit(withNeeds(state, pairing, needs, clock.now()))
    for (const { generation } of draining()) {
      if (before.has(generation)) continue
      hits.touch(generation)
      deps.changed('generation draining', generation)
    }
    for (const generation of neededGenerations(state)) {
      if (!needed.has(generation)) deps.changed('generation live', generation)
    }
  }

  const retire = async (
    generation: number,
    { unlessCalled }: RetireRequest,
  ): Promise<GenerationInfo> => {
    const info = infoOf(generation)
    if (info.state === 'retired') return info
    if (info.state !== 'draining') {
      throw new AdminError('ERR_GENERATION_NEEDED', `generation ${generation} is ${info.state}`)
    }
    if (unlessCalled && info.hits.total > 0) {
      throw new AdminError('ERR_GENERATION_NEEDED', `generation ${generation} has been called`)
    }
    await commit(withRetired(state, generation, clock.now()))
    deps.changed('generation retired', generation)
    return infoOf(generation)
  }

  const tick = async (): Promise<void> => {
    for (const { generation, drain } of draining()) {
      if (drain === undefined || hits.quietForMs(generation) < drain.quietMs) continue
      await commit(withRetired(state, generation, clock.now()))
      deps.changed('generation retired', generation)
    }
    for (const { generation, retiredAt, keyDestroyedAt } of state.generations) {
      if (retiredAt === undefined || keyDestroyedAt !== undefined) continue
      if (clock.now().getTime() - Date.parse(retiredAt) < KEY_KEPT_MS) continue
      if (!(await destroyStored(generation))) continue
      await destroyPrivateKeys(keysDir, generation)
      await commit(withKeyDestroyed(state, generation, clock.now()))
      await keyring.reload()
      deps.changed('private key destroyed', generation)
    }
    if (hits.isDirty() && clock.monotonicMs() - savedMs >= HITS_SAVED_EVERY_MS) await write(state)
  }

  /** False when the keystore could not; it is asked again after a while. */
  const destroyStored = async (generation: number): Promise<boolean> => {
    const name = keyring.get(generation)?.answerKey?.signer ?? FILE_SIGNER
    if (name === FILE_SIGNER || !deps.destroyAnswerKeys) return true
    // A renewal has taken the key over.
    const shared = state.generations.some(
      (other) =>
        other.generation !== generation &&
        other.keyDestroyedAt === undefined &&
        keyring.get(other.generation)?.answerKey?.signer === name,
    )
    if (shared) return true
    if (clock.monotonicMs() < (destroyAgainMs.get(generation) ?? 0)) return false
    try {
      await (await access.keystores.of(name)).destroy(name)
      return true
    } catch (error) {
      destroyAgainMs.set(generation, clock.monotonicMs() + DESTROY_AGAIN_MS)
      deps.failed(error)
      return false
    }
  }

  const close = () => {
    const quiet = draining().map(({ generation }) => [generation, hits.quietForMs(generation)])
    return write(state, Object.fromEntries(quiet))
  }

  await write(state)
  return {
    hits,
    state: () => state,
    stateOf: (generation) => stateOf(state, generation),
    infos: () => state.generations.map(({ generation }) => infoOf(generation)),
    stage: (generation, request) => inTurn(() => stage(generation, request)),
    setNeeds: (pairing, needs) => inTurn(() => setNeeds(pairing, needs)),
    retire: (generation, request) => inTurn(() => retire(generation, request)),
    tick: () => inTurn(tick),
    close: () => inTurn(close),
  }
}

function refuseKeystore(error: unknown): never {
  if (!(error instanceof KeystoreError)) throw error
  throw new AdminError('ERR_ANSWER_KEY', error.message)
}

function chooseSlot(
  { slots, slotsAreExclusive }: RegistryDeps,
  state: RegistryState,
  request: StageRequest,
  renewedSlot: string | undefined,
): Slot {
  const isFree = ({ slot }: Slot) => !slotsAreExclusive || !slotIsBusy(state, slot)
  if (request.slot === undefined) {
    const free = slots.find(isFree)
    if (free !== undefined) return free
    throw new AdminError(
      'ERR_SLOT_BUSY',
      slots.length < 2
        ? 'the only slot is in use, a second public URL is needed to rotate'
        : 'every slot is used by a generation that is needed or still draining',
    )
  }
  const wanted = slots.find(({ slot }) => slot === request.slot)
  if (wanted === undefined) throw new AdminError('ERR_BAD_REQUEST', `no slot \`${request.slot}\``)
  // A renewal satisfies the same pin of the public key, so it may take the place of what it renews.
  if (isFree(wanted) || wanted.slot === renewedSlot || request.share === true) return wanted
  throw new AdminError(
    'ERR_SLOT_BUSY',
    `slot ${wanted.slot} is used by a generation that is needed or still draining`,
  )
}

function retired(generation: number): AdminError {
  return new AdminError('ERR_GENERATION_RETIRED', `generation ${generation} is retired`)
}
