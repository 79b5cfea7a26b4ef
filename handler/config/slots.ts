/** Slots: a public URL and the listener behind it, chosen by port or by server name before a certificate is shown. */
import { isIP } from 'node:net'
import type { ListenAddress, PublicUrl } from './config-values.ts'
import type { Values } from './settings.ts'

/** One public URL with the listener behind it. */
export interface Slot {
  /** `A` for the first public URL, `B` for the second, … */
  readonly slot: string
  readonly publicUrl: PublicUrl
  readonly listen: ListenAddress
}

/** Why the slots cannot be distinguished, in words. */
export function slotProblems({ publicUrls, listen, tls }: Values): string[] {
  if (publicUrls === undefined) return []
  const problems: string[] = []
  const urls = publicUrls.map(({ url }) => url)
  for (const url of urls.filter((candidate, index) => urls.indexOf(candidate) < index)) {
    problems.push(`\`HANDLER_PUBLIC_URL\`: \`${url}\` is given twice`)
  }
  if (listen !== undefined && listen.length !== publicUrls.length) {
    problems.push(
      `\`HANDLER_LISTEN\`: ${listen.length} addresses for ${publicUrls.length} public URLs, expected one each`,
    )
    return problems
  }
  const slots = slotsOf(publicUrls, listen)
  for (const [index, later] of slots.entries()) {
    for (const earlier of slots.slice(0, index)) {
      const problem = clash(earlier, later, tls)
      if (problem !== undefined) problems.push(problem)
    }
  }
  return problems
}

function clash(a: Slot, b: Slot, tls: Values['tls']): string | undefined {
  if (a.listen.port !== b.listen.port) return undefined
  if (a.listen.host !== b.listen.host) {
    return isWildcard(a.listen.host) || isWildcard(b.listen.host)
      ? `\`HANDLER_LISTEN\`: slots ${a.slot} and ${b.slot} overlap on port ${b.listen.port}`
      : undefined
  }
  // Only the server name of the handshake tells two such slots apart before a certificate is chosen.
  if (tls === 'self-signed' && a.publicUrl.hostname === b.publicUrl.hostname) {
    return `\`HANDLER_PUBLIC_URL\`: slots ${a.slot} and ${b.slot} share an address, so they need different host names`
  }
  if (tls === 'self-signed' && [a, b].some(({ publicUrl }) => isIP(publicUrl.hostname) !== 0)) {
    return `\`HANDLER_PUBLIC_URL\`: slots ${a.slot} and ${b.slot} share an address, so they need host names, not IP addresses`
  }
  return undefined
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** The slots A, B, … of the public URLs. */
export function slotsOf(
  publicUrls: readonly PublicUrl[],
  listen: readonly ListenAddress[] | undefined,
): readonly Slot[] {
  return publicUrls.map((publicUrl, index) => ({
    slot: String.fromCodePoint(0x41 + index),
    publicUrl,
    listen: listen?.[index] ?? { host: '0.0.0.0', port: publicUrl.port },
  }))
}
