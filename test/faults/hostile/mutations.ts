/** Endless small damage to good tokens, drawn from the seed; the result is never a good token. */
import { drawWithin } from '../../../emulator/chaos.ts'
import type { Chaos } from '../../../emulator/chaos.ts'

const WORDS = ['.', '=', '-', '_', 'A', '\n', '\0', 'é', '{}', 'eyJ', '..', ' ']

/** One damaged copy of a token; `other` is another good token to take parts from. */
export function mutate(token: string, other: string, chaos: Chaos): Buffer {
  const pick = (below: number) => drawWithin(chaos, 'mutation', [0, below - 1])
  const bytes = Buffer.from(token)
  const at = pick(bytes.length)
  const ways: (() => Buffer)[] = [
    () => flip(bytes, at, 1 << pick(8)),
    () => flip(bytes, at, 1 + pick(255)),
    () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + pick(4))]),
    () => splice(bytes, at, WORDS[pick(WORDS.length)] ?? ''),
    () => bytes.subarray(0, at),
    () => Buffer.concat([bytes.subarray(0, at), Buffer.from(other).subarray(pick(other.length))]),
    () => Buffer.from(withPartOf(token, other, pick(3))),
    () => Buffer.from(swapped(token, at, pick(token.length))),
    () => Buffer.from(token.split('.').toReversed().join('.')),
  ]
  const damaged = ways[pick(ways.length)]?.() ?? bytes
  return damaged.equals(bytes) || damaged.equals(Buffer.from(other)) ? flip(bytes, at, 1) : damaged
}

function flip(bytes: Buffer, at: number, mask: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8((copy.readUInt8(at) ^ mask) & 0xff, at)
  return copy
}

function splice(bytes: Buffer, at: number, text: string): Buffer {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at)])
}

/** Header, payload or signature of another good token; all headers are equal, so the payload takes their place. */
function withPartOf(token: string, other: string, part: number): string {
  const parts = token.split('.')
  const index = part === 0 ? 1 : part
  parts[index] = other.split('.')[index] ?? ''
  return parts.join('.')
}

function swapped(token: string, a: number, b: number): string {
  const characters = [...token]
  const [one = '', two = ''] = [characters[a], characters[b]]
  characters[a] = two
  characters[b] = one
  return characters.join('')
}
