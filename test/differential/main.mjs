/**
 * `npm run test:differential`: transactions and messages that other libraries make, against the raw transaction check. 4,000
 * EVM, 4,000 of Bitcoin and its relatives, 600 typed data; with `--short` a tenth. `--seed <n>` makes others.
 */
import { parseArgs } from 'node:util'
import { runBitcoin } from './bitcoin.mjs'
import { runEvm } from './evm.mjs'
import { runTypedData } from './typed-data.mjs'

const { values } = parseArgs({ options: { short: { type: 'boolean' }, seed: { type: 'string' } } })
const share = values.short === true ? 10 : 1
const seed = Number(values.seed ?? 2026)
const passed = [
  await runEvm(4000 / share, seed),
  runBitcoin(4000 / share, seed),
  runTypedData(600 / share, seed),
]
process.exitCode = passed.every(Boolean) ? 0 : 1
