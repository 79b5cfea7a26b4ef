/** Shadow policy: decides nothing; what it would have decided goes to the record, the log and the metrics. */
import type { ShadowNote } from '../decisions/store.ts'
import type { Log } from '../../common/log.ts'
import type { Loaded, PolicySource } from './policy-source.ts'
import { SEMANTICS } from '../policy/evaluate.ts'
import type { ShadowPolicy } from '../callback/ports.ts'

/** Evaluates the shadow policy; one that throws is logged once and gives no note. */
export function createShadow(
  source: PolicySource<Loaded | undefined>,
  logger: Log,
  noted: (note: ShadowNote) => void,
): ShadowPolicy {
  let failed: string | undefined
  return async (request, facts, live) => {
    const loaded = source.current()
    if (loaded === undefined) return undefined
    const { digest } = loaded.live
    try {
      const { action, rule } = (await request.evaluate(loaded.live, facts)).decision
      const { action: liveAction, rule: liveRule } = live
      const note = { digest, action, rule, liveAction, liveRule, semantics: SEMANTICS }
      noted(note)
      if (action !== live.action || rule !== live.rule) {
        logger.info({ requestId: request.requestId, shadow: note }, 'the shadow policy differs')
      }
      return note
    } catch (err) {
      if (failed !== digest) logger.error({ err, digest }, 'the shadow policy fails')
      failed = digest
      return undefined
    }
  }
}
