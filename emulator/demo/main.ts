#!/usr/bin/env node
/**
 * `npm run demo`: the whole main job on loopback, in a temporary directory, with the built programs
 * as they ship. Every step prints its evidence; the first fact that does not hold ends the demo
 * with exit code 1. However it ends, its programs and its directory are gone before it is.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../common/errors.ts'
import { printableLines } from '../../common/terminal.ts'
import { callbacks, createAndPair, rotateUnderTraffic, startParties, verifyAudit } from './steps.ts'
import { killAll } from './programs.ts'
import { createStory, DemoFailure } from './story.ts'

const began = performance.now()
let directory: string | undefined

/** Exit codes as a shell gives them to a process that the signal ended: 128 and its number. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 }

/**
 * Without a wait, so that nothing comes between the cause and the end: a step that fails meanwhile
 * says nothing.
 */
function end(exitCode: number): never {
  killAll()
  // A program that was writing when it was killed may make one more file.
  const persistently = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }
  if (directory !== undefined) rmSync(directory, persistently)
  process.exit(exitCode)
}

// A terminal sends Ctrl-C to npm, too, which passes it on: a signal comes more than once.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => end(EXIT_CODES[signal]))
}
// The reader has seen enough, as in `npm run demo | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => end(EXIT_CODES.SIGPIPE))
}

const story = createStory(process.stdout, () => performance.now() - began)
try {
  directory = mkdtempSync(join(tmpdir(), 'countersign-demo-'))
  const parties = await startParties(directory, story)
  const apiKeyId = await createAndPair(parties, story)
  await callbacks(parties, story)
  await rotateUnderTraffic(parties, apiKeyId, story)
  await verifyAudit(parties, story)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  story.summary(`Everything held. ${seconds} s; nothing is left behind.`)
} catch (error) {
  const what = error instanceof DemoFailure ? 'this did not hold' : 'the demo broke off'
  process.stderr.write(printableLines(`\nerror: ${what}: ${messageOf(error)}\n`))
  process.exitCode = 1
}
end(Number(process.exitCode ?? 0))
