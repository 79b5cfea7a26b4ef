/** Runs the handler with the function beside the policy file; settings are those of `countersign-handler run`. */
import { createHandler, HandlerStartError } from 'countersign'
import { decideByLedger } from './decide.ts'
import type { Booking } from './decide.ts'

/** Your own ledger stands here. */
async function findBooking(id: string, signal: AbortSignal): Promise<Booking | undefined> {
  const url = new URL(encodeURIComponent(id), 'http://127.0.0.1:7000/bookings/')
  const response = await fetch(url, { signal, redirect: 'error' })
  if (response.status === 404) return undefined
  if (!response.ok) throw new Error(`the ledger answers ${response.status}`)
  // The example trusts the shape of its own ledger; check it where yours may change.
  const booking = (await response.json()) as Booking
  return booking
}

const handler = createHandler({
  env: process.env,
  version: '2026-11-21',
  decide: decideByLedger(findBooking),
})
process.once('SIGTERM', () => void handler.stop().then(() => process.exit(0)))
process.on('SIGHUP', () => void handler.reloadPolicy())
try {
  await handler.start()
} catch (error) {
  if (!(error instanceof HandlerStartError)) throw error
  for (const problem of error.problems) process.stderr.write(`${problem}\n`)
  process.exit(2)
}
