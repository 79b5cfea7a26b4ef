/** `policy reload|shadow-report`: the policy of a handler that runs, and what another would have said so far. */
import type { Command } from 'commander'
import type { ReloadedPolicy } from '../../common/admin-api.ts'
import { EXIT } from '../../common/exit-codes.ts'
import type { Reporter } from '../../common/reporter.ts'
import { shadowReport } from '../decisions/audit/shadow-report.ts'
import type { ShadowReport } from '../decisions/audit/shadow-report.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { openForReading } from './open-store.ts'
import { askHandler } from './operator-client.ts'
import { storePathsOf, withSocket, withStore } from './options.ts'
import type { SocketFlags, StoreFlags } from './options.ts'
import { table } from './table.ts'

interface ReportFlags extends StoreFlags {
  readonly digest?: string
}

/** Adds them to the `policy` command. `reload` ends with 2 when a file is refused. */
export function registerLivePolicyCommands(policy: Command, io: CommandIo): void {
  withSocket(policy.command('reload'))
    .description('have the handler read its policy files now, and say what came of it')
    .action((flags: SocketFlags) => perform(io, flags, (reporter) => reload(flags, io, reporter)))
  withStore(policy.command('shadow-report'))
    .description('count where the shadow policy would have decided otherwise')
    .option('--digest <hex>', 'of this shadow policy (default: the last one)')
    .option('--json', 'print the report as JSON')
    .action((flags: ReportFlags) => perform(io, flags, (reporter) => report(flags, io, reporter)))
}

async function reload(flags: SocketFlags, io: CommandIo, reporter: Reporter): Promise<number> {
  const answer = await askHandler(flags, io, 'reloadPolicy', {})
  const { policy, shadow } = answer
  for (const problem of [policy, shadow].flatMap((each) => each?.problems ?? [])) {
    reporter.problem(problem)
  }
  const lines = [lineOf('policy', policy)]
  if (shadow !== null) lines.push(lineOf('shadow policy', shadow))
  reporter.result({ facts: answer, lines })
  return [policy, shadow].some((each) => each?.outcome === 'kept') ? EXIT.usage : EXIT.done
}

const OUTCOMES = {
  swapped: 'taken over',
  unchanged: 'unchanged',
  kept: 'refused, the old one stays',
} as const

function lineOf(what: string, { outcome, digest, rules }: ReloadedPolicy): string {
  const inForce = digest === null ? 'none is in force' : `${rules} rules, digest ${digest}`
  return `${what} ${OUTCOMES[outcome]}: ${inForce}`
}

function report(flags: ReportFlags, io: CommandIo, reporter: Reporter): void {
  const db = openForReading(storePathsOf(flags, io, reporter).storePath)
  try {
    const found = shadowReport(db, flags.digest)
    reporter.result({ facts: found, lines: reportLines(found) })
  } finally {
    db.close()
  }
}

function reportLines({ digest, requests, same, differences }: ShadowReport): readonly string[] {
  if (digest === undefined) return ['no shadow policy was recorded']
  const rows = differences.map((each) => [
    `${each.liveAction} ${each.liveRule}`,
    `${each.action} ${each.rule}`,
    String(each.requests),
    String(each.firstSeq),
    each.requestId,
  ])
  const head = `shadow policy ${digest}: ${requests} requests, ${same} decided alike`
  if (rows.length === 0) return [head]
  return [head, ...table(['LIVE', 'SHADOW', 'REQUESTS', 'FIRST RECORD', 'REQUEST'], rows)]
}
