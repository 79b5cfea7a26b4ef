#!/usr/bin/env node
/** The process of the handler: the only file that reads the environment, installs signal handlers and exits. */
import { availableParallelism } from 'node:os'
import { systemClock } from '../common/clock.ts'
import { runCli } from './cli.ts'
import type { CommandIo } from './commands/command-io.ts'
import { bootStoreThread } from './decisions/sqlite/boot.ts'
import type { Ending } from './commands/run.ts'

// Node.js would open its inspector: to any local user, and with it the private keys.
process.on('SIGUSR1', () => undefined)

// Files that are made here are private, whatever the shell says.
process.umask(0o077)

const io: CommandIo = {
  env: process.env,
  // Made when it is read: a handler that serves has no use for it.
  get stdin() {
    return process.stdin
  },
  // Loaded when somebody is asked: a handler that serves asks nobody.
  get ask() {
    return process.stdin.isTTY && process.stderr.isTTY ? ask : undefined
  },
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  exitCode: 0,
}

async function ask(question: string): Promise<boolean> {
  const { questionOn } = await import('../common/question.ts')
  return (await questionOn(process)?.(question)) ?? false
}

/** The first signal ends the handler in order, the second at once; an uncaught error ends it, too. */
function ending(): Promise<Ending> {
  return new Promise((resolve) => {
    let signals = 0
    const onSignal = (signal: NodeJS.Signals) => {
      signals += 1
      if (signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143)
      resolve({ kind: 'signal', signal })
    }
    const onFault = (error: unknown) => resolve({ kind: 'fault', error })
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
    process.on('uncaughtException', onFault).on('unhandledRejection', onFault)
  })
}

/** A pipe takes what was written in its own time: an end before that would cut a result short, with exit code 0. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}

// A reader may have seen enough, as in `audit export | head`.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

await runCli(process.argv.slice(2), io, async (commandIo) => {
  const storeThread = bootStoreThread()
  const [{ serve }, { bufferedOutput }] = await Promise.all([
    import('./commands/run.ts'),
    import('./telemetry/buffered-output.ts'),
  ])
  const log = bufferedOutput(1)
  // A reload that comes too early must not end the handler.
  process.on('SIGHUP', () => undefined)
  await serve(commandIo, {
    log,
    cores: availableParallelism(),
    storeThread,
    ended: ending(),
    onReload: (reload) => {
      process.removeAllListeners('SIGHUP').on('SIGHUP', reload)
    },
  })
})
await Promise.all([process.stdout, process.stderr].map(written))
process.exit(io.exitCode)
