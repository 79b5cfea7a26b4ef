/** Signs a pool of requests into a file before anything is measured; a process of its own, on all cores. */
import { createPrivateKey, randomUUID } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { serveParent } from '../processes.ts'
import { signLoadToken, transferJson } from './tokens.ts'

/** What is to be made. */
export interface TokenOrder {
  readonly keyFile: string
  readonly file: string
  readonly count: number
  readonly chars: number
}

/** Signatures in flight; the thread pool has four threads. */
const AT_ONCE = 64

serveParent(async (message) => {
  const { keyFile, file, count, chars } = message as TokenOrder
  const key = createPrivateKey(await readFile(keyFile))
  const out = await open(file, 'wx', 0o600)
  for (let made = 0; made < count; made += AT_ONCE) {
    const lines = await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - made) }, async () => {
        const requestId = randomUUID()
        return `${requestId} ${await signLoadToken(transferJson(requestId, chars), key)}\n`
      }),
    )
    await out.write(lines.join(''))
  }
  await out.close()
  return { count }
})
