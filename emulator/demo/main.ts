#!/usr/bin/env node
/**
 * `npm run demo`: the whole main job on loopback, in a temporary directory, with the built programs as they ship.
 * Every step prints its evidence; the first fact that does not hold ends the demo with exit code 1.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../common/errors.ts'
import { callbacks, createAndPair, rotateUnderTraffic, startParties, verifyAudit } from './steps.ts'
import { killAll } from './programs.ts'
import { createStory, DemoFailure } from './story.ts'

const began = performance.now()
const story = createStory(process.stdout, () => performance.now() - began)
const directory = await mkdtemp(join(tmpdir(), 'countersign-demo-'))

const cleanUp = async () => {
  killAll()
  await rm(directory, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void cleanUp().then(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  })
}

try {
  const parties = await startParties(directory, story)
  const apiKeyId = await createAndPair(parties, story)
  await callbacks(parties, story)
  await rotateUnderTraffic(parties, apiKeyId, story)
  await verifyAudit(parties, story)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  story.summary(`Everything held. ${seconds} s; nothing is left behind.`)
} catch (error) {
  const what = error instanceof DemoFailure ? 'this did not hold' : 'the demo broke off'
  process.stderr.write(`\nerror: ${what}: ${messageOf(error)}\n`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
