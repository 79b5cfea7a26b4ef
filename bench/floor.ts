/** The floor: one RS256 verification and one signature with cached keys, nothing else; a process of its own. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { serveParent } from './processes.ts'

/** What to verify, what to sign with, how often. */
export interface FloorJob {
  readonly keyFile: string
  readonly pool: string
  readonly iterations: number
}

/** CPU microseconds per iteration. */
export interface FloorResult {
  readonly cpuUs: number
  readonly verifyUs: number
  readonly signUs: number
  /** The same answer signed with a P-256 key. */
  readonly signEs256Us: number
}

/** Claims of an answer with header and padding: what a handler signs. */
const ANSWER = Buffer.from(
  `${'A'.repeat(36)}.${Buffer.from(JSON.stringify({ action: 'APPROVE', requestId: 'x'.repeat(36) })).toString('base64url')}`,
)

serveParent(async (message) => {
  const { keyFile, pool, iterations } = message as FloorJob
  const privateKey = createPrivateKey(readFileSync(keyFile))
  const publicKey = createPublicKey(privateKey)
  const token = readFileSync(pool, 'latin1').split(/[ \n]/, 2)[1] ?? ''
  const dot = token.lastIndexOf('.')
  const input = Buffer.from(token.slice(0, dot))
  const signature = Buffer.from(token.slice(dot + 1), 'base64url')
  if (!verify('sha256', input, publicKey, signature)) throw new Error('the pool does not verify')
  const { privateKey: p256 } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const es256 = { key: p256, dsaEncoding: 'ieee-p1363' as const }
  sign('sha256', ANSWER, privateKey)
  sign('sha256', ANSWER, es256)

  const cpuOf = (work: () => void) => {
    const before = process.cpuUsage()
    for (let i = 0; i < iterations; i += 1) work()
    const used = process.cpuUsage(before)
    return (used.user + used.system) / iterations
  }
  const verifyUs = cpuOf(() => verify('sha256', input, publicKey, signature))
  const signUs = cpuOf(() => sign('sha256', ANSWER, privateKey))
  const signEs256Us = cpuOf(() => sign('sha256', ANSWER, es256))
  const result: FloorResult = { cpuUs: verifyUs + signUs, verifyUs, signUs, signEs256Us }
  return result
})
