/**
 * The co-signer: sends one callback to the handler that is paired and judges what comes back, as
 * documented. One attempt uses one snapshot of url, key and certificate, unless `TORN_CONFIG`
 * breaks exactly that.
 */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { pinOf } from '../certs/inspect.ts'
import { messageOf } from '../common/errors.ts'
import type { Clock, Sleep } from '../common/clock.ts'
import { readAnswer } from './answer.ts'
import { drawOne, happens } from './chaos.ts'
import { apiNow } from './custody-api.ts'
import { DeliveryError, type FailureKind } from './delivery-error.ts'
import { forge, type Forgery } from './forgeries.ts'
import { stageOf, textMember } from './payload.ts'
import { storedHandler } from './read-model.ts'
import {
  type CallbackHandler,
  type Cosigner,
  type EmulatorState,
  heldAt,
  type Pairing,
} from './state.ts'
import { signToken } from './tokens.ts'
import type { Knobs } from './knobs.ts'
import type { JudgePeer } from './connection.ts'
import type { ClientStyle, Transport } from './transport.ts'

/** What the co-signer works with. */
export interface CosignerDeps {
  readonly state: EmulatorState
  readonly clock: Clock
  readonly sleep: Sleep
  readonly transport: Transport
  /** A key that no handler trusts, for forgeries. */
  readonly foreignKey: KeyObject
  /** PEM roots that are trusted instead of the public ones. */
  readonly caPem: string | undefined
  /** Host names that are not taken for this machine. */
  readonly handlerHosts: ReadonlySet<string>
  /** Public keys by PEM, parsed once. */
  readonly publicKeys: Map<string, KeyObject>
}

/** One callback to send. */
export interface Attempt {
  readonly pairing: Pairing
  /** Index of the machine that sends it. */
  readonly machine: number
  readonly endpoint: 'tx_sign_request' | 'config_change_sign_request'
  /** The claims or the plain body, exactly these characters. */
  readonly payload: string
  readonly forgery?: Forgery | undefined
}

/** How the co-signer and the handler authenticate each other, by what is stored. */
export type Mode = 'hybrid' | 'public-key' | 'certificate' | 'open'

/** What came of one attempt. */
export type CallbackResult = Answered | Failed | Unhandled

interface Common {
  readonly url: string
  readonly mode: Mode
  /** Name of the machine. */
  readonly machine: string
  readonly durationMs: number
}

/** The handler answered, and the answer is good. */
export interface Answered extends Common {
  readonly action: string
  readonly rejectionReason: string | null
  readonly requestId: string | null
}

/** No usable answer: the real co-signer fails the request and nothing is signed. */
export interface Failed extends Common {
  readonly error: { readonly kind: FailureKind; readonly message: string; readonly status?: number }
}

/** No handler is configured: the co-signer signs without asking. The worst state there is. */
export interface Unhandled {
  readonly action: 'APPROVE'
  readonly handler: null
  readonly warning: string
  readonly rejectionReason: null
  readonly url: null
  readonly durationMs: 0
}

const SIGNS_EVERYTHING: Unhandled = {
  action: 'APPROVE',
  handler: null,
  warning: 'NO CALLBACK HANDLER IS CONFIGURED: the co-signer signs everything without asking',
  rejectionReason: null,
  url: null,
  durationMs: 0,
}

/** What is stored decides how it is asked (vendor: authentication options). */
export function modeOf({ publicKey, cert }: CallbackHandler): Mode {
  if (publicKey !== undefined) return cert === undefined ? 'public-key' : 'hybrid'
  return cert === undefined ? 'open' : 'certificate'
}

/** The handler that a machine uses now; undefined = the key is not paired there. */
export function usedHandler(
  deps: CosignerDeps,
  pairing: Pairing,
  machine: number,
): CallbackHandler | null | undefined {
  const now = apiNow(deps.state, deps.clock.now())
  const handler = heldAt(pairing.used[machine] ?? [], now)
  return handler ? storedHandler(handler, deps.state.chaos.knobs) : handler
}

/** Sends one callback once. Never rejects for what the handler does. */
export async function sendCallback(attempt: Attempt, deps: CosignerDeps): Promise<CallbackResult> {
  const { pairing, machine } = attempt
  const first = usedHandler(deps, pairing, machine)
  if (first === null || first === undefined) return SIGNS_EVERYTHING
  const torn = deps.state.chaos.knobs.TORN_CONFIG
  if (torn === 'new-url-old-key') {
    await deps.sleep(deps.state.chaos.knobs.TORN_GAP_MS)
    const second = usedHandler(deps, pairing, machine)
    return deliver(attempt, second ?? first, () => first, deps)
  }
  const late = () => usedHandler(deps, pairing, machine) ?? first
  return deliver(attempt, first, torn === 'off' ? () => first : late, deps)
}

