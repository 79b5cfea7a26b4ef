/** Hooks: a team's own services that a rule may ask; declared here, called elsewhere. */
import { durationMs } from '../../../common/duration.ts'
import type { Findings } from './lists.ts'
import type { HookEntry } from '../file/schema.ts'

export interface Hook {
  readonly name: string
  /** `https:`, or `http:` to this machine. */
  readonly url: string
  /** For one call. */
  readonly timeoutMs: number
  /** From the first delivery: until then a missing answer is RETRY, after it `fallback`. */
  readonly budgetMs: number
  readonly fallback: 'REJECT' | 'RETRY'
  /** Name of the statement key that signs the hook's answers; undefined when they are not signed. */
  readonly keyId: string | undefined
  /** Its PEM `PUBLIC KEY`. */
  readonly answerKey?: string
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
const MAX_TIMEOUT_MS = 20_000

/** `keys`: the policy's statement keys by name; `usedKeys` is told which one signs. */
export function compileHook(
  name: string,
  entry: HookEntry,
  keys: ReadonlyMap<string, { readonly publicKey: string }>,
  usedKeys: Set<string>,
  findings: Findings,
): Hook {
  const path = ['hooks', name]
  const { keyId } = entry
  const key = keyId === undefined ? undefined : keys.get(keyId)
  if (keyId !== undefined) {
    usedKeys.add(keyId)
    if (key === undefined) findings.report([...path, 'keyId'], `there is no \`${keyId}\``)
  }
  const { timeout = '5s', budget = '30m' } = entry
  const timeoutMs = durationMs(timeout)
  if (!isSafeUrl(entry.url)) {
    findings.report([...path, 'url'], 'expected an `https:` URL, or `http:` to this machine')
  }
  if (timeoutMs > MAX_TIMEOUT_MS) {
    findings.report([...path, 'timeout'], 'at most `20s`: the co-signer waits 30 seconds')
  }
  return {
    name,
    url: entry.url,
    timeoutMs,
    budgetMs: durationMs(budget),
    fallback: entry.fallback,
    keyId,
    ...(key === undefined ? {} : { answerKey: key.publicKey }),
  }
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname))
}
