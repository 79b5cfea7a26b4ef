/** Starts one server under test, waits until it takes requests, and says where to send them. */
import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnswerAlgorithm } from '../../common/answer-algorithm.ts'
import { systemSleep } from '../../common/clock.ts'
import type { Target } from '../load/connection.ts'
import { freePorts, start, stop } from '../processes.ts'
import type { Cores } from '../processes.ts'
import type { World } from '../world.ts'

/** A running server. */
export interface Server {
  readonly pid: number
  readonly target: Target
  /** Process start until ready, in milliseconds. */
  readonly startMs: number
  stop(): Promise<void>
}

/** Time between two looks at the output of a starting server. */
const LOOK_MS = 2

/** Starts one of the reference handlers. */
export async function startReference(
  world: World,
  name: 'vendor-sample' | 'express-jose' | 'bare-https',
  cores: Cores,
  algorithm: AnswerAlgorithm = 'RS256',
): Promise<Server> {
  const [port = 0] = await freePorts(1)
  const logFile = join(await world.makeDirectory(name), 'log')
  const beganAt = performance.now()
  const child = start(`bench/servers/${name}.js`, {
    args: [world.referenceKeys, String(port), algorithm],
    env: { NODE_ENV: 'production' },
    cores,
    logFile,
  })
  await untilReady(child, logFile)
  const certificatePem = world.referenceCertificatePem
  const answerKeyPem = world.referenceAnswerKeys[algorithm]
  const target = { port, path: '/v2/tx_sign_request', certificatePem, answerKeyPem }
  return running(child, target, beganAt)
}

/** Resolves once the server has logged that it is ready; its output is in the error when it ends first. */
export async function untilReady(child: ChildProcess, logFile: string): Promise<void> {
  const givesUpAt = performance.now() + 60_000
  for (;;) {
    const output = await readFile(logFile, 'utf8')
    if (output.includes('"msg":"ready"')) return
    if (child.exitCode !== null) throw new Error(`a server ended before it was ready\n${output}`)
    if (performance.now() > givesUpAt) throw new Error(`a server did not get ready\n${output}`)
    await systemSleep(LOOK_MS)
  }
}

/** A started process as a `Server`. */
export function running(child: ChildProcess, target: Target, beganAt: number): Server {
  return {
    pid: child.pid ?? 0,
    target,
    startMs: performance.now() - beganAt,
    stop: () => stop(child),
  }
}
