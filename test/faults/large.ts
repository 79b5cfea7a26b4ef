/** Large bodies that a co-signer did sign: how long they keep the handler from everybody else. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { transfer } from '../../emulator/demo/requests.ts'
import { legacyInputs } from '../fixtures/utxo-preimages.ts'
import { createClient, newAsk, tokenOf, verdictOf } from './client.ts'
import { createHome, startHandler } from './rig.ts'
import type { Context } from './scenario.ts'

/** No body keeps the event loop for longer than this, in milliseconds of processor time. */
const LONGEST_STOP_MS = 100

/** Nor a small request for longer than this by the clock, on a machine that may be busy with other work. */
const LONGEST_WAIT_MS = 3_000

type Shape = (stage: number) => object

/** Bodies of nearly 8 MiB, most of them the worst that JSON can be made of. */
const SHAPES: Readonly<Record<string, Shape>> = {
  'one text': (n) => ({ note: 'x'.repeat(5_500_000 + n) }),
  '85,000 destinations': (n) => ({
    destinations: Array.from({ length: 85_000 }, () => ({ dstType: 'VAULT', dstId: String(n) })),
  }),
  '2,900,000 numbers': (n) => ({ extraParameters: { a: Array(2_900_000).fill(n) } }),
  '400,000 members': (n) => ({
    extraParameters: Object.fromEntries(Array.from({ length: 400_000 }, (_, at) => [`k${at}`, n])),
  }),
  'deep lists': (n) => ({
    extraParameters: { a: Array.from({ length: 200_000 }, () => [[[[[[[[[[n]]]]]]]]]]) },
  }),
  'numbers as content': (n) => ({
    extraParameters: { contractCallData: Array(2_500_000).fill(n) },
  }),
  '250 legacy inputs': (n) => ({ fee: `0.0000${n + 1}`, rawTx: legacyInputs(250) }),
}

/** Both stages of one transaction in each shape, each sent twice, beside small requests; the loop is watched. */
export async function largeBodies({ report, world, short }: Context): Promise<void> {
  if (!existsSync('/proc/self/task')) {
    report.skip('large bodies', 'the processor time of a thread is in /proc, which is not here')
    return
  }
  const home = await createHome(world, 'large')
  const file = join(home.dir, 'turns')
  const env = {
    ...home.env,
    TURNS_FILE: file,
    NODE_OPTIONS: `--import ${fileURLToPath(new URL('turns.js', import.meta.url))}`,
  }
  await writeFile(file, '')
  const handler = await startHandler({ ...home, env })
  const client = createClient(home)
  const { privateKey } = world.cosigner
  const small = async () => {
    const began = performance.now()
    const { token } = newAsk(privateKey, 'APPROVE')
    await client.post(token)
    return performance.now() - began
  }
  await small()
  const shapes = Object.entries(SHAPES)
  for (const [what, shape] of short ? shapes.slice(2, 4) : shapes) {
    await sleep(100)
    await writeFile(file, '')
    const base = transfer('0.25')
    let ended = false
    const waits: number[] = []
    const others = (async () => {
      while (!ended) {
        waits.push(await small())
        await sleep(20)
      }
    })()
    const id = String(base['requestId'])
    for (const stage of [1, 2]) {
      const body = tokenOf(privateKey, { ...base, ...shape(stage), fee: String(stage) })
      for (const _ of [1, 2]) {
        const verdict = verdictOf(await client.post(body), id, handler.answerKey)
        report.must(verdict !== undefined, 'a large verified body is answered', what)
      }
    }
    ended = true
    await others
    await sleep(100)
    const turns = (await readFile(file, 'utf8')).split('\n').filter(Boolean).map(turnOf)
    const cpuMs = Math.max(0, ...turns.map((each) => each.cpuMs))
    const wallMs = Math.max(0, ...turns.map((each) => each.wallMs))
    const waitMs = Math.max(...waits)
    report.count('large verified bodies', 4)
    report.must(waitMs <= LONGEST_WAIT_MS, 'no large body keeps others waiting', { what, waitMs })
    report.must(cpuMs <= LONGEST_STOP_MS, 'no large body stops the loop', { what, cpuMs, wallMs })
    report.say(
      `  ${what}: the loop stood for ${cpuMs.toFixed()} ms of processor time at most (${wallMs.toFixed()} ms by the clock), a small request took ${waitMs.toFixed()} ms`,
    )
  }
  client.close()
  const { code } = await handler.stop()
  report.must(code === 0, 'the handler ends in order after large bodies', code)
}

function turnOf(line: string): { readonly wallMs: number; readonly cpuMs: number } {
  const turn: { wallMs: number; cpuMs: number } = JSON.parse(line)
  return turn
}
