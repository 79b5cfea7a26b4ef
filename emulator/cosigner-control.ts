/**
 * The rows of the control API that make the co-signer act: callbacks, traffic, and the shell of its
 * host.
 */
import { z } from 'zod'
import { choosePairing, grant, type Wish } from './callbacks.ts'
import { type ControlCall, controlError, type ControlRoute, parseControl } from './control.ts'
import { FORGERIES } from './forgeries.ts'
import { json, type Reply } from './message.ts'
import { sampleEndpoint, SAMPLES } from './samples.ts'
import { enter } from './state.ts'
import { startTraffic, type Traffic } from './traffic.ts'
import type { CosignerDeps } from './cosigner.ts'

const MAX_CALLBACKS = 1_000_000

const wishFields = {
  endpoint: z.enum(['tx_sign_request', 'config_change_sign_request']).optional(),
  /** The payload; sent with its members in this order. */
  payload: z.record(z.string(), z.unknown()).optional(),
  /**
   * The payload as exact text, for what an object cannot say: number lexemes, duplicate names, no
   * JSON at all.
   */
  payloadText: z.string().optional(),
  sample: z.enum(SAMPLES).optional(),
  /** Top-level members that replace those of the sample. */
  set: z.record(z.string(), z.unknown()).default({}),
  apiKeyId: z.string().optional(),
  cosignerId: z.string().optional(),
  machine: z.number().int().min(0).max(1).optional(),
  forge: z.enum(FORGERIES).optional(),
  retries: z.number().int().min(0).max(100).default(0),
  retryAfterMs: z.number().min(0).max(3_600_000).default(1000),
}

const wishSchema = z.strictObject(wishFields)

const trafficSchema = z.strictObject({
  ratePerSecond: z.number().positive().max(10_000),
  seconds: z.number().positive().max(86_400).optional(),
  count: z.number().int().positive().max(MAX_CALLBACKS).optional(),
  maxInFlight: z.number().int().positive().max(10_000).default(1000),
  mix: z
    .array(z.strictObject({ ...wishFields, weight: z.number().int().min(1).max(100).default(1) }))
    .min(1)
    .max(100)
    .default(
      [wishSchema.parse({ sample: 'eth-transfer' })].map((wish) => ({ ...wish, weight: 1 })),
    ),
})

/** The rows, and what ends them. */
export interface CosignerControl {
  readonly routes: readonly ControlRoute[]
  stop(): Promise<void>
}

/** Control of one emulator's co-signers. */
export function createCosignerControl(deps: CosignerDeps): CosignerControl {
  let traffic: Traffic | undefined

  async function stopTraffic(): Promise<Reply> {
    return traffic === undefined
      ? controlError(404, 'no traffic was started')
      : json(200, await traffic.stop())
  }

  function begin({ body }: ControlCall): Reply {
    const read = parseControl(trafficSchema, body)
    if (!read.ok) return read.reply
    const { ratePerSecond, seconds, count, maxInFlight, mix } = read.value
    if ((seconds === undefined) === (count === undefined)) {
      return controlError(400, 'give either `seconds` or `count`')
    }
    if (traffic?.counts().running === true) return controlError(409, 'traffic is running already')
    const wishes = mix.map((entry) => wishOf(entry))
    const wrong = wishes.find((wish) => typeof wish === 'string')
    if (wrong !== undefined) return controlError(400, wrong)
    const plan = {
      ratePerSecond,
      count: Math.min(count ?? Math.ceil(ratePerSecond * (seconds ?? 0)), MAX_CALLBACKS),
      maxInFlight,
      wishes: mix.flatMap(({ weight }, at) => {
        const wish = wishes[at]
        return wish === undefined || typeof wish === 'string' ? [] : Array(weight).fill(wish)
      }),
    }
    traffic = startTraffic(plan, deps)
    return json(202, traffic.counts())
  }

  return {
    routes: [
      { method: 'POST', path: /^\/callbacks$/, run: (call) => callBack(call, deps) },
      { method: 'POST', path: /^\/traffic$/, run: begin },
      {
        method: 'GET',
        path: /^\/traffic$/,
        run: () =>
          traffic === undefined
            ? controlError(404, 'no traffic was started')
            : json(200, traffic.counts()),
      },
      { method: 'DELETE', path: /^\/traffic$/, run: stopTraffic },
      { method: 'POST', path: /^\/host\/pair$/, run: pairOnHost },
    ],
    async stop() {
      await traffic?.stop()
    },
  }
}

/** 200 whether the callback was answered or failed: both are what was asked for. */
async function callBack({ body }: ControlCall, deps: CosignerDeps): Promise<Reply> {
  const read = parseControl(wishSchema, body)
  if (!read.ok) return read.reply
  const wish = wishOf(read.value)
  if (typeof wish === 'string') return controlError(400, wish)
  const pairing = choosePairing(wish, deps)
  if (pairing === undefined) return controlError(409, 'no such API key is paired')
  return json(200, await grant(wish, pairing, deps))
}

/** What is wished, or what is wrong with it. */
function wishOf(fields: z.infer<typeof wishSchema>): Wish | string {
  const { endpoint, payload, payloadText, sample, set, forge, ...rest } = fields
  const given = [payload, payloadText, sample].filter((way) => way !== undefined)
  if (given.length !== 1) return 'give one of `payload`, `payloadText` and `sample`'
  const text = payload === undefined ? payloadText : JSON.stringify(payload)
  if (text === undefined) {
    if (sample === undefined) return 'give a sample'
    const proper = sampleEndpoint(sample)
    return { ...rest, endpoint: endpoint ?? proper, payload: { sample, set }, forgery: forge }
  }
  if (endpoint === undefined) return '`endpoint` is missing'
  return { ...rest, endpoint, payload: text, forgery: forge }
}

const hostSchema = z.strictObject({
  pairingToken: z.string(),
  cosignerId: z.string().optional(),
  callbackHandler: z
    .strictObject({
      url: z.string(),
      publicKey: z.string().exactOptional(),
      cert: z.string().exactOptional(),
    })
    .nullable(),
})

/**
 * `./cosigner setup` or `add-user` on the host: the pairing token, the url and the key or
 * certificate.
 */
function pairOnHost({ body, state, now }: ControlCall): Reply {
  const read = parseControl(hostSchema, body)
  if (!read.ok) return read.reply
  const { pairingToken, callbackHandler: handler } = read.value
  const token = state.pairingTokens.get(pairingToken)
  const user = state.users.get(token?.userId ?? '')
  if (token === undefined || user === undefined || token.expiresAt <= now) {
    return controlError(500, 'Failed to pair device, HTTP status 500')
  }
  state.pairingTokens.delete(pairingToken)
  const cosignerId = read.value.cosignerId ?? state.cosigners[0]?.id ?? ''
  const key = `${cosignerId}/${user.id}`
  const pairing = state.pairings.get(key) ?? {
    cosignerId,
    apiKeyId: user.id,
    shown: [],
    used: [[], []],
    lastSeen: now,
  }
  state.pairings.set(key, pairing)
  for (const changes of [pairing.shown, ...pairing.used]) enter(changes, { at: now, handler })
  user.status = 'READY'
  return json(200, { cosignerId, apiKeyId: user.id })
}
