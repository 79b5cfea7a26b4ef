/**
 * Loaded before the program where strace may not be used: counts every step that changes a file or opens a connection and
 * kills the process on entry to step `CHAOS_DIE_AT`; with 0 it only tells how many there were.
 */
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

const dieAt = Number(process.env['CHAOS_DIE_AT'] ?? 0)
let steps = 0

function step(): void {
  steps += 1
  if (steps === dieAt) process.kill(process.pid, 'SIGKILL')
}

/** Puts `step` before a method. */
function before(target: object, name: string): void {
  const original: unknown = Reflect.get(target, name)
  if (typeof original !== 'function') throw new TypeError(`no method ${name}`)
  Reflect.set(target, name, function stepped(this: unknown, ...args: unknown[]): unknown {
    step()
    return Reflect.apply(original, this, args)
  })
}

for (const name of ['mkdir', 'rename', 'rm', 'unlink', 'open']) before(fs, name)
const handle = await fs.open(process.execPath)
for (const name of ['sync', 'writeFile', 'truncate', 'chmod']) {
  before(Object.getPrototypeOf(handle) as object, name)
}
await handle.close()
steps = 0
before(net.Socket.prototype, 'connect')
syncBuiltinESMExports()
process.on('exit', () => process.stderr.write(`chaos: ${steps} steps\n`))
