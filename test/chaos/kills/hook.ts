/**
 * Loaded before the program: counts its steps that change a file or open a connection, by kind, and kills the process on
 * entry to the one that `CHAOS_DIE_AT` names (`writeFile 3`). At the end it tells how many there were. It takes the place of
 * strace where that may not be used, and knows what strace cannot tell from a thread being woken: a write to a file.
 */
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

const [kind, n] = (process.env['CHAOS_DIE_AT'] ?? '').split(' ')
const dieAt = Number(n)
const steps = new Map<string, number>()

function step(name: string): void {
  const count = (steps.get(name) ?? 0) + 1
  steps.set(name, count)
  if (name === kind && count === dieAt) process.kill(process.pid, 'SIGKILL')
}

/** Puts `step` before a method. */
function before(target: object, name: string): void {
  const original: unknown = Reflect.get(target, name)
  if (typeof original !== 'function') throw new TypeError(`no method ${name}`)
  Reflect.set(target, name, function stepped(this: unknown, ...args: unknown[]): unknown {
    step(name)
    return Reflect.apply(original, this, args)
  })
}

for (const name of ['mkdir', 'rename', 'rm', 'unlink', 'open']) before(fs, name)
const handle = await fs.open(process.execPath)
for (const name of ['sync', 'writeFile', 'truncate', 'chmod']) {
  before(Object.getPrototypeOf(handle) as object, name)
}
await handle.close()
steps.clear()
before(net.Socket.prototype, 'connect')
syncBuiltinESMExports()
process.on('exit', () => {
  process.stderr.write(`chaos: ${JSON.stringify(Object.fromEntries(steps))}\n`)
})
