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

/** Runs `audit verify`; anything but intact is a violation. */
export async function mustVerify({ stateDir }: Home, report: Report): Promise<void> {
  const { exitCode, stdout, stderr } = await runToEnd(
    'handler/main.js',
    ['audit', 'verify', '--state-dir', stateDir],
    {},
  )
  report.count('audit verify runs')
  report.must(exitCode === 0, 'the audit chain is intact', `${stdout}${stderr}`)
}
