/** Requests for policy tests: complete ones as the co-signer sends them, with single members replaced. */
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import type {
  ConfigChangeRequest,
  Destination,
  TxSignRequest,
} from '../../../handler/protocol/request.ts'
import type { Facts } from '../../../handler/policy/facts.ts'

export const ADDRESS = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
export const OTHER_ADDRESS = '0x00000000219ab540356cBB839Cbe05303d7705Fa'

/** Friday noon in UTC. */
export const FACTS: Facts = {
  now: new Date('2026-11-20T12:00:00Z'),
  cosigner: 'main',
  rawTx: { status: 'absent' },
  statement: { status: 'absent' },
}

export function destination(changes: Partial<Destination> = {}): Destination {
  return {
    amountNative: parseDecimal('0.01'),
    amountUSD: parseDecimal('18.74292937'),
    dstAddressType: 'WHITELISTED',
    dstId: '1',
    dstName: 'Network Deposits',
    dstSubType: '',
    dstType: 'VAULT',
    dstWalletId: '',
    dstAddress: undefined,
    displayDstAddress: ADDRESS,
    dstTag: undefined,
    displayDstTag: undefined,
    ...changes,
  }
}

/** The published ETH sample, without its raw transaction. */
export function txRequest(changes: Partial<TxSignRequest> = {}): TxSignRequest {
  return {
    endpoint: 'tx_sign_request',
    stage: 'signing',
    requestId: '9c794cee-7e27-46c9-9e9a-ed68295ff06b',
    signerId: 'signer-1',
    unknownMembers: [],
    txId: '9c794cee-7e27-46c9-9e9a-ed68295ff06b',
    operation: 'TRANSFER',
    sourceType: 'VAULT',
    sourceId: '0',
    destType: 'VAULT',
    destId: '1',
    asset: 'ETH',
    amount: parseDecimal('0.01'),
    requestedAmount: parseDecimal('0.01'),
    fee: parseDecimal('0.000597803762241'),
    destAddressType: 'WHITELISTED',
    destAddress: ADDRESS,
    destinations: [destination()],
    players: ['21926ecc-4a8a-4614-bbac-7c591aa7efdd'],
    extraParameters: undefined,
    note: undefined,
    externalTxId: undefined,
    rawTx: undefined,
    ...changes,
  }
}

export function configRequest(changes: Partial<ConfigChangeRequest> = {}): ConfigChangeRequest {
  return {
    endpoint: 'config_change_sign_request',
    stage: 'approval',
    requestId: 'c0ffee00-0000-4000-8000-000000000001',
    signerId: 'admin-1',
    unknownMembers: [],
    type: 'UNMANAGED_WALLET',
    extraInfo: {
      subType: 'EXTERNAL',
      walletName: 'Payee AG',
      walletId: 'w-1',
      asset: 'ETH',
      address: ADDRESS,
      tag: '',
    },
    ...changes,
  }
}
