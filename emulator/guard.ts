/**
 * Keeps the emulator on this machine: loopback to listen, loopback to call, and nowhere near the
 * real service.
 */
import { isIP } from 'node:net'
import { CountersignError } from '../common/errors.ts'

/** The emulator would have left the machine; usage error. */
export class GuardError extends CountersignError {}

/**
 * Whether a host (name, IPv4, or IPv6 with or without brackets) is loopback by itself, without
 * asking a resolver.
 */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isIP(bare) === 4) return bare.startsWith('127.')
  if (isIP(bare) === 6) return bare === '::1'
  return bare === 'localhost' || bare.endsWith('.localhost')
}

/**
 * `host:port` to listen on; the port may be 0.
 *
 * @throws GuardError unless the host is an address in 127.0.0.0/8, `::1` or `localhost`
 */
export function parseListen(text: string): { readonly host: string; readonly port: number } {
  const match = /^(\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(text)
  const [, host = '', digits = ''] = match ?? []
  const port = Number(digits)
  if (match === null || port > 65_535) {
    throw new GuardError(`\`${text}\` is not an address`, {
      hint: 'give host:port, for example 127.0.0.1:9070',
    })
  }
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const allowed = isIP(bare) === 0 ? bare === 'localhost' : isLoopbackHost(bare)
  if (!allowed) {
    throw new GuardError(`the emulator does not listen on \`${bare}\``, {
      hint: 'its keys are throw-away and its control API is open: use 127.0.0.1 or [::1]',
    })
  }
  return { host: bare === 'localhost' ? '127.0.0.1' : bare, port }
}

/**
 * Refuses to run in a shell that is set up for the real service, where the next command could go to
 * the wrong one.
 *
 * @throws GuardError when the base path names anything but this machine
 */
export function refuseRealBasePath(basePath: string | undefined): void {
  if (basePath === undefined || basePath === '') return
  const host = URL.canParse(basePath) ? new URL(basePath).hostname : ''
  if (isLoopbackHost(host)) return
  throw new GuardError(`FIREBLOCKS_BASE_PATH is \`${basePath}\`, which is not this machine`, {
    hint: 'unset it in this shell: the emulator and a real workspace do not belong together',
  })
}
