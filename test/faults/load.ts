/** A steady stream of callbacks as co-signers send them, some sent twice, with every answer remembered. */
import { setTimeout as sleep } from 'node:timers/promises'
import { draw, drawOne } from '../../emulator/chaos.ts'
import type { Chaos } from '../../emulator/chaos.ts'
import { newAsk, verdictOf } from './client.ts'
import type { Ask, Client } from './client.ts'
import type { Report } from './report.ts'
import type { Running, World } from './rig.ts'

/** What became of every request that was ever sent. */
export interface Memory {
  /** Requests with the action that was answered first. */
  readonly answered: Map<string, { readonly ask: Ask; readonly action: string }>
  /** Requests that never got an answer. */
  readonly unanswered: Map<string, Ask>
}

export function createMemory(): Memory {
  return { answered: new Map(), unanswered: new Map() }
}

/** Sends one request and judges the answer against the policy and against every earlier answer. */
export async function deliver(
  ask: Ask,
  client: Client,
  handler: Running,
  memory: Memory,
  report: Report,
): Promise<'answered' | { readonly error: unknown }> {
  const { requestId, token, expected } = ask
  const earlier = memory.answered.get(requestId)
  if (earlier === undefined) memory.unanswered.set(requestId, ask)
  try {
    const seen = await client.post(token)
    const verdict = verdictOf(seen, requestId, handler.answerKey)
    report.must(verdict !== undefined, 'each answer is signed for its request', seen)
    if (verdict === undefined) return 'answered'
    const { action, reason } = verdict
    // As good as an answer can be where a pause, or a machine that is busy, has left no time: it is asked again.
    if (expected !== 'RETRY' && action === 'RETRY' && reason === 'ERR_DEADLINE') {
      report.count('answers put off for lack of time')
      return 'answered'
    }
    const before = memory.answered.get(requestId)
    const same = before === undefined || before.action === action
    if (!same) report.count('changed decisions')
    report.must(same, 'a decision never changes', { requestId, before: before?.action, action })
    report.must(action === expected, 'the answer is what the policy says', { ask, verdict })
    memory.answered.set(requestId, { ask, action })
    memory.unanswered.delete(requestId)
    return 'answered'
  } catch (error) {
    return { error }
  }
}

const KINDS = ['APPROVE', 'APPROVE', 'REJECT', 'RETRY'] as const

export interface LoadOptions {
  readonly world: World
  readonly chaos: Chaos
  readonly client: Client
  readonly handler: Running
  readonly memory: Memory
  readonly report: Report
  readonly perSecond: number
  /** Each error of a request that got no answer. */
  readonly failed?: (error: unknown) => void
}

/** Sends until the signal aborts; resolves when the last request is settled. */
export async function load(options: LoadOptions, signal: AbortSignal): Promise<number> {
  const { world, chaos, client, handler, memory, report, perSecond, failed } = options
  const pending: Promise<void>[] = []
  const began = performance.now()
  let sent = 0
  const send = (ask: Ask) => {
    sent += 1
    pending.push(
      deliver(ask, client, handler, memory, report).then((outcome) =>
        outcome === 'answered' ? undefined : failed?.(outcome.error),
      ),
    )
  }
  while (!signal.aborted) {
    const due = ((performance.now() - began) / 1_000) * perSecond
    for (let n = sent; n < due; n += 1) {
      const ask = newAsk(world.cosigner.privateKey, drawOne(chaos, 'kind', KINDS))
      send(ask)
      // The co-signer asks again with the same bytes; here also at the same time.
      if (draw(chaos, 'duplicate') < 0.1) send(ask)
    }
    await sleep(4)
  }
  await Promise.all(pending)
  return sent
}

/** Runs jobs over items, `width` at a time. */
export async function inParallel<T>(
  width: number,
  items: Iterable<T>,
  run: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = [...items].toReversed()
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await run(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
