/** Families whose addresses are names or numbers without a checksum: Hedera, EOS, NEAR, Aptos, Sui. */
import { looksEvm } from '../evm-address.ts'
import { EVM } from './evm.ts'
import type { AddressFamily } from './family.ts'

const ACCOUNT = /^(?:0|[1-9][0-9]{0,9})\.(?:0|[1-9][0-9]{0,9})\.(?:0|[1-9][0-9]{0,18})$/

/** Account numbers, and the EVM addresses that are aliases of accounts. */
export const HEDERA: AddressFamily = {
  name: 'hedera',
  hasTags: true,
  read: (text) => (ACCOUNT.test(text) ? text : EVM.read(text)),
}

const EOS_NAME = /^(?:[a-z1-5.]{0,11}[a-z1-5]|[a-z1-5.]{12}[a-j1-5])$/

export const EOS: AddressFamily = {
  name: 'eos',
  hasTags: true,
  read: (text) => (EOS_NAME.test(text) ? text : undefined),
}

/** Parts joined by `.`, words in them by `-` or `_`; a 64-digit key is a name as well (nomicon: account id). */
const NEAR_NAME = /^[a-z0-9]+(?:[-_.][a-z0-9]+)*$/

export const NEAR: AddressFamily = {
  name: 'near',
  hasTags: false,
  read: (text) =>
    text.length >= 2 && text.length <= 64 && NEAR_NAME.test(text) ? text : undefined,
}

/**
 * Leading zeros may be left out (AIP-40 asks that they are not, but for special addresses); what has the form of EVM is an
 * address of EVM.
 */
export const APTOS: AddressFamily = {
  name: 'aptos',
  hasTags: false,
  read: (text) => (looksEvm(text) ? undefined : padded(text, /^0x[0-9a-f]{1,64}$/i)),
}

export const SUI: AddressFamily = {
  name: 'sui',
  hasTags: false,
  read: (text) => padded(text, /^0x[0-9a-f]{64}$/i),
}

function padded(text: string, form: RegExp): string | undefined {
  return form.test(text) ? `0x${text.slice(2).toLowerCase().padStart(64, '0')}` : undefined
}
