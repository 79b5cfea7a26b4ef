/** The demo's policy, and the requests that the emulated co-signer sends to it. */
import { randomUUID } from 'node:crypto'

const ALLOWED = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'

/** Approves small transfers to one address and whitelisting; large transfers wait for a person. */
export const POLICY = `version: 1
default: REJECT
rules:
  - id: small-eth
    when:
      endpoint: tx_sign_request
      operation: TRANSFER
      asset: ETH_TEST5
      source: { type: VAULT, id: "0" }
      destination: { address: ["${ALLOWED}"] }
      amount: { max: "1.5" }
    then: APPROVE
  - id: large-eth
    when:
      endpoint: tx_sign_request
      operation: TRANSFER
      asset: ETH_TEST5
      amount: { min: "1.5" }
    then: { action: RETRY, reason: needs a person }
  - id: whitelisting
    when: { endpoint: config_change_sign_request, type: UNMANAGED_WALLET }
    then: APPROVE
`

/** A transfer of `amount` ETH_TEST5 at the approval stage, shaped like the published samples. */
export function transfer(amount: string, address = ALLOWED): Record<string, unknown> {
  const txId = randomUUID()
  return {
    txId,
    operation: 'TRANSFER',
    sourceType: 'VAULT',
    sourceId: '0',
    destType: 'ONE_TIME',
    destId: '',
    asset: 'ETH_TEST5',
    amount: Number(amount),
    amountStr: amount,
    requestedAmount: Number(amount),
    requestedAmountStr: amount,
    destAddressType: 'ONE_TIME',
    destAddress: address,
    destinations: [
      {
        amountNative: Number(amount),
        amountNativeStr: amount,
        amountUSD: 1,
        dstAddressType: 'ONE_TIME',
        dstId: '',
        dstType: 'ONE_TIME_ADDRESS',
        dstAddress: address,
      },
    ],
    requestId: txId,
  }
}

/** A configuration change of that type. */
export function configChange(type: string): Record<string, unknown> {
  return {
    requestId: randomUUID(),
    type,
    extraInfo: {
      subType: 'EXTERNAL',
      walletName: 'Exchange',
      asset: 'ETH_TEST5',
      address: ALLOWED,
    },
  }
}
