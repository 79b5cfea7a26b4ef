/**
 * A connection to the handler, judged before a byte of the request leaves, and never to another
 * machine.
 */
import type { X509Certificate } from 'node:crypto'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { DeliveryError } from './delivery-error.ts'
import { isLoopbackHost } from './guard.ts'

/**
 * Judges the certificate that the handler presents; throws DeliveryError to refuse it.
 * `authorized`: it chains to a trusted root and carries the host's name.
 */
export type JudgePeer = (certificate: X509Certificate, authorized: boolean) => void

/** Where to, and how the peer is judged. */
export interface Destination {
  readonly url: URL
  /** Not asked over plain http, which `secureOnly` refuses. */
  readonly judge: JudgePeer
  /** A certificate is pinned: there must be one to compare. */
  readonly secureOnly: boolean
  /** Connects to this name, by the system's resolver; undefined = to this machine. */
  readonly host: string | undefined
  /** PEM roots that are trusted instead of the public ones. */
  readonly caPem: string | undefined
}

/**
 * Opens a connection to the handler on this machine: any host name is taken to be 127.0.0.1, and
 * still names itself in SNI, unless the destination names a host of its own. The signal gives up on
 * it.
 *
 * @throws DeliveryError, or the system's error when there is no connection
 */
export async function openConnection(
  destination: Destination,
  signal: AbortSignal,
): Promise<Socket> {
  const { url, judge, secureOnly, caPem } = destination
  const host = destination.host ?? loopbackAddress(url.hostname)
  const secure = url.protocol === 'https:'
  const port = Number(url.port || (secure ? 443 : 80))
  if (!secure && secureOnly) {
    throw new DeliveryError('PIN', 'a certificate is pinned, but the url is http')
  }
  if (!secure) return opened(connectTcp({ host, port }), 'connect', signal)
  const socket = connectTls({
    host,
    port,
    // RFC 6066 §3: an address is no server name.
    ...(isIP(bare(url.hostname)) === 0 ? { servername: url.hostname } : {}),
    ...(caPem === undefined ? {} : { ca: caPem }),
    minVersion: 'TLSv1.2',
    // The chain is judged below. No session is ever offered: resumption would hide the certificate.
    rejectUnauthorized: false,
  })
  await opened(socket, 'secureConnect', signal)
  try {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) throw new DeliveryError('TLS', 'the handler has no certificate')
    judge(certificate, socket.authorized)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function loopbackAddress(hostname: string): string {
  const host = bare(hostname)
  if (isIP(host) === 0) return '127.0.0.1'
  if (isLoopbackHost(host)) return host
  throw new DeliveryError('NOT_LOOPBACK', `the emulator does not call \`${host}\``)
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

async function opened<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<S> {
  const giveUp = () => socket.destroy(new Error('gave up'))
  signal.addEventListener('abort', giveUp)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(event, resolve)
      socket.once('error', reject)
    })
    return socket
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
