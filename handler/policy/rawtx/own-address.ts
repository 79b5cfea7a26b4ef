/** What is known of the addresses of own vault accounts: the one place where the raw transaction check asks for it. */

/** Says whether the address is known to be of that vault account and asset. */
export type OwnAddress = (vault: string, asset: string, address: string) => boolean

/** Nothing is known: only rules that name addresses, and the key that signs, say what is ours. */
export const NO_OWN_ADDRESSES: OwnAddress = () => false
