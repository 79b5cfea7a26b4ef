/** Expiry with a voice: certificates that are due, in `/readyz`, in the status and in the log. */
import type { GenerationInfo } from '../../common/admin-api.ts'
import { formatDuration } from '../../common/duration.ts'

type Served = Pick<
  GenerationInfo,
  'generation' | 'state' | 'fingerprint' | 'notBefore' | 'notAfter'
>

const DAY_MS = 86_400_000

/** A certificate is due this long before its end, or a third of its life before, whichever is shorter. */
const DUE_MS = 30 * DAY_MS

/** Milliseconds that are left, when the certificate is due or has expired; undefined before that. */
export function dueMs(
  { notBefore, notAfter }: { readonly notBefore: Date; readonly notAfter: Date },
  now: Date,
): number | undefined {
  const leftMs = notAfter.getTime() - now.getTime()
  const lifeMs = notAfter.getTime() - notBefore.getTime()
  return leftMs <= Math.min(DUE_MS, lifeMs / 3) ? leftMs : undefined
}

/**
 * One line for each certificate that is due, each once. `fromFiles`: it comes from `HANDLER_TLS_CERT_FILE`, where its CA
 * has to renew it; the generations' own are replaced by a rotation.
 */
export function expiryNotices(
  served: readonly Served[],
  fromFiles: boolean,
  now: Date,
): readonly string[] {
  const lines = new Map<string, string>()
  for (const { generation, state, fingerprint, notBefore, notAfter } of served) {
    const life = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) }
    const leftMs = state === 'retired' ? undefined : dueMs(life, now)
    if (leftMs === undefined || lines.has(fingerprint)) continue
    const what = fromFiles ? 'certificate file' : `certificate of generation ${generation}`
    const when =
      leftMs <= 0 ? `expired on ${notAfter.slice(0, 10)}` : `expires in ${formatDuration(leftMs)}`
    const remedy = fromFiles ? 'renew the file' : 'run `rotate`'
    lines.set(fingerprint, `${what}: ${when}, ${remedy}`)
  }
  return [...lines.values()]
}

/** Tells which notices are to be logged now: all of them once a day, and a new one at once. */
export function daily(): (notices: readonly string[], now: Date) => readonly string[] {
  const loggedMs = new Map<string, number>()
  return (notices, now) =>
    notices.filter((notice) => {
      const subject = notice.split(':', 1)[0] ?? ''
      const before = loggedMs.get(subject)
      if (before !== undefined && now.getTime() - before < DAY_MS) return false
      loggedMs.set(subject, now.getTime())
      return true
    })
}
