/**
 * What the port to answer keys costs: RS256 signatures through a signer and by `node:crypto` alone, in alternating batches;
 * a process of its own.
 */
import { constants, createPrivateKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileSigner } from '../handler/generations/signers/file.ts'
import { serveParent } from './processes.ts'
import { median } from './stats.ts'

/** What to sign with, and how often. */
export interface SeamJob {
  readonly keyFile: string
  /** One batch of each kind. */
  readonly pairs: number
}

/** Medians over the pairs. */
export interface SeamResult {
  /** CPU microseconds of a signature by `node:crypto` alone, on the thread pool. */
  readonly aloneUs: number
  /** CPU through the signer / alone, pair by pair. */
  readonly ratio: number
  /** The same of alone / alone: what the ratio can be told from. */
  readonly noise: number
}

/** Signatures of a batch in flight, as under load. */
const AT_ONCE = 16
const BATCH = 13 * AT_ONCE

serveParent(async (message) => {
  const { keyFile, pairs } = message as SeamJob
  const privateKey = createPrivateKey(readFileSync(keyFile))
  const signer = fileSigner(privateKey)
  const key = { key: privateKey, padding: constants.RSA_PKCS1_PADDING }
  const bytes = Buffer.alloc(120, 'A')
  const through = () => signer.sign(bytes)
  const alone = () =>
    new Promise<Buffer>((resolve, reject) => {
      sign('sha256', bytes, key, (error, signature) => {
        if (error === null) resolve(signature)
        else reject(error)
      })
    })
  for (const each of [alone, through]) await cpuOf(each)
  const rounds: { alone: number; through: number; again: number }[] = []
  for (let at = 0; at < pairs; at += 1) {
    // Whoever comes first finds other caches: they take turns.
    const first = at % 2 === 0 ? await cpuOf(through) : undefined
    const one = await cpuOf(alone)
    const again = await cpuOf(alone)
    rounds.push({ alone: one, again, through: first ?? (await cpuOf(through)) })
  }
  const result: SeamResult = {
    aloneUs: median(rounds.map((round) => round.alone)),
    ratio: median(rounds.map((round) => round.through / ((round.alone + round.again) / 2))),
    noise: median(rounds.map((round) => Math.abs(round.again / round.alone - 1))),
  }
  return result
})

/** CPU microseconds of each signature of a batch. */
async function cpuOf(one: () => Promise<Buffer>): Promise<number> {
  const before = process.cpuUsage()
  for (let done = 0; done < BATCH; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, one))
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / BATCH
}