/** `target` says where and how to ask, `trust` — asked when it is needed — what must come back. */
async function deliver(
  attempt: Attempt,
  target: CallbackHandler,
  trust: () => CallbackHandler,
  deps: CosignerDeps,
): Promise<CallbackResult> {
  const { pairing, endpoint, payload } = attempt
  const { knobs } = deps.state.chaos
  const mode = modeOf(target)
  const jwt = mode === 'hybrid' || mode === 'public-key'
  const url = new URL(`${target.url}${jwt ? '/v2' : ''}/${endpoint}`)
  const machine = machineOf(deps.state, attempt)
  pairing.lastSeen = apiNow(deps.state, deps.clock.now())
  const startedAt = deps.clock.monotonicMs()
  const outcome = await deps.transport
    .post({
      url,
      body: jwt ? tokenOf(attempt, machine.privateKey, deps) : payload,
      contentType: jwt ? 'application/jwt' : 'application/json',
      judge: judgeBy(trust, knobs),
      secureOnly: target.cert !== undefined,
      caPem: deps.caPem,
      host: deps.handlerHosts.has(url.hostname) ? url.hostname : undefined,
      style: clientStyle(deps.state),
      pool: poolName(target, knobs),
      deadlineMs: knobs.CALLBACK_DEADLINE_MS,
    })
    .then((delivered) =>
      readAnswer(delivered, {
        endpoint,
        stage: endpoint === 'tx_sign_request' ? stageOf(payload) : 'approval',
        requestId: textMember(payload, 'requestId'),
        publicKey: jwt ? publicKeyOf(trust(), deps.publicKeys) : undefined,
        version: knobs.COSIGNER_VERSION,
      }),
    )
    .catch(failure)
  const durationMs = Math.round((deps.clock.monotonicMs() - startedAt) * 1000) / 1000
  const common = { url: url.href, mode, machine: machine.name, durationMs }
  if ('kind' in outcome) return { error: outcome, ...common }
  return { ...outcome, requestId: textMember(payload, 'requestId') ?? null, ...common }
}

function failure(error: unknown): Failed['error'] {
  if (!(error instanceof DeliveryError)) throw error
  const { kind, status } = error
  return { kind, message: messageOf(error), ...(status === undefined ? {} : { status }) }
}

function tokenOf({ payload, forgery }: Attempt, cosigner: KeyObject, deps: CosignerDeps): string {
  return forgery === undefined
    ? signToken(payload, cosigner)
    : forge(forgery, payload, { cosigner, foreign: deps.foreignKey })
}

/**
 * A stored certificate is pinned; without one the chain counts, unless the emulator is set to take
 * any.
 */
function judgeBy(trust: () => CallbackHandler, knobs: Knobs): JudgePeer {
  return (presented, authorized) => {
    const { cert } = trust()
    if (cert === undefined) {
      if (authorized || knobs.TLS_CHAIN === 'any') return
      throw new DeliveryError('TLS', 'the certificate does not chain to a trusted CA for this name')
    }
    const pinned = new X509Certificate(cert)
    const equal =
      knobs.PIN === 'certificate'
        ? pinned.raw.equals(presented.raw)
        : pinOf(pinned.publicKey) === pinOf(presented.publicKey)
    if (!equal) throw new DeliveryError('PIN', 'SSL public key does not match pinned public key')
  }
}

function publicKeyOf(
  { publicKey }: CallbackHandler,
  known: Map<string, KeyObject>,
): KeyObject | undefined {
  if (publicKey === undefined) return undefined
  const key = known.get(publicKey) ?? createPublicKey(publicKey)
  known.set(publicKey, key)
  return key
}

/**
 * Connections are shared only between attempts that judge the peer alike, and never when judgement
 * may change.
 */
function poolName({ url, cert }: CallbackHandler, knobs: Knobs): string | undefined {
  if (!knobs.KEEP_ALIVE || knobs.TORN_CONFIG !== 'off') return undefined
  return [new URL(url).origin, knobs.PIN, knobs.TLS_CHAIN, cert ?? ''].join(' ')
}

function clientStyle({ chaos }: EmulatorState): ClientStyle {
  if (!happens(chaos, 'SLOW_CLIENT')) return 'plain'
  const style = chaos.knobs.SLOW_CLIENT_STYLE
  return style === 'mixed'
    ? drawOne<ClientStyle>(chaos, 'SLOW_CLIENT_STYLE', ['drip', 'chunked', 'expect'])
    : style
}

function machineOf(state: EmulatorState, { pairing, machine }: Attempt): Cosigner['machines'][0] {
  const cosigner = state.cosigners.find(({ id }) => id === pairing.cosignerId)
  const found = cosigner?.machines[machine]
  if (found === undefined) throw new RangeError(`no machine ${machine} in ${pairing.cosignerId}`)
  return found
}
