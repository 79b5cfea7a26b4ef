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

/** What a text in which no PEM block can be read is instead, as the end of a sentence. */
export function describeNoPem(text: string): string {
  const begins = /-----BEGIN [A-Z0-9 ]+-----/
  if (text.trim() === '') return 'it is empty'
  if (text.includes('\0') && begins.test(text.replaceAll('\0', '')))
    return 'it is UTF-16, not ASCII'
  // DER begins with 30 82, which is no UTF-8.
  if (text.startsWith('0\uFFFD')) return 'it is DER, not PEM'
  if (/-----\\r?\\?n/.test(text)) return String.raw`it has a literal \n in place of each line break`
  return begins.test(text) ? 'its base64 or its last line is damaged' : 'it is something else'
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
