/** Which family of addresses an asset has, and the families that a listed address is read by. */
import type { Asset } from './asset.ts'
import { ALGORAND } from './families/algorand.ts'
import { CARDANO } from './families/cardano.ts'
import { cosmos, COSMOS } from './families/cosmos.ts'
import { EVM } from './families/evm.ts'
import type { AddressFamily } from './families/family.ts'
import { APTOS, EOS, HEDERA, NEAR, SUI } from './families/names.ts'
import { POLKADOT } from './families/polkadot.ts'
import { SOLANA } from './families/solana.ts'
import { STELLAR } from './families/stellar.ts'
import { TEZOS } from './families/tezos.ts'
import { TON } from './families/ton.ts'
import { TRON } from './families/tron.ts'
import { ECASH, utxo } from './families/utxo.ts'
import { XRP } from './families/xrp.ts'
import { ZCASH } from './families/zcash.ts'
import type { OtherFamily } from './other-families.ts'
import { UTXO_NETWORKS } from './utxo-networks.ts'

/** Any text, compared as it is: for assets of which a policy says so. */
const EXACT: AddressFamily = { name: 'exact', hasTags: false, read: (text) => text || undefined }

const OTHERS: Readonly<Record<OtherFamily, AddressFamily>> = {
  algorand: ALGORAND,
  aptos: APTOS,
  cardano: CARDANO,
  cosmos: COSMOS,
  ecash: ECASH,
  eos: EOS,
  exact: EXACT,
  hedera: HEDERA,
  near: NEAR,
  polkadot: POLKADOT,
  solana: SOLANA,
  stellar: STELLAR,
  sui: SUI,
  tezos: TEZOS,
  ton: TON,
  tron: TRON,
  xrp: XRP,
  zcash: ZCASH,
}

/** The family of an asset's addresses. */
export function familyOf(asset: Asset): AddressFamily {
  if (asset.family === 'evm') return EVM
  if (asset.family === 'utxo') return utxo(asset.network)
  return asset.family === 'cosmos' ? cosmos(asset.prefix) : OTHERS[asset.family]
}

/** Families by which a listed address is keyed; `exact` and `near` would give the text, which is a key anyway. */
export const LISTED_FAMILIES: readonly AddressFamily[] = [
  EVM,
  ...UTXO_NETWORKS.map(utxo),
  ...Object.values(OTHERS).filter((family) => family !== EXACT && family !== NEAR),
]

/** Families with tags whose addresses can be told by their form. */
export const TAGGED: readonly AddressFamily[] = LISTED_FAMILIES.filter(
  (family) => family.hasTags && family !== EOS && family !== HEDERA,
)
