/** Signature hash types by name: what a signature leaves open for others to change. */
import type { Preimage } from './preimage.ts'
import type { NetworkRules } from '../chains/utxo-networks.ts'

const NAMES: ReadonlyMap<number, string> = new Map([
  [0x01, 'ALL'],
  [0x02, 'NONE'],
  [0x03, 'SINGLE'],
  [0x81, 'ALL|ANYONECANPAY'],
  [0x82, 'NONE|ANYONECANPAY'],
  [0x83, 'SINGLE|ANYONECANPAY'],
])

const FORKID = 0x40

/** The name, or the number in hex when consensus gives it none. Taproot's DEFAULT commits to what ALL commits to. */
export function sighashName(
  { kind, hashType }: Pick<Preimage, 'kind' | 'hashType'>,
  { hashing }: Pick<NetworkRules, 'hashing'>,
): string {
  const hex = `0x${hashType.toString(16)}`
  if (kind === 'taproot' && hashType === 0) return 'ALL'
  if (hashing !== 'forkid') return NAMES.get(hashType) ?? hex
  return (hashType & FORKID) === 0 ? hex : (NAMES.get(hashType - FORKID) ?? hex)
}

/** Anyone may add inputs. */
export const ALL_ANYONECANPAY = 'ALL|ANYONECANPAY'

/** True when the signature commits to every output. */
export function commitsToOutputs(name: string): boolean {
  return name === 'ALL' || name === ALL_ANYONECANPAY
}
