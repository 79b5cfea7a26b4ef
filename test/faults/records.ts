/** What is on disk, read as an auditor would: through the commands of the handler. */
import { runToEnd } from '../../emulator/demo/programs.ts'
import type { Report } from './report.ts'
import type { Home } from './rig.ts'

/** One decision on record. */
export interface DecisionOnRecord {
  readonly seq: number
  readonly requestId: string
  readonly action: string
}

/** The lines of `audit export --with-evidence`. */
async function exportLines({ stateDir }: Home, fromSeq: number): Promise<string[]> {
  const args = ['audit', 'export', '--with-evidence', '--state-dir', stateDir]
  const all = [...args, '--from-seq', String(fromSeq)]
  const { exitCode, stdout, stderr } = await runToEnd('handler/main.js', all, {})
  if (exitCode !== 0) throw new Error(`audit export ended with ${exitCode}: ${stderr}`)
  return stdout.split('\n').filter((line) => line !== '')
}

/** The co-signer's tokens that are kept as evidence. */
export async function readTokens(home: Home): Promise<string[]> {
  const lines = await exportLines(home, 1)
  return lines.flatMap((line) => {
    const { token }: { token: string | null } = JSON.parse(line)
    return token === null ? [] : [token]
  })
}

/** All records: how many, and the decisions among them. */
export async function readRecords(
  home: Home,
  fromSeq = 1,
): Promise<{ count: number; decisions: DecisionOnRecord[] }> {
  const lines = await exportLines(home, fromSeq)
  const decisions = lines.flatMap((line) => {
    const { seq, body }: { seq: number; body: string } = JSON.parse(line)
    const { kind, requestId, action }: Record<string, string> = JSON.parse(body)
    return kind === 'decision' ? [{ seq, requestId: requestId ?? '', action: action ?? '' }] : []
  })
  return { count: lines.length, decisions }
}

/** The final decisions by request; a violation when one request has two different ones. */
export async function finalDecisions(
  home: Home,
  report: Report,
  fromSeq = 1,
): Promise<ReadonlyMap<string, string>> {
  const { decisions } = await readRecords(home, fromSeq)
  const found = new Map<string, string>()
  for (const { requestId, action } of decisions) {
    if (action === 'RETRY') continue
    const earlier = found.get(requestId)
    report.must(earlier === undefined || earlier === action, 'one request has one final decision', {
      requestId,
      earlier,
      action,
    })
    found.set(requestId, action)
  }
  return found
}

/** What `audit verify` says, with the keys of the home's co-signers. */
export interface Verification {
  readonly exitCode: number | null
  readonly verdict: string
  readonly text: string
}

/** Runs `audit verify --cosigner-keys`, with further options. */
export async function verifyRecords(
  { stateDir, env }: Home,
  ...options: readonly string[]
): Promise<Verification> {
  const keys = env['HANDLER_COSIGNER_KEYS'] ?? ''
  const { exitCode, stdout, stderr } = await runToEnd(
    'handler/main.js',
    ['audit', 'verify', '--state-dir', stateDir, '--cosigner-keys', keys, ...options],
    {},
  )
  const verdict = /^the audit chain is (\w+)/m.exec(stdout)?.[1] ?? 'none'
  return { exitCode, verdict, text: `${stdout}${stderr}` }
}

/**
 * Runs `audit verify`; damage is a violation. A handler that was killed leaves records that no checkpoint
 * signs: these are consistent, not proved.
 */
export async function mustVerify(home: Home, report: Report): Promise<void> {
  const found = await verifyRecords(home)
  report.count('audit verify runs')
  const holds = found.exitCode === 0 || found.exitCode === 11
  report.must(holds, 'the audit chain is intact, or consistent', found)
}
