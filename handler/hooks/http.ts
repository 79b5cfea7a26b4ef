/** Hooks over HTTP: asks a team's own service with a signed request, in time, and takes nothing but a clear answer. */
import type { After, Clock } from '../../common/clock.ts'
import { errnoOf, messageOf } from '../../common/errors.ts'
import type { Hook } from '../policy/compile/hooks.ts'
import type { VerifySignature } from '../policy/statement.ts'
import type { HookCaller, HookContext } from '../callback/ports.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import { NoAnswer, readAnswer } from './answer.ts'
import { createBreaker } from './breaker.ts'
import type { Breaker } from './breaker.ts'
import { requestJson } from './request-json.ts'

/** Header `typ` of a call: no callback answer and no other token of ours has it (RFC 8725 §3.11). */
export const HOOK_TYPE = 'countersign-hook'

/** Seconds for which a call may be believed. */
const LIFE_SECONDS = 60

/** How a call ended; `broken` was not made because the breaker is open. */
export type HookOutcome = 'allow' | 'deny' | 'no-answer' | 'broken'

export interface HttpHooksDeps {
  readonly fetch: typeof fetch
  /** Compact JWS over the claims with the key of that generation. */
  readonly sign: (generation: number, claims: object, typ: string) => Promise<string>
  readonly verifySignature: VerifySignature
  readonly clock: Clock
  readonly after: After
  /** Hears of every call; `detail` says why there was no answer. */
  readonly called: (hook: string, outcome: HookOutcome, detail: string | undefined) => void
}

export interface HttpHooks extends HookCaller {
  /** Names of hooks that are left alone for a while. */
  readonly open: () => readonly string[]
}

/** One breaker per hook and address; concurrent calls share it. */
export function createHttpHooks(deps: HttpHooksDeps): HttpHooks {
  const breakers = new Map<string, { readonly hook: string; readonly breaker: Breaker }>()
  const breakerOf = ({ name, url }: Hook): Breaker => {
    const key = `${name} ${url}`
    const known = breakers.get(key)
    if (known !== undefined) return known.breaker
    // A hook that a reload moved elsewhere starts anew.
    for (const [other, { hook }] of breakers) if (hook === name) breakers.delete(other)
    const breaker = createBreaker()
    breakers.set(key, { hook: name, breaker })
    return breaker
  }
  return {
    open: () =>
      Array.from(breakers.values()).flatMap(({ hook, breaker }) =>
        breaker.isOpen() ? [hook] : [],
      ),
    async call(hook, request, signal, context) {
      const { terms } = context
      if (terms === undefined) return 'no-answer'
      const breaker = breakerOf(terms)
      if (!breaker.admits(deps.clock.monotonicMs())) {
        deps.called(hook, 'broken', 'its breaker is open')
        return 'no-answer'
      }
      try {
        const answer = await ask(terms, request, signal, context, deps)
        breaker.succeeded()
        deps.called(hook, answer, undefined)
        return answer
      } catch (error) {
        breaker.failed(deps.clock.monotonicMs())
        deps.called(hook, 'no-answer', detailOf(error))
        return 'no-answer'
      }
    },
  }
}

async function ask(
  terms: Hook,
  request: CallbackRequest,
  signal: AbortSignal,
  context: HookContext,
  deps: HttpHooksDeps,
): Promise<'allow' | 'deny'> {
  const over = new AbortController()
  const giveUp = () => over.abort(new NoAnswer('the deadline of the request has come'))
  signal.addEventListener('abort', giveUp)
  const cancelLimit = deps.after(terms.timeoutMs, () => {
    over.abort(new NoAnswer(`no answer within ${terms.timeoutMs} ms`))
  })
  try {
    const body = await deps.sign(
      context.generation,
      claimsOf(terms, request, context, deps.clock),
      HOOK_TYPE,
    )
    const response = await deps.fetch(terms.url, {
      method: 'POST',
      headers: { 'content-type': 'application/jwt', accept: 'application/json' },
      body,
      redirect: 'manual',
      signal: over.signal,
    })
    return await readAnswer(response, context.deliveryId, terms, deps.verifySignature)
  } finally {
    cancelLimit()
    signal.removeEventListener('abort', giveUp)
  }
}

/** What the service reads; documented in docs/operating.md. */
function claimsOf(
  terms: Hook,
  request: CallbackRequest,
  context: HookContext,
  clock: Clock,
): object {
  const iat = Math.floor(clock.now().getTime() / 1_000)
  const { deliveryId, generation, cosigner, rule, unknown } = context
  return {
    iss: 'countersign',
    aud: terms.url,
    iat,
    exp: iat + LIFE_SECONDS,
    jti: deliveryId,
    hook: terms.name,
    generation,
    cosigner,
    rule,
    unknown,
    request: requestJson(request),
  }
}

/** `fetch` hides the reason one level down; its code says enough. */
function detailOf(error: unknown): string {
  const known = typeof error === 'object' && error !== null && 'cause' in error
  const cause = known ? error.cause : undefined
  return errnoOf(cause) ?? messageOf(error)
}
