/** Rotations under 200 callbacks per second: none may fail, whenever the co-signer switches and whatever people decide. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeRunKeys } from '../../../emulator/key-files.ts'
import type { RunKeys } from '../../../emulator/key-files.ts'
import type { AuthMode } from '../../../common/admin-api.ts'
import type { Context, Part } from '../part.ts'
import { rotationsOf, WIDE_MS } from './matrix.ts'
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
  text: `A real handler is rotated by the real bootstrapper while an open-loop stream of callbacks keeps coming, each checked as a co-signer would: certificate pin, signature, request id, decision. Every mode meets every order of the switch and COMPLETED with every decision of people; \`late\` is an approval after the operator has given the rotation up, \`apart\` are two machines, each at a time of its own. No callback may fail. Afterwards exactly one generation is served, and the one that nobody needs any more answers 410 once its drain is over. The drain is 4 s after an approval, 1 s after a refusal, and 240 s for a rotation that was given up and approved late, because the late approval needs it; the product's default is two hours. The stream is never slowed by slow answers. A rotation on a machine that is too busy (p99 above 1 s) is made again at half the rate, at most twice; what failed in it is shown, and must be connections, never answers.`,
  run: runRotations,
}

interface Extremes {
  slowestRate: number
  worstP99: number
  widestSkewMs: number
}

async function runRotations(context: Context): Promise<void> {
  const keys = await makeRunKeys(1)
  const extremes: Extremes = { slowestRate: Infinity, worstP99: 0, widestSkewMs: 0 }
  for (const [at, mode] of MODES.entries()) {
    await runMode(mode, at, keys, extremes, context)
  }
  const { report } = context
  report.figure(NAME, 'callbacks per second, wanted', context.rate)
  report.figure(NAME, 'callbacks per second, slowest rotation', extremes.slowestRate.toFixed(1))
  report.figure(NAME, 'worst p99 of an answer, ms', extremes.worstP99.toFixed(1))
  report.figure(NAME, 'widest skew of switch and COMPLETED, ms', extremes.widestSkewMs)
}

async function runMode(
  mode: AuthMode,
  at: number,
  keys: RunKeys,
  extremes: Extremes,
  context: Context,
): Promise<void> {
  const { report, form, root, seed } = context
  const rig = await startRig(join(root, `rotations-${mode}`), mode, seed, keys)
  try {
    const paired = await rig.boot('up', '--cosigner-id', rig.emulator.json.cosignerId)
    report.must(paired.exitCode === 0, 'the first pairing succeeds', complaint('up', paired))
    for (const rotation of rotationsOf(form, at)) {
      const { outcome, askedRate } = await rotateUnlessSaturated(rig, rotation, context)
      enter(mode, rotation, outcome, askedRate, report)
      extremes.slowestRate = Math.min(extremes.slowestRate, outcome.rate)
      extremes.widestSkewMs = Math.max(extremes.widestSkewMs, rotation.skewMs)
      extremes.worstP99 = Math.max(extremes.worstP99, outcome.counts.latencyMs?.p99 ?? 0)
    }
  } finally {
    await rig.stop()
  }
}

/**
 * A machine that is too busy to answer in time says nothing about rotations; it gets two more chances, each at half the
 * rate.
 */
async function rotateUnlessSaturated(
  rig: Rig,
  rotation: Rotation,
  { report, rate }: Context,
): Promise<{ readonly outcome: Outcome; readonly askedRate: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const askedRate = rate / 2 ** (attempt - 1)
    const outcome = await rotate(rig, rotation, askedRate)
    if (!outcome.saturated || attempt === MAX_ATTEMPTS) return { outcome, askedRate }
    const p99 = outcome.counts.latencyMs?.p99.toFixed(0)
    report.say(
      `the machine was too busy for ${askedRate}/s (p99 ${p99} ms): this rotation is made again`,
    )
    report.count(NAME, 'rotations made again on a saturated machine')
    if (rotation.torn === undefined) enterRepeated(outcome, rotation, report)
    await sleep(2_000)
  }
}

function enter(
  mode: AuthMode,
  { decision, skew, skewMs, torn }: Rotation,
  outcome: Outcome,
  wantedRate: number,
  report: Context['report'],
): void {
  const { counts, rate, problems, saturated, retired } = outcome
  const { sent, answered, failed, skipped, latencyMs, byUrl } = counts
  const name = `${mode}, ${decision}, switch ${skew}${skewMs === 0 ? '' : ` (${skewMs / 1_000} s)`}${torn === undefined ? '' : `, torn ${torn}`}`
  const urls = Object.values(byUrl).map((url) => url.answered + url.failed)
  report.say(
    `${name}: ${sent} sent at ${rate.toFixed(0)}/s (${urls.join(' + ')}), ${failed.total} failed, p99 ${latencyMs?.p99.toFixed(0)} ms${saturated ? ', saturated' : ''}`,
  )
  const order = `${skew}${skewMs === 0 ? '' : ` ${skewMs / 1_000} s`}${torn === undefined ? '' : `, ${torn}`}`
  const figures = [String(sent), String(failed.total), latencyMs?.p99.toFixed(0) ?? '']
  report.row(NAME, [mode, decision, order, ...figures])
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
    report.count(NAME, 'with the widest skew, 10 s', skewMs === WIDE_MS ? 1 : 0)
    report.count(NAME, 'generations that answered 410 after their drain', retired)
    countCallbacks(outcome, name, report)
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

/**
 * What a machine that was too busy did to callbacks is counted apart: connections that were cut or never stood. Every
 * other failure, an answer that is not the right one, is none of the machine's doing.
 */
function enterRepeated({ counts }: Outcome, rotation: Rotation, report: Context['report']): void {
  const { sent, failed } = counts
  const { RESET = 0, CONNECT = 0, TIMEOUT = 0 } = failed.byKind
  report.count(NAME, 'callbacks in them', sent)
  report.count(NAME, 'callbacks failed in them', failed.total)
  report.must(
    failed.total === RESET + CONNECT + TIMEOUT,
    'a busy machine gives no wrong answer',
    `${JSON.stringify(rotation)}: ${JSON.stringify(counts)}`,
  )
}

/** The callbacks of a rotation that must not fail any. */
function countCallbacks({ counts }: Outcome, name: string, report: Context['report']): void {
  const { sent, failed } = counts
  report.count(NAME, 'callbacks', sent)
  report.count(NAME, 'callbacks failed', failed.total)
  report.must(failed.total === 0, 'no callback fails', `${name}: ${JSON.stringify(counts)}`)
}
