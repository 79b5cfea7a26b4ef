#!/usr/bin/env node
/** The emulator's process: argv and environment in, exit code out, SIGTERM and SIGINT end it. */
import { runEmulator } from './command.ts'

const ending = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort())

// Whoever reads may have seen enough, as in `--help | head`.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

process.exitCode = await runEmulator(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  ending: ending.signal,
})
