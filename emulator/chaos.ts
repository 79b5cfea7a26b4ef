/**
 * Seeded chance: the n-th draw of a stream depends on the seed, the stream's name and n, and on
 * nothing else.
 */
import { CALM, type Knobs, type PercentKnob } from './knobs.ts'

/**
 * The knobs and how far each stream has been drawn. Turning one knob never moves the draws of
 * another.
 */
export interface Chaos {
  readonly seed: number
  knobs: Knobs
  readonly drawn: Map<string, number>
}

/** Chance by this seed (an unsigned 32-bit number), with every knob calm unless given. */
export function createChaos(seed: number, knobs: Knobs = CALM): Chaos {
  return { seed: seed >>> 0, knobs, drawn: new Map() }
}

/** The next number of a stream, at least 0 and below 1. */
export function draw(chaos: Chaos, stream: string): number {
  return nextWord(chaos, stream) / 2 ** 32
}

/** Whether the fault of this knob happens now; a knob at 0 draws nothing. */
export function happens(chaos: Chaos, knob: PercentKnob): boolean {
  const percent = chaos.knobs[knob]
  return percent > 0 && draw(chaos, knob) * 100 < percent
}

/** A value from the range, whole numbers only when the bounds are whole. */
export function drawWithin(
  chaos: Chaos,
  stream: string,
  range: number | readonly [number, number],
): number {
  if (typeof range === 'number') return range
  const [low, high] = range
  const value = low + draw(chaos, stream) * (high - low)
  return Number.isInteger(low) && Number.isInteger(high) ? Math.round(value) : value
}

/** One of the choices, evenly. */
export function drawOne<T>(chaos: Chaos, stream: string, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(draw(chaos, stream) * choices.length)] ?? choices[0]
}

/** A version 4 UUID; a stream does not repeat one within 2^30 draws. */
export function drawUuid(chaos: Chaos, stream: string): string {
  const bytes = Buffer.alloc(16)
  for (let at = 0; at < 16; at += 4) bytes.writeUInt32BE(nextWord(chaos, stream), at)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/**
 * FNV-1a over the stream's name, a Weyl step per draw, and MurmurHash3's finaliser: a bijection in
 * n.
 */
function nextWord(chaos: Chaos, stream: string): number {
  const n = (chaos.drawn.get(stream) ?? 0) + 1
  chaos.drawn.set(stream, n)
  let hash = (0x811c9dc5 ^ chaos.seed) >>> 0
  for (const byte of Buffer.from(stream)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = (hash + Math.imul(n, 0x9e3779b9)) | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
