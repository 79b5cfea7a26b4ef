/** Bitcoin and its relatives: an address stands for a script, and its key is how the network writes that script today. */
import { withChecksum } from '../base58.ts'
import { cashAddress, scriptOfAddress } from '../utxo-address.ts'
import { NETWORK_RULES } from '../utxo-networks.ts'
import type { NetworkRules, UtxoNetwork } from '../utxo-networks.ts'
import { hexToBytes } from '../../rawtx/bytes.ts'
import type { AddressFamily } from './family.ts'

/** Addresses of one network. */
export function utxo(network: UtxoNetwork): AddressFamily {
  return utxoFamily(network, NETWORK_RULES[network])
}

/** eCash: Bitcoin Cash with another prefix (spec: cashaddr of bitcoinabc.org). */
export const ECASH = utxoFamily('ecash', {
  p2pkh: [0x00],
  p2sh: [0x05],
  cashaddr: 'ecash',
  hashing: 'forkid',
})

function utxoFamily(name: string, rules: NetworkRules): AddressFamily {
  return {
    name,
    hasTags: false,
    read: (text) => {
      const script = scriptOfAddress(text, rules)
      return script === undefined ? undefined : spelled(script, text, rules)
    },
    spellings: (key) => spellingsOf(key, rules),
  }
}

/** Of a hash: with each version in Base58, and as CashAddr without its prefix. */
function spellingsOf(key: string, rules: NetworkRules): readonly string[] {
  const script = scriptOfAddress(key, rules)
  if (script === undefined) return []
  const keyHash = KEY_HASH.exec(script)?.[1]
  const hash = keyHash ?? SCRIPT_HASH.exec(script)?.[1]
  if (hash === undefined) return []
  const bytes = hexToBytes(hash)
  const versions = keyHash === undefined ? rules.p2sh : rules.p2pkh
  const texts = versions.map((version) => withChecksum(Uint8Array.from([version, ...bytes])))
  return rules.cashaddr === undefined ? texts : [...texts, key.slice(rules.cashaddr.length + 1)]
}

const KEY_HASH = /^76a914([0-9a-f]{40})88ac$/
const SCRIPT_HASH = /^a914([0-9a-f]{40})87$/

function spelled(script: string, text: string, rules: NetworkRules): string {
  const key = KEY_HASH.exec(script)?.[1]
  const hash = key ?? SCRIPT_HASH.exec(script)?.[1]
  // Witness programs have one form, in one case.
  if (hash === undefined) return text.toLowerCase()
  if (rules.cashaddr !== undefined) {
    return cashAddress(rules.cashaddr, key === undefined ? 'script' : 'key', hash)
  }
  const [version = 0] = key === undefined ? rules.p2sh : rules.p2pkh
  return withChecksum(Uint8Array.from([version, ...hexToBytes(hash)]))
}
