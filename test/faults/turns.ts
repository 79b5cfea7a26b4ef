/**
 * Loaded into a handler with `--import`: writes down how long each turn of its event loop took, in processor time of that
 * thread, so that a machine that is busy with other work does not count.
 */
import { appendFile } from 'node:fs'
import { readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

/** Turns shorter than this are not written down. */
const LEAST_MS = 10
const EVERY_MS = 2

const path = process.env['TURNS_FILE']

/** Processor time of the first thread, in nanoseconds; the kernel counts it for each thread. */
function spentNs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ', 1)[0])
}

if (path !== undefined && isMainThread) {
  let spent = spentNs()
  let at = performance.now()
  setInterval(() => {
    const [now, nowNs] = [performance.now(), spentNs()]
    const [wallMs, cpuMs] = [now - at - EVERY_MS, (nowNs - spent) / 1e6]
    if (wallMs > LEAST_MS) appendFile(path, `${JSON.stringify({ wallMs, cpuMs })}\n`, () => {})
    ;[at, spent] = [performance.now(), spentNs()]
  }, EVERY_MS).unref()
}
