/**
 * A process that records decisions as fast as it can, 16 at once, and prints a line for each receipt, until it is
 * killed or its disk fails. Arguments: path of the database, first request number. Runs on what was built into dist/.
 */
import { openSqliteStore } from '../../../dist/handler/decisions/sqlite/sqlite-store.js'
import { fingerprintOf } from '../../../dist/handler/protocol/digest.js'

const [path, first] = process.argv.slice(2)
const clock = { now: () => new Date(), monotonicMs: () => performance.now() }
const onFatal = (error) => {
  process.stderr.write(`fatal ${error.code}\n`)
  process.exit(3)
}
const store = await openSqliteStore({ path, clock, onFatal })
process.stdout.write(`opened ${JSON.stringify(store.opening)}\n`)

const [endpoint, signerId] = ['tx_sign_request', 'signer']
let next = Number(first)

async function write() {
  for (;;) {
    const number = next
    next += 1
    const requestId = `request-${number}`
    const action = ['APPROVE', 'REJECT', 'RETRY'][number % 3]
    const { seq } = await store.record({
      key: {
        endpoint,
        requestId,
        signerId,
        stage: 'signing',
        digest: String(number).padStart(64, '0'),
        coreDigest: 'c'.repeat(64),
        fingerprint: fingerprintOf({ endpoint, requestId, signerId }),
      },
      decision: { action, rule: 'rule', reason: 'reason' },
      charges: [],
      singleUses: [],
      evidence: {
        token: `token of ${requestId} `.repeat(50),
        cosigner: 'cosigner',
        generation: 1,
        policyDigest: 'e'.repeat(64),
        owner: requestId,
        rawTx: undefined,
        deliveryId: `delivery-${number}`,
      },
    })
    process.stdout.write(`receipt ${number} ${seq} ${action}\n`)
  }
}

await Promise.all(Array.from({ length: 16 }, write)).catch((error) => {
  process.stderr.write(`failed ${error.code}\n`)
})
