/** The policies of the benchmark: as many rules as asked for, of which the last one is the one that approves. */
import { ALLOWED_ADDRESS } from './load/tokens.ts'

/** What the approving rule needs beside the usual conditions. */
export interface PolicyShape {
  readonly rules: number
  /** All others refuse: what they ask for may be unknown, and then each of them is looked at. */
  readonly refusing?: boolean
  /** It spends of a rolling limit. */
  readonly limits?: boolean
  /** It looks the destination up in the list file of this name. */
  readonly listFile?: string
}

/** A policy file. */
export function policyYaml({ rules, refusing, limits = false, listFile }: PolicyShape): string {
  const action = refusing === true ? 'REJECT' : 'APPROVE'
  const others = Array.from({ length: rules - 1 }, (_, i) => otherRule(i, action))
  const lines = ['version: 1', 'default: REJECT']
  // Far above what any run spends.
  const limit = '{ window: 24h, amount: "1000000000", count: 100000000, by: [asset, source] }'
  if (limits) lines.push('limits:', `  daily: ${limit}`)
  if (listFile !== undefined) {
    lines.push('lists:', `  payees: { kind: addresses, file: ${listFile} }`)
  }
  const addresses = listFile === undefined ? `["${ALLOWED_ADDRESS}"]` : '{ list: payees }'
  return [...lines, 'rules:', ...others, approvingRule(addresses, limits), ''].join('\n')
}

/** A list file of so many addresses, the allowed one last. */
export function addressList(count: number): string {
  return [...Array.from({ length: count - 1 }, (_, i) => addressOf(i)), ALLOWED_ADDRESS].join('\n')
}

function approvingRule(addresses: string, limits: boolean): string {
  return `  - id: allowed
    when:
      endpoint: tx_sign_request
      operation: TRANSFER
      asset: [ETH, ETH_TEST5]
      source: { type: VAULT, id: "0" }
      destination: { type: [VAULT, ONE_TIME_ADDRESS], address: ${addresses} }
      amount: { max: "1.5" }
    then: APPROVE${limits ? '\n    require: { limits: daily }' : ''}`
}

/**
 * Rules that nearly match: operation and source are the request's. Most differ in the destination's address or in the
 * asset; one in a hundred only in the amount, so that no index can tell it from the right one.
 */
function otherRule(i: number, action: 'APPROVE' | 'REJECT'): string {
  return (
    `  - id: other-${i}\n    when: { endpoint: tx_sign_request, operation: TRANSFER, ` +
    `source: { type: VAULT, id: "0" }, ${differenceOf(i)} }\n    then: ${action}`
  )
}

function differenceOf(i: number): string {
  if (i % 100 === 10) return `asset: [ETH, ETH_TEST5], amount: { min: "${i + 1}.5" }`
  if (i % 2 === 0) return `asset: [ASSET_${i}], amount: { max: "10" }`
  const destination = `{ type: ONE_TIME_ADDRESS, address: ["${addressOf(i)}"] }`
  return `asset: [ETH_TEST5], destination: ${destination}`
}

function addressOf(i: number): string {
  return `0x${i.toString(16).padStart(40, '0')}`
}
