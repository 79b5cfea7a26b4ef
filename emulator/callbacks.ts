/**
 * One callback from the co-signer's point of view: possibly twice at once, in two stages, and again
 * after RETRY.
 */
import { drawUuid, happens } from './chaos.ts'
import { apiNow } from './custody-api.ts'
import { type Attempt, type CallbackResult, type CosignerDeps, sendCallback } from './cosigner.ts'
import { approvalStageOf, reordered, stageOf, withUnknownMembers } from './payload.ts'
import { type Sample, samplePayload } from './samples.ts'
import { heldAt, type Pairing } from './state.ts'
import { legsOf, otherApprovalStageOf, withDriftedTypes } from './shapes.ts'

/** What `POST /callbacks` and the traffic ask for. */
export interface Wish {
  readonly endpoint: Attempt['endpoint']
  /** The payload text, or the sample to make one of. */
  readonly payload: string | { readonly sample: Sample; readonly set: object }
  /** Default: the pairing that was made last. */
  readonly apiKeyId?: string | undefined
  readonly cosignerId?: string | undefined
  /** Index of the machine; default: the machines take turns. */
  readonly machine?: number | undefined
  readonly forgery?: Attempt['forgery']
  /**
   * How often a RETRY is asked again, and after how long; the real co-signer waits 3 minutes, 20
   * times.
   */
  readonly retries: number
  readonly retryAfterMs: number
}

/** What came of it, with what chaos added. */
export type WishResult = CallbackResult & {
  /** How often it was sent, tries after RETRY included. */
  readonly tries?: number
  /** What the second of two equal callbacks got. */
  readonly duplicate?: CallbackResult
  /** What the approval stage of the same transaction got. */
  readonly approvalStage?: CallbackResult
  /** What the other legs of the same batch got. */
  readonly legs?: readonly CallbackResult[]
}

/** The pairing that a wish means: paired at the co-signer now, newest first. */
export function choosePairing(
  { apiKeyId, cosignerId }: Pick<Wish, 'apiKeyId' | 'cosignerId'>,
  deps: CosignerDeps,
): Pairing | undefined {
  const now = apiNow(deps.state, deps.clock.now())
  return Array.from(deps.state.pairings.values()).findLast(
    (pairing) =>
      (apiKeyId === undefined || pairing.apiKeyId === apiKeyId) &&
      (cosignerId === undefined || pairing.cosignerId === cosignerId) &&
      pairing.used.some((changes) => heldAt(changes, now) !== undefined),
  )
}

/** Sends what is wished to the handler of a pairing. */
export async function grant(wish: Wish, pairing: Pairing, deps: CosignerDeps): Promise<WishResult> {
  const { chaos } = deps.state
  const [payload = '', ...others] = requestsOf(wish, pairing, deps)
  const attempt: Attempt = {
    pairing,
    machine: wish.machine ?? nextMachine(deps),
    endpoint: wish.endpoint,
    payload,
    forgery: wish.forgery,
  }
  const approvalStage = await sendApprovalStage(attempt, deps)
  const [result, duplicate] = await Promise.all([
    sendCallback(attempt, deps),
    happens(chaos, 'DUP_CALLBACK_PCT') ? sendCallback(attempt, deps) : undefined,
  ])
  const final = await askAgain(attempt, agreed(result, duplicate), wish, deps)
  const legs = await Promise.all(
    others.map(async (leg) => {
      const other = { ...attempt, payload: leg }
      return askAgain(other, await sendCallback(other, deps), wish, deps)
    }),
  )
  return {
    ...final,
    ...(legs.length === 0 ? {} : { legs }),
    ...(duplicate === undefined ? {} : { duplicate }),
    ...(approvalStage === undefined ? {} : { approvalStage }),
  }
}

/** The payload, or one for each leg of a batch. */
function requestsOf(wish: Wish, pairing: Pairing, deps: CosignerDeps): readonly string[] {
  const text = payloadOf(wish, pairing, deps)
  const { BATCH_LEGS } = deps.state.chaos.knobs
  return wish.endpoint === 'tx_sign_request' ? legsOf(text, BATCH_LEGS) : [text]
}

function payloadOf({ payload }: Wish, pairing: Pairing, deps: CosignerDeps): string {
  const { chaos } = deps.state
  const plain = typeof payload === 'string' ? payload : sampleText(payload, pairing, deps)
  const text = happens(chaos, 'TYPE_DRIFT_PCT') ? withDriftedTypes(plain) : plain
  return happens(chaos, 'UNKNOWN_FIELDS_PCT') ? withUnknownMembers(text) : text
}

function sampleText(
  { sample, set }: Exclude<Wish['payload'], string>,
  pairing: Pairing,
  deps: CosignerDeps,
): string {
  const text = samplePayload(sample, drawUuid(deps.state.chaos, 'request'), pairing.apiKeyId)
  if (Object.keys(set).length === 0) return text
  const base: object = JSON.parse(text)
  return JSON.stringify({ ...base, ...set })
}

async function sendApprovalStage(
  attempt: Attempt,
  deps: CosignerDeps,
): Promise<CallbackResult | undefined> {
  const signing = attempt.endpoint === 'tx_sign_request' && stageOf(attempt.payload) === 'signing'
  const { STAGE_PAIR, STAGE_SPELLING } = deps.state.chaos.knobs
  if (!STAGE_PAIR || !signing) return undefined
  const earlier = STAGE_SPELLING === 'other' ? otherApprovalStageOf : approvalStageOf
  return sendCallback({ ...attempt, payload: earlier(attempt.payload) }, deps)
}

/** Equal requests at the same time must get equal decisions; RETRY is none. */
function agreed(result: CallbackResult, duplicate: CallbackResult | undefined): CallbackResult {
  if (duplicate === undefined || 'error' in result || 'handler' in result) return result
  if ('error' in duplicate) return duplicate
  const actions = [result.action, duplicate.action]
  if (actions.includes('RETRY') || result.action === duplicate.action) return result
  const { url, mode, machine, durationMs } = result
  const message = `equal requests were answered \`${actions.join('` and `')}\``
  return { error: { kind: 'DISAGREE', message }, url, mode, machine, durationMs }
}

async function askAgain(
  attempt: Attempt,
  first: CallbackResult,
  wish: Wish,
  deps: CosignerDeps,
): Promise<CallbackResult & { tries: number }> {
  let result = first
  let payload = attempt.payload
  let tries = 1
  while (tries <= wish.retries && 'action' in result && result.action === 'RETRY') {
    await deps.sleep(wish.retryAfterMs)
    if (deps.state.chaos.knobs.RETRY_RESEND === 're-signed') payload = reordered(payload)
    result = await sendCallback({ ...attempt, payload }, deps)
    tries += 1
  }
  return { ...result, tries }
}

/** RS256 is deterministic, so signing the same text again gives identical bytes. */
function nextMachine({ state }: CosignerDeps): number {
  const turn = state.chaos.drawn.get('machine turns') ?? 0
  state.chaos.drawn.set('machine turns', turn + 1)
  return turn % state.chaos.knobs.HA_COSIGNERS
}
