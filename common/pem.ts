/** PEM text: names what it holds and brings it into the one form that is compared and sent. */

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)-----END \1-----/g

/** One PEM block: its label (`PUBLIC KEY`, `CERTIFICATE`, …) and its DER bytes. */
export interface PemBlock {
  readonly label: string
  readonly der: Buffer
}

/** Every well-formed PEM block in the text, in order; CRLF and a byte order mark are tolerated. */
export function pemBlocks(text: string): PemBlock[] {
  return Array.from(text.matchAll(BLOCK), ([, label = '', body = '']) => ({
    label,
    der: Buffer.from(body.replaceAll(/\s/g, ''), 'base64'),
  }))
}

/** Writes a DER value as PEM with 64-character lines and a final line feed (RFC 7468). */
export function toPem(label: string, der: Uint8Array): string {
  const body = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`
}

/** The same PEM text in canonical form, or undefined when it is not exactly one block. */
export function normalisePem(text: string): string | undefined {
  const [block, ...more] = pemBlocks(text)
  return block === undefined || more.length > 0 ? undefined : toPem(block.label, block.der)
}
