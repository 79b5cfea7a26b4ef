/**
 * Whether a co-signer's type and version are known to do what an authentication mode asks; pure.
 */
import type { AuthMode } from '../common/admin-api.ts'
import type { AnswerAlgorithm } from '../common/answer-algorithm.ts'
import type { Cosigner } from './api/resources.ts'

/**
 * Oldest versions that can be paired and updated by API (vendor: co-signer operations), and that
 * know `hybrid`.
 */
const OLDEST: Readonly<Record<string, { readonly remote: string; readonly hybrid: string }>> = {
  SGX: { remote: '3.7.1', hybrid: '2025.12.11' },
  'AWS-NITRO': { remote: '2.0.5', hybrid: '2026.08.19' },
}

const OLDEST_GCP = '0.9.4'

/** First version that knows answers signed with ES256, all three families (vendor: release notes). */
export const OLDEST_ES256 = '2026.08.19'

/**
 * Why a co-signer may not understand answers of an algorithm; undefined when its version is known to. What is not known
 * to work is not assumed: an answer that the co-signer cannot verify fails its transaction.
 */
export function algorithmDoubt(
  { version }: Pick<Cosigner, 'version'>,
  algorithm: AnswerAlgorithm,
): string | undefined {
  if (algorithm === 'RS256') return undefined
  if (numbersOf(version ?? '').length === 0) {
    return `the version of the co-signer is unknown (\`${version ?? ''}\`), and ES256 answers are understood from ${OLDEST_ES256} on`
  }
  if (!isOlder(version, OLDEST_ES256)) return undefined
  return `co-signer version \`${version ?? ''}\` is older than ${OLDEST_ES256}, the first that understands ES256 answers`
}

/** What speaks against the mode, one line each; none when nothing is known to. */
export function cosignerNotes(cosigner: Cosigner, auth: AuthMode): string[] {
  const { type = 'unknown', version } = cosigner
  const notes: string[] = []
  if (type === 'SANDBOX') {
    notes.push(
      'the communal test co-signer gets its callback handler from the vendor’s support, public key only',
    )
  }
  const remote = type === 'GCP-CONFSPACE' ? OLDEST_GCP : OLDEST[type]?.remote
  if (remote !== undefined && isOlder(version, remote)) {
    notes.push(
      `co-signer version \`${version ?? ''}\` is older than ${remote}, the first to pair by API`,
    )
  }
  if (auth !== 'hybrid') return notes
  if (type === 'GCP-CONFSPACE') {
    notes.push('hybrid is set by local scripts, which this co-signer (GCP) does not have')
    return notes
  }
  const hybrid = OLDEST[type]?.hybrid
  if (hybrid !== undefined && isOlder(version, hybrid)) {
    notes.push(
      `co-signer version \`${version ?? ''}\` is older than ${hybrid}, the first with hybrid`,
    )
  }
  return notes
}

/**
 * Compares the first dotted number of a version name. Dates (`2026.08.19`) and old numbers
 * (`3.7.1`) share one order, because dates begin with the greater number. An unreadable version is
 * never older.
 */
export function isOlder(version: string | undefined, than: string): boolean {
  const left = numbersOf(version ?? '')
  const right = numbersOf(than)
  if (left.length === 0) return false
  const at = right.findIndex((value, index) => (left[index] ?? 0) !== value)
  return at !== -1 && (left[at] ?? 0) < (right[at] ?? 0)
}

function numbersOf(version: string): number[] {
  const [dotted] = /\d+(?:\.\d+)+/.exec(version) ?? []
  return (dotted ?? '').split('.').flatMap((part) => (part === '' ? [] : [Number(part)]))
}
