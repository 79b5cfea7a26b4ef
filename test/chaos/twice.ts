/** Two runs at once on one state directory: one proceeds, the other says who is at work and ends with 9. */
import { join } from 'node:path'
import { makeRunKeys } from '../../emulator/key-files.ts'
import type { Context, Part } from './part.ts'
import { complaint, startRig } from './rotations/rig.ts'

const NAME = 'twice'

/** Pairs of rotations after the pair of `up`. */
const ROTATIONS = { short: 0, default: 3, full: 11 } as const

export const twice: Part = {
  name: NAME,
  story: 'two runs at once: one proceeds, one ends with 9',
  text: `Two processes are started at the same time on one state directory. One proceeds, the other ends with 9 and names the command, process and host of the first; one API user and one rotation come of it.`,
  run: runTwice,
}

async function runTwice({ report, root, seed, form }: Context): Promise<void> {
  const rig = await startRig(join(root, 'twice'), 'hybrid', seed, await makeRunKeys(1))
  rig.emulator.state.autoApproveMs = 2_000
  const up = ['up', '--cosigner-id', rig.emulator.json.cosignerId]
  const rotate = ['rotate', '--yes', '--drain', '1s']
  const rotations = Array.from({ length: ROTATIONS[form] }, () => rotate)
  try {
    for (const argv of [up, ...rotations]) {
      const both = await Promise.all([rig.boot(...argv), rig.boot(...argv)])
      const exits = both.map(({ exitCode }) => exitCode).toSorted((a, b) => Number(a) - Number(b))
      const right = exits[0] === 0 && exits[1] === 9
      report.count(NAME, 'pairs of runs')
      report.count(NAME, 'one 0 and one 9', right ? 1 : 0)
      const told = both.some(({ stderr }) => /error: `(up|rotate)` \(pid \d+ on /.test(stderr))
      report.count(NAME, 'told who is at work', told ? 1 : 0)
      const stories = both.map((one) => complaint(argv.join(' '), one)).join('\n')
      report.must(right, 'of two runs one proceeds and one ends with 9', stories)
      report.must(told, 'the one that waits says who is at work', stories)
    }
    const users = Array.from(rig.emulator.state.users.values())
    const made = users.filter(({ name }) => name.startsWith('countersign-')).length
    report.must(made === 1, 'two runs at once make one API user', `${made} users`)
  } finally {
    await rig.stop()
  }
}
