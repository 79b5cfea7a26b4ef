/**
 * The handler as a library, for teams that decide in TypeScript or keep answer keys in a place of their own: the same
 * service as `countersign-handler run`, with what is theirs. See docs/extending.md and docs/keys.md.
 */
import { availableParallelism } from 'node:os'
import { systemAfter, systemClock, systemSleep } from '../common/clock.ts'
import { bufferedOutput } from './telemetry/buffered-output.ts'
import { createDecider } from './callback/team-decider.ts'
import type { Decide } from './callback/team-decider.ts'
import type { LogStream } from './telemetry/log.ts'
import type { OpenKeystore } from './generations/signers/keystores.ts'
import { start } from './service/start.ts'
import type { RunningHandler } from './service/start-handler.ts'

export { HandlerStartError } from './service/start.ts'
export { KeystoreError } from './generations/signers/keystore.ts'
export type { Keystore, StoredKey } from './generations/signers/keystore.ts'
export type { OpenKeystore } from './generations/signers/keystores.ts'
export type { AnswerAlgorithm } from '../common/answer-algorithm.ts'
export type { Decide, Verdict } from './callback/team-decider.ts'
export type { DeciderFacts } from './callback/ports.ts'
export type { Decision } from './policy/decision.ts'
export type { Decimal } from './protocol/decimal.ts'
export { addDecimals, compareDecimals, formatDecimal, parseDecimal } from './protocol/decimal.ts'
export { Unreadable } from './protocol/request.ts'
export type { Action, Endpoint, Stage } from './protocol/endpoints.ts'
export type {
  CallbackRequest,
  ConfigChangeRequest,
  Destination,
  TxSignRequest,
} from './protocol/request.ts'

export interface HandlerOptions {
  /** The `HANDLER_*` settings, e.g. `process.env`; see docs/configuration.md. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Asked where a rule of the policy file approves or no rule matches; absent: the policy file decides alone. */
  readonly decide?: Decide
  /** Keystores of your own for answer keys, by the scheme of `HANDLER_ANSWER_SIGNER`; see docs/keys.md. */
  readonly keystores?: Readonly<Record<string, OpenKeystore>>
  /** Of your code, e.g. a commit: it goes into the record of every decision that `decide` makes. */
  readonly version: string
  /** Milliseconds after which `decide` counts as failed; default 5,000. */
  readonly decideTimeoutMs?: number
  /** Takes the log, one JSON object per line; default standard output. */
  readonly log?: LogStream
  /** The handler cannot go on (its disk failed): end the process. Default: throws it where nobody catches it. */
  readonly onFatal?: (error: unknown) => void
}

/** A handler that is started and stopped by its owner, who also listens to signals. */
export interface Handler {
  /** Serves when it resolves. @throws HandlerStartError, and what keeps a listener from opening */
  readonly start: () => Promise<void>
  /** Answers what was accepted and ends within five seconds; a handler that does not run is left alone. */
  readonly stop: () => Promise<void>
  /** Reads the policy files again, as SIGHUP does in `countersign-handler run`. */
  readonly reloadPolicy: () => Promise<void>
}

/**
 * The same service as `countersign-handler run`. Verification, recall, recording, limits, holds and the freeze are not
 * up to `decide`, and it cannot approve what a rule of the policy file refuses or what contradicts itself.
 */
export function createHandler(options: HandlerOptions): Handler {
  const { env, decide, keystores, version, decideTimeoutMs = 5_000 } = options
  const decider = decide && createDecider(decide, version, decideTimeoutMs, systemAfter)
  const output = options.log === undefined ? bufferedOutput(1) : undefined
  const onFatal = options.onFatal ?? throwUncaught
  let running: RunningHandler | undefined
  return {
    async start() {
      running = await start({
        env,
        output: options.log ?? output ?? { write: () => undefined },
        logging: (logger) => {
          if (decide === undefined) return
          logger.info({ decideVersion: version }, 'decisions are also made by a function')
        },
        clock: systemClock,
        sleep: systemSleep,
        after: systemAfter,
        cores: availableParallelism(),
        fatal: onFatal,
        decider,
        keystores,
      })
      await output?.flush()
    },
    async stop() {
      const handler = running
      running = undefined
      await handler?.stop()
      await output?.flush()
    },
    reloadPolicy: async () => running?.reloadPolicy(),
  }
}

function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
