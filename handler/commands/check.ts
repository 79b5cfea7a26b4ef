/** `check`: one line per thing that was looked at, exit code 0 when the handler would start and 2 when it would not. */
import { EXIT } from '../../common/exit-codes.ts'
import type { Reporter } from '../../common/reporter.ts'
import { parseConfig } from '../config/config.ts'
import { lookAtCertificate } from '../service/certificate-files.ts'
import { inspect } from '../service/inspect.ts'
import { formatFinding } from '../service/inspections.ts'
import { lookAtOpenings } from '../service/openings.ts'
import type { CommandIo } from './command-io.ts'

export interface CheckFlags {
  readonly running?: boolean
  readonly json?: boolean
}

/** Reports the findings; with `--json` as one object `{ ok, findings, warnings }`. */
export async function check(
  { running = false }: CheckFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<number> {
  const inspection = await inspect(io.env, io.clock)
  const parsed = parseConfig(io.env)
  const openings = parsed.ok ? await lookAtOpenings(parsed.config, running) : []
  const { config, filePair } = inspection.material ?? {}
  const certificate =
    config === undefined || filePair === undefined
      ? []
      : lookAtCertificate(filePair, config.slots, io.clock.now())
  const findings = [...inspection.findings, ...certificate, ...openings]
  await inspection.material?.keystores.close()
  const { warnings } = inspection
  const ok = findings.every((finding) => finding.ok)
  reporter.result({ facts: { ok, findings, warnings }, lines: findings.map(formatFinding) })
  for (const warning of warnings) reporter.warning(warning)
  return ok ? EXIT.done : EXIT.usage
}
