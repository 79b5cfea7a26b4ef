/** Rotations under 200 callbacks per second: none may fail, whenever the co-signer switches and whatever people decide. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeRunKeys } from '../../../emulator/key-files.ts'
import type { RunKeys } from '../../../emulator/key-files.ts'
import type { AuthMode } from '../../../common/admin-api.ts'
import type { Context, Part } from '../part.ts'
import { rotationsOf, skewMs } from './matrix.ts'
import type { Rotation } from './matrix.ts'
import { complaint, startRig } from './rig.ts'
import type { Rig } from './rig.ts'
import { rotate } from './rotation.ts'
import type { Outcome } from './rotation.ts'

const NAME = 'rotations'

const MODES: readonly AuthMode[] = ['hybrid', 'public-key', 'certificate']

/** Milliseconds between the two reads of a torn configuration (`TORN_GAP_MS`). */
const TORN_GAP_MS = 20

/** Tries of one rotation on a saturated machine. */
const MAX_ATTEMPTS = 3

export const rotations: Part = {
  name: NAME,
  story: `rotations while callbacks keep coming, in every mode, at every moment, with every decision`,
  run: runRotations,
}

interface Extremes {
  slowestRate: number
  worstP99: number
}

async function runRotations(context: Context): Promise<void> {
  const keys = await makeRunKeys(1)
  const extremes: Extremes = { slowestRate: Infinity, worstP99: 0 }
  for (const [at, mode] of MODES.entries()) await runMode(mode, at, keys, extremes, context)
  const { report } = context
  report.figure(NAME, 'callbacks per second, wanted', context.rate)
  report.figure(NAME, 'callbacks per second, slowest rotation', extremes.slowestRate.toFixed(1))
  report.figure(NAME, 'worst p99 of an answer, ms', extremes.worstP99.toFixed(1))
  report.figure(NAME, 'switch before and after COMPLETED, ms', skewMs(context.form))
}

async function runMode(
  mode: AuthMode,
  at: number,
  keys: RunKeys,
  extremes: Extremes,
  context: Context,
): Promise<void> {
  const { report, form, root, seed, rate } = context
  const rig = await startRig(join(root, `rotations-${mode}`), mode, seed, keys)
  try {
    const paired = await rig.boot('up', '--cosigner-id', rig.emulator.json.cosignerId)
    report.must(paired.exitCode === 0, 'the first pairing succeeds', complaint('up', paired))
    for (const rotation of rotationsOf(form, at)) {
      const outcome = await rotateUnlessSaturated(rig, rotation, context)
      enter(mode, rotation, outcome, rate, report)
      extremes.slowestRate = Math.min(extremes.slowestRate, outcome.rate)
      extremes.worstP99 = Math.max(extremes.worstP99, outcome.counts.latencyMs?.p99 ?? 0)
    }
  } finally {
    await rig.stop()
  }
}

/** A machine that is too busy to answer in time says nothing about rotations; it gets two more chances. */
async function rotateUnlessSaturated(
  rig: Rig,
  rotation: Rotation,
  { report, form, rate }: Context,
): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await rotate(rig, rotation, skewMs(form), rate)
    if (!outcome.saturated || attempt === MAX_ATTEMPTS) return outcome
    const p99 = outcome.counts.latencyMs?.p99.toFixed(0)
    report.say(
      `the machine was too busy for ${rate}/s (p99 ${p99} ms): this rotation is made again`,
    )
    report.count(NAME, 'rotations made again on a saturated machine')
    await sleep(2_000)
  }
}

function enter(
  mode: AuthMode,
  { decision, skew, torn }: Rotation,
  { counts, rate, problems, saturated }: Outcome,
  wantedRate: number,
  report: Context['report'],
): void {
  const { sent, answered, failed, skipped, latencyMs, byUrl } = counts
  const name = `${mode}, ${decision}, switch ${skew}${torn === undefined ? '' : `, torn ${torn}`}`
  const urls = Object.values(byUrl).map((url) => url.answered + url.failed)
  report.say(
    `${name}: ${sent} sent at ${rate.toFixed(0)}/s (${urls.join(' + ')}), ${failed.total} failed, p99 ${latencyMs?.p99.toFixed(0)} ms${saturated ? ', saturated' : ''}`,
  )
  report.must(
    problems.length === 0,
    'a rotation ends as people decided',
    `${name}\n${problems.join('\n')}`,
  )
  report.must(skipped === 0, 'every callback of the stream is sent', `${name}: ${skipped} skipped`)
  const lost = sent - answered.total - failed.total
  report.must(lost === 0, 'every callback is accounted for', `${name}: ${lost} lost`)
  const approved = answered.byAction['APPROVE'] ?? 0
  report.must(approved === answered.total, 'every answer is the right one', JSON.stringify(counts))
  if (torn === undefined) {
    report.count(NAME, 'rotations')
    report.count(NAME, `rotations ${decision}`)
    report.count(NAME, 'callbacks', sent)
    report.count(NAME, 'callbacks failed', failed.total)
    report.must(failed.total === 0, 'no callback fails', `${name}: ${JSON.stringify(counts)}`)
    return
  }
  // Attempts between the two reads when the configuration changes: no handler can help them.
  const windowMs = (latencyMs?.p99 ?? 0) + (torn === 'new-url-old-key' ? TORN_GAP_MS : 0)
  const bound = Math.ceil((wantedRate * windowMs) / 1_000) + 1
  report.count(NAME, 'torn rotations')
  report.count(NAME, 'callbacks under torn rotations', sent)
  report.count(NAME, 'callbacks failed, configuration torn', failed.total)
  report.count(NAME, 'bound on them (rate × time between the two reads)', bound)
  report.must(
    failed.total <= bound,
    'torn failures stay below rate × answer time',
    `${name}: ${failed.total} > ${bound}`,
  )
}
