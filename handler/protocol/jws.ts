/** Compact JWS (RFC 7515 §7.1): its three parts and the one spelling that each has. Signs and verifies nothing. */

/** The parts as written, in base64url. */
export interface CompactParts {
  readonly header: string
  readonly payload: string
  readonly signature: string
}

/** The three parts of a text; undefined when it has more or fewer. */
export function splitCompact(text: string): CompactParts | undefined {
  const [header, payload, signature, more] = text.split('.', 4)
  const isCompact = header !== undefined && payload !== undefined && signature !== undefined
  return isCompact && more === undefined ? { header, payload, signature } : undefined
}

/** An object as a part. */
export function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url')
}

/** The token of a signing input, which is header, dot, payload (RFC 7515 §5.1), and its signature. */
export function compactOf(input: string, signature: Buffer): string {
  return `${input}.${signature.toString('base64url')}`
}

/**
 * The bytes of a part; undefined unless it is base64url without padding and line breaks (RFC 7515 §2)
 * whose unused trailing bits are zero, so that every token has one spelling.
 */
export function decodePart(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}
