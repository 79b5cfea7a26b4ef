/** Hostile HTTP messages and TLS handshakes. */
import { approvable, tokenOf } from '../client.ts'
import { inParallel } from '../load.ts'
import type { Running } from '../rig.ts'
import type { Context } from '../scenario.ts'
import { exchange, openTls, statusesIn } from '../wire.ts'
import { hostileMessages, ignoredHeaders, rightMessages } from './http.ts'

export const TRIED = 'hostile inputs tried'
export const ACCEPTED = 'hostile inputs accepted'

/** Sends every message of http.ts: the fair ones are answered, the hostile ones are not. */
export async function rawMessages({ report, world }: Context, handler: Running): Promise<void> {
  const { port } = handler.home
  const token = () => tokenOf(world.cosigner.privateKey, approvable())
  const hostile = hostileMessages(port, token)
  const fair = [...rightMessages(token), ...ignoredHeaders(token)]
  const run = async (all: typeof hostile, isHostile: boolean) => {
    await inParallel(8, all, async ({ what, parts, may }) => {
      const statuses = statusesIn(await exchange(port, parts))
      if (isHostile) {
        report.count(TRIED)
        report.count(ACCEPTED, statuses.includes(200) ? 1 : 0)
      }
      const known = statuses.every((status) => may.includes(status))
      const answered = isHostile || statuses.length > 0
      report.must(known && answered, 'HTTP messages get the status they should', {
        what,
        statuses,
        may,
      })
    })
  }
  await run(fair, false)
  await run(hostile, true)
  report.say(`${hostile.length} hostile HTTP messages, ${fair.length} fair ones`)
}

/** Old versions, ciphers without forward secrecy or with CBC, and HTTP/2 are not spoken. */
export async function oldTls({ report }: Context, handler: Running): Promise<void> {
  const refused = [
    { what: 'TLS 1.0', minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
    {
      what: 'TLS 1.1',
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    },
    { what: 'no forward secrecy', maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
    { what: 'CBC', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES128-SHA' },
    { what: 'HTTP/2', ALPNProtocols: ['h2'] },
  ] as const
  for (const { what, ...options } of refused) {
    const alpn = 'ALPNProtocols' in options ? { ALPNProtocols: [...options.ALPNProtocols] } : {}
    const socket = await openTls(handler.home.port, { ...options, ...alpn }).catch(() => undefined)
    report.count(TRIED)
    report.count(ACCEPTED, socket === undefined ? 0 : 1)
    report.must(socket === undefined, 'weak TLS is refused', what)
    socket?.destroy()
  }
}
