#!/usr/bin/env node
/** The bootstrapper's process: the only file that reads the environment and listens to signals. */
import { parseCli, type Parsed } from './cli.ts'

// Node.js would open its inspector: to any local user, and with it the private keys.
process.on('SIGUSR1', () => undefined)
process.umask(0o077)
// A reader that went away (`| head`) must not stop a run between two steps.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const argv = process.argv.slice(2)
const parsed = parseCli(argv, (text) => process.stdout.write(text))
// Help and the version answer at once; everything else needs the rest of the program.
process.exitCode = 'exit' in parsed && parsed.exit === 0 ? 0 : await runCommand(parsed)

async function runCommand(command: Exclude<Parsed, { exit: 0 }>): Promise<number> {
  const [{ randomUUID }, { questionOn }, { systemClock, systemSleep }] = await Promise.all([
    import('node:crypto'),
    import('../common/question.ts'),
    import('../common/clock.ts'),
  ])
  const [
    { run },
    { DEFAULT_LIMITS, nodeTransport },
    { proxyFor },
    { connectHandler },
    { openJournal },
    { look },
  ] = await Promise.all([
    import('./run.ts'),
    import('./api/transport.ts'),
    import('./api/proxy.ts'),
    import('./handler-socket.ts'),
    import('./journal.ts'),
    import('./probe.ts'),
  ])
  const stop = new AbortController()
  for (const [name, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(status)
      process.stderr.write('\nstopping at the next safe point; again stops at once\n')
      stop.abort(name)
    })
  }
  return run(command, {
    argv,
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    ask: questionOn(process, stop.signal),
    clock: systemClock,
    sleep: systemSleep,
    random: Math.random,
    uuid: randomUUID,
    transport: nodeTransport(DEFAULT_LIMITS, (url) => proxyFor(url, process.env)),
    look,
    connectHandler,
    openJournal,
    signal: stop.signal,
  })
}
