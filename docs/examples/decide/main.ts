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
  return bookingOf(await response.json())
}

function bookingOf(value: unknown): Booking {
  if (typeof value === 'object' && value !== null) {
    const { asset, amount, destinationId }: Partial<Record<keyof Booking, unknown>> = value
    if (
      typeof asset === 'string' &&
      typeof amount === 'string' &&
      typeof destinationId === 'string'
    )
      return { asset, amount, destinationId }
  }
  throw new Error('the ledger answers something that is no booking')
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
