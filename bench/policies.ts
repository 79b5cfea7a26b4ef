/** The policies of the benchmark: as many rules as asked for, of which the last one is the one that approves. */
import { ALLOWED_ADDRESS } from './load/tokens.ts'

/** A policy file; with `limits` the approving rule also spends of a rolling limit. */
export function policyYaml(rules: number, limits = false): string {
  const others = Array.from({ length: rules - 1 }, (_, i) => otherRule(i))
  return [
    'version: 1',
    'default: REJECT',
    ...(limits ? LIMITS : []),
    'rules:',
    ...others,
    approvingRule(limits),
    '',
  ].join('\n')
}

/** Far above what any run spends. */
const LIMITS = [
  'limits:',
  '  daily: { window: 24h, amount: "1000000000", count: 100000000, by: [asset, source] }',
]

function approvingRule(limits: boolean): string {
  return `  - id: allowed
    when:
      endpoint: tx_sign_request
      operation: TRANSFER
      asset: [ETH, ETH_TEST5]
      source: { type: VAULT, id: "0" }
      destination: { type: [VAULT, ONE_TIME_ADDRESS], address: ["${ALLOWED_ADDRESS}"] }
      amount: { max: "1.5" }
    then: APPROVE${limits ? '\n    require: { limits: daily }' : ''}`
}

/** Rules that come close: the same operation and source; asset or address or amount differ. */
function otherRule(i: number): string {
  const address = `0x${i.toString(16).padStart(40, '0')}`
  const near = [
    `asset: [ETH_TEST5], destination: { type: ONE_TIME_ADDRESS, address: ["${address}"] }`,
    `asset: [ETH, ETH_TEST5], amount: { min: "${i + 1}.5" }`,
    `asset: [ASSET_${i}], amount: { max: "10" }`,
  ][i % 3]
  return (
    `  - id: other-${i}\n    when: { endpoint: tx_sign_request, operation: TRANSFER, ` +
    `source: { type: VAULT, id: "0" }, ${near} }\n    then: APPROVE`
  )
}
