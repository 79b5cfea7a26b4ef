/** `policy reload|shadow-report`: the policy of a handler that runs, and what another would have said so far. */
import type { Command } from 'commander'
import type { ReloadedPolicy } from '../../common/admin-api.ts'
import { openReadOnly } from '../decisions/database.ts'
import { shadowReport } from '../decisions/shadow-report.ts'
import type { ShadowReport } from '../decisions/shadow-report.ts'
import { databaseOf, guarded as guardedStore } from './audit-place.ts'
import type { StorePlace } from './audit-place.ts'
import type { CommandIo } from './command-io.ts'
import { askHandler, guarded, printJson, withPlace } from './operator-client.ts'
import type { HandlerPlace } from './operator-client.ts'
import { table } from './table.ts'

interface ReloadOptions extends HandlerPlace {
  readonly json?: true
}

interface ReportOptions extends StorePlace {
  readonly digest?: string
  readonly json?: true
}

/** Adds them to the `policy` command. `reload` ends with 2 when a file is refused. */
export function registerLivePolicyCommands(policy: Command, io: CommandIo): void {
  withPlace(policy.command('reload'))
    .description('have the handler read its policy files now, and say what came of it')
    .action((options: ReloadOptions) => guarded(io, () => reload(options, io)))
  policy
    .command('shadow-report')
    .description('count where the shadow policy would have decided otherwise')
    .option('--state-dir <dir>', 'state directory (default: HANDLER_STATE_DIR or ./state)')
    .option('--db <file>', 'decision store (default: decisions.db in the state directory)')
    .option('--digest <hex>', 'of this shadow policy (default: the last one)')
    .option('--json', 'print the report as JSON')
    .action((options: ReportOptions) => guardedStore(io, () => report(options, io)))
}

async function reload(options: ReloadOptions, io: CommandIo): Promise<void> {
  const answer = await askHandler(options, io, 'reloadPolicy', {})
  const { policy, shadow } = answer
  if (policy.outcome === 'kept' || shadow?.outcome === 'kept') io.exitCode = 2
  if (options.json) {
    printJson(io, answer)
    return
  }
  tell('policy', policy, io)
  if (shadow !== null) tell('shadow policy', shadow, io)
}

const OUTCOMES = {
  swapped: 'taken over',
  unchanged: 'unchanged',
  kept: 'refused, the old one stays',
} as const

function tell(what: string, { outcome, digest, rules, problems }: ReloadedPolicy, io: CommandIo) {
  for (const problem of problems) io.stderr.write(`error: ${problem}\n`)
  const inForce = digest === null ? 'none is in force' : `${rules} rules, digest ${digest}`
  io.stdout.write(`${what} ${OUTCOMES[outcome]}: ${inForce}\n`)
}

function report(options: ReportOptions, io: CommandIo): void {
  const db = openReadOnly(databaseOf(options, io))
  try {
    const found = shadowReport(db, options.digest)
    if (options.json) printJson(io, found)
    else io.stdout.write(reportText(found))
  } finally {
    db.close()
  }
}

function reportText({ digest, requests, same, differences }: ShadowReport): string {
  if (digest === undefined) return 'no shadow policy was recorded\n'
  const rows = differences.map((each) => [
    `${each.liveAction} ${each.liveRule}`,
    `${each.action} ${each.rule}`,
    String(each.requests),
    String(each.firstSeq),
    each.requestId,
  ])
  const head = `shadow policy ${digest}: ${requests} requests, ${same} decided alike\n`
  if (rows.length === 0) return head
  return `${head}${table(['LIVE', 'SHADOW', 'REQUESTS', 'FIRST RECORD', 'REQUEST'], rows)}`
}
