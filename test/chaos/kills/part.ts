/** `up` and `rotate` killed with SIGKILL at every step that changes a file or speaks to somebody, and run again. */
import { join } from 'node:path'
import { createChaos, draw } from '../../../emulator/chaos.ts'
import type { Chaos } from '../../../emulator/chaos.ts'
import { makeRunKeys } from '../../../emulator/key-files.ts'
import type { AuthMode } from '../../../common/admin-api.ts'
import { createUserKey } from '../../../bootstrap/user-files.ts'
import type { Context, Part } from '../part.ts'
import { complaint, startRig } from '../rotations/rig.ts'
import { finish, litter, sceneOfRotate, sceneOfUp } from './lane.ts'
import type { Lane, Scene } from './lane.ts'
import { choosesStrace, killAt, listPoints } from './points.ts'
import type { Point } from './points.ts'

const NAME = 'kills'

/** Three seeds: a mode and a pace of the approvals each. */
const LANES: readonly { readonly mode: AuthMode; readonly approvalMs: number }[] = [
  { mode: 'hybrid', approvalMs: 0 },
  { mode: 'public-key', approvalMs: 400 },
  { mode: 'certificate', approvalMs: 1_500 },
]

/** Kills of each command and lane even when the time is over. */
const AT_LEAST = { short: 2, default: 8, full: 1 } as const

/** A step may not come up in a run that had to ask less often; it gets further chances. */
const TRIES = 3

export const kills: Part = {
  name: NAME,
  story: 'SIGKILL at a step of `up` and `rotate`, then the same command again',
  text: `First the command is run to its end and every step that changes a file or speaks to somebody is listed: system calls with strace, of the main thread and of the thread for files, and writes to files with a module loaded before the program. Then, for one step after the other, a fresh \`up\` or the next \`rotate\` is killed with SIGKILL on entry to that step, and the same command is typed again until it ends, with \`--resubmit\` where its hint says so. Three seeds: a mode and a pace of the approvals each; one of them also makes its own RSA-4096 key. At the end there is one API user with the key on disk, one new generation and no more, API, co-signer and handler agree on it, and no temporary file is left.`,
  run: runKills,
}

async function runKills(context: Context): Promise<void> {
  const { report, root, seed } = context
  const strace = context.strace && (await choosesStrace())
  if (!strace) report.skip('kills inside system calls', 'strace may not be used here')
  report.figure(NAME, 'killed by', strace ? 'strace, and a hook for writes to files' : 'a hook')
  const keys = await makeRunKeys(1)
  const userKey = join(root, 'kills-user-key')
  await createUserKey(userKey, 'chaos')
  const lanes = LANES.flatMap((lane, at) =>
    (['up', 'rotate'] as const).map((command) => ({ ...lane, at, command })),
  )
  await Promise.all(
    lanes.map(async ({ mode, approvalMs, at, command }) => {
      const directory = join(root, `kills-${mode}-${command}`)
      const rig = await startRig(directory, mode, seed, keys)
      rig.emulator.state.autoApproveMs = approvalMs
      // The first lane also dies while it makes its RSA-4096 key.
      const key = at === 0 ? undefined : userKey
      const lane: Lane = { name: mode, rig, keys, root: directory, userKey: key, approvalMs }
      try {
        await runLane(lane, command, createChaos(seed + at), strace, context)
      } finally {
        await rig.stop()
      }
    }),
  )
}

async function runLane(
  lane: Lane,
  name: 'up' | 'rotate',
  chance: Chaos,
  strace: boolean,
  context: Context,
): Promise<void> {
  const { report, form } = context
  const { rig } = lane
  const first = await rig.boot('up', '--cosigner-id', rig.emulator.json.cosignerId, '--drain', '1s')
  report.must(first.exitCode === 0, 'the first pairing succeeds', complaint('up', first))
  let scenes = 0
  const next = () => (name === 'up' ? sceneOfUp(lane, `up-${(scenes += 1)}`) : sceneOfRotate(lane))
  const points = await list(lane, name, next, strace, context)
  let kept = 0
  for (const [at, point] of shuffled(points, chance).entries()) {
    const late = form === 'short' || performance.now() > context.deadlineMs
    if (form !== 'full' && late && at >= AT_LEAST[form]) break
    kept += 1
    let reached = false
    for (let tries = 0; !reached && tries < TRIES; tries += 1) {
      reached = await kill(lane, name, await next(), point, context)
    }
    report.count(NAME, 'steps that never came up again', reached ? 0 : 1)
  }
  const left = points.length - kept
  report.count(NAME, 'steps left out', left)
}

/** Every step of the command, found by running it undisturbed. */
async function list(
  lane: Lane,
  name: 'up' | 'rotate',
  next: () => Promise<Scene>,
  strace: boolean,
  { report }: Context,
): Promise<readonly Point[]> {
  const [hooked, traced] = [await next(), name === 'up' ? await next() : undefined]
  const file = join(lane.root, 'trace')
  const { points, runs } = await listPoints(
    strace,
    hooked.command,
    (traced ?? hooked).command,
    file,
  )
  for (const { exitCode, stderr } of runs) {
    const story = `${lane.name} ${name}: exit ${exitCode}\n${stderr}`
    report.must(exitCode === 0, 'a traced run succeeds', story)
  }
  await hooked.close()
  await traced?.close()
  report.count(NAME, `steps of \`${name}\`, three seeds together`, points.length)
  return points
}

/** False when the command was done before it came to the point: it asked its co-signer less often than before. */
async function kill(
  lane: Lane,
  name: string,
  scene: Scene,
  point: Point,
  { report }: Context,
): Promise<boolean> {
  const began = performance.now()
  const where = `${lane.name} ${name} at ${point.call} ${point.n} (${point.method})`
  const killed = await killAt(point, scene.command)
  const before = await litter(scene)
  const { runs, last } = killed.exitCode === 0 ? { runs: 0, last: killed } : await finish(scene)
  report.count(NAME, `kills in \`${name}\``, killed.killed ? 1 : 0)
  report.count(NAME, 'runs until the end', runs)
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  report.say(
    `${where}: ${killed.killed ? 'killed' : 'not reached'}, then ${runs} runs, ${seconds} s`,
  )
  const problems = last.exitCode === 0 ? await scene.problems() : [`exit ${last.exitCode}`]
  if (killed.killed)
    report.count(NAME, 'ends in the same final state', problems.length === 0 ? 1 : 0)
  const story = `${where}: ${problems.join('; ')}\n${last.stderr}\nkilled:\n${killed.stderr}`
  report.must(problems.length === 0, 'a killed command ends as if it had not been killed', story)
  const after = await litter(scene)
  report.count(NAME, 'temporary files that killed runs have left', before)
  report.count(NAME, 'temporary files left at the end', after)
  report.must(after === 0, 'the next run removes the temporary files of a killed one', where)
  await scene.close()
  return killed.killed
}

/** The same order for the same seed. */
function shuffled(points: readonly Point[], chance: Chaos): Point[] {
  return points
    .map((point) => ({ point, rank: draw(chance, 'order') }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ point }) => point)
}
