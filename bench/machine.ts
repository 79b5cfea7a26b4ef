/** What the operating system knows: the machine, and the CPU time, memory and files of one process. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cpus, loadavg, platform, release } from 'node:os'

/** Where and when a run took place. */
export interface Machine {
  /** ISO 8601 day. */
  readonly date: string
  readonly cores: number
  readonly cpu: string
  readonly platform: string
  readonly node: string
  readonly openssl: string
  /** Processes that wanted a core in the minute before the run. */
  readonly loadBefore: number
}

/** Linux tells CPU time in these; 100 a second on every architecture that Node runs on. */
const TICK_MS = 10
const PAGE_BYTES = 4096
const LINUX = platform() === 'linux'

/** Describes this machine. */
export function describeMachine(now: Date): Machine {
  return {
    date: now.toISOString().slice(0, 10),
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    platform: `${platform()} ${release()}`,
    node: process.versions.node,
    openssl: process.versions.openssl,
    loadBefore: loadavg()[0] ?? Number.NaN,
  }
}

/** True when processes can be bound to single cores here. */
export const canPin = LINUX && existsSync('/usr/bin/taskset') && cpus().length > 1

/** CPU time of all threads of a process so far, user and system, in milliseconds (10 ms resolution). */
export function cpuMsOf(pid: number): number {
  if (!LINUX) return parsePsTime(ps(pid, 'time'))
  return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1')) * TICK_MS
}

/** Resident memory of a process in bytes. */
export function rssOf(pid: number): number {
  if (!LINUX) return Number(ps(pid, 'rss')) * 1024
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
}

/** Open file descriptors of a process; NaN where the system does not tell. */
export function fdsOf(pid: number): number {
  return LINUX ? readdirSync(`/proc/${pid}/fd`).length : Number.NaN
}

/** CPU time that this machine and the processes of a run have used so far. */
export interface CpuTimes {
  /** Everything that ran, and what a host took away, in milliseconds. */
  readonly machineMs: number
  /** This process, its children, and what has ended of them. */
  readonly ownMs: number
  readonly atMs: number
}

/** Reads both; undefined where the system does not tell. `children`: process ids of those that live. */
export function cpuTimes(children: readonly number[], atMs: number): CpuTimes | undefined {
  if (!LINUX) return undefined
  const own = [process.pid, ...children].map((pid) => {
    try {
      return parseFamily(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    } catch {
      // It has just ended, and counts with its parent.
      return 0
    }
  })
  return {
    machineMs: parseBusy(readFileSync('/proc/stat', 'latin1')) * TICK_MS,
    ownMs: own.reduce((sum, ticks) => sum + ticks, 0) * TICK_MS,
    atMs,
  }
}

/** Part of all cores that others used between two readings, from 0 to 1. */
export function foreignShare(before: CpuTimes, after: CpuTimes, cores: number): number {
  const others = after.machineMs - before.machineMs - (after.ownMs - before.ownMs)
  return Math.max(0, others) / ((after.atMs - before.atMs) * cores)
}

/**
 * Ticks of user, nice, system and steal of the first line of `/proc/stat` (proc(5)). Interrupts are left out: those of loopback
 * traffic are our own.
 */
export function parseBusy(stat: string): number {
  const [, user, nice, system, , , , , steal] = (stat.split('\n', 1)[0] ?? '').split(/ +/)
  return [user, nice, system, steal].reduce((sum, ticks) => sum + Number(ticks), 0)
}

/** Ticks of a process and of its children that have ended (proc(5): fields 14 to 17). */
export function parseFamily(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}

/** User plus system ticks of `/proc/<pid>/stat` (proc(5): fields 14 and 15; the name before may hold anything). */
export function parseStat(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** Milliseconds of `ps -o time`: `[[dd-]hh:]mm:ss[.cc]`. */
export function parsePsTime(time: string): number {
  const [days, clock] = time.includes('-') ? time.split('-') : ['0', time]
  const seconds = (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
  return Math.round((Number(days) * 86_400 + seconds) * 1000)
}

function ps(pid: number, column: string): string {
  return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'latin1' }).trim()
}
