/** EVM chains: one account has one address on all of them. */
import { parseEvmAddress } from '../evm-address.ts'
import type { AddressFamily } from './family.ts'

export const EVM: AddressFamily = { name: 'evm', hasTags: false, read: parseEvmAddress }
