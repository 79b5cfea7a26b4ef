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
import type { Method, Point } from './points.ts'

const NAME = 'kills'

/** Three seeds: a mode and a pace of the approvals each. */
const LANES: readonly { readonly mode: AuthMode; readonly approvalMs: number }[] = [
  { mode: 'hybrid', approvalMs: 0 },
  { mode: 'public-key', approvalMs: 400 },
  { mode: 'certificate', approvalMs: 1_500 },
]

/** Kills of each command and lane even when the time is over. */
const AT_LEAST = { short: 2, default: 8, full: 1 } as const

export const kills: Part = {
  name: NAME,
  story: 'SIGKILL at a step of `up` and `rotate`, then the same command again',
  run: runKills,
}

async function runKills(context: Context): Promise<void> {
  const { report, root, seed } = context
  const method: Method = context.strace && (await choosesStrace()) ? 'strace' : 'hook'
  if (method === 'hook') report.skip('kills inside system calls', 'strace may not be used here')
  report.figure(NAME, 'killed by', method)
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
        await runLane(lane, command, createChaos(seed + at), method, context)
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
  method: Method,
  context: Context,
): Promise<void> {
  const { report, form } = context
  const { rig } = lane
  const first = await rig.boot('up', '--cosigner-id', rig.emulator.json.cosignerId, '--drain', '1s')
  report.must(first.exitCode === 0, 'the first pairing succeeds', complaint('up', first))
  let scenes = 0
  const next = () => (name === 'up' ? sceneOfUp(lane, `up-${(scenes += 1)}`) : sceneOfRotate(lane))
  const scene = await next()
  const file = join(lane.root, 'trace')
  const listed = await listPoints(method, scene.command, file, form === 'full')
  report.must(listed.exitCode === 0, 'a traced run succeeds', `${lane.name} ${name}`)
  await scene.close()
  report.count(NAME, `steps of \`${name}\`, three seeds together`, listed.points.length)
  const least = AT_LEAST[form]
  for (const [at, point] of shuffled(listed.points, chance).entries()) {
    const late = form === 'short' || performance.now() > context.deadlineMs
    if (form !== 'full' && late && at >= least) break
    await kill(lane, name, await next(), point, method, context)
  }
}

async function kill(
  lane: Lane,
  name: string,
  scene: Scene,
  point: Point,
  method: Method,
  { report }: Context,
): Promise<void> {
  const began = performance.now()
  const where = `${lane.name} ${name} at ${point.call} ${point.n}`
  const killed = await killAt(method, point, scene.command)
  const { runs, last } = await finish(scene)
  report.count(NAME, `kills in \`${name}\``, killed.fired ? 1 : 0)
  report.count(NAME, 'points that were not reached', killed.fired ? 0 : 1)
  report.count(NAME, 'runs until the end', runs)
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  report.say(
    `${where}: ${killed.fired ? 'killed' : 'not reached'}, then ${runs} runs, ${seconds} s`,
  )
  const problems = last.exitCode === 0 ? await scene.problems() : [`exit ${last.exitCode}`]
  report.count(NAME, 'ends in the same final state', problems.length === 0 ? 1 : 0)
  report.must(
    problems.length === 0,
    'a killed command ends as if it had not been killed',
    `${where}: ${problems.join('; ')}\n${last.stderr}\nkilled:\n${killed.stderr}`,
  )
  const left = await litter(scene.command.env['HANDLER_STATE_DIR'] ?? '')
  report.count(NAME, 'temporary files left behind by `up`', name === 'up' ? left : 0)
  await scene.close()
}

/** The same order for the same seed. */
function shuffled(points: readonly Point[], chance: Chaos): Point[] {
  return points
    .map((point) => ({ point, rank: draw(chance, 'order') }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ point }) => point)
}
