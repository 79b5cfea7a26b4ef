/** The worked example of docs/extending.md, run as it stands: the function, its policy file, a whole handler. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { createHandler, HandlerStartError } from 'countersign'
import type { Decide } from 'countersign'
import { openReadOnly } from '../../handler/decisions/sqlite/database.ts'
import { signToken } from '../../handler/protocol/token.ts'
import { decideByLedger } from '../../docs/examples/decide/decide.ts'
import type { Booking } from '../../docs/examples/decide/decide.ts'
import { claimsOf, handlerSetup, postTo, transfer } from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'

const EXAMPLE = join(import.meta.dirname, '../../docs/examples/decide')

const BOOKINGS: Readonly<Record<string, Booking>> = {
  one: { asset: 'ETH_TEST', amount: '1.5', destinationId: '1' },
  six: { asset: 'ETH_TEST', amount: '6', destinationId: '1' },
}

function find(id: string): Promise<Booking | undefined> {
  return id === 'broken' ? Promise.reject(new Error('no ledger')) : Promise.resolve(BOOKINGS[id])
}

async function started(decide: Decide) {
  const policy = await readFile(join(EXAMPLE, 'policy.yaml'), 'utf8')
  const { settings, ports, home } = await handlerSetup({ policy })
  const lines: string[] = []
  const log = { write: (line: string) => void lines.push(line) }
  const handler = createHandler({ env: settings, version: 'v7', decide, log })
  await handler.start()
  const { signer } = await testKey('cosigner')
  const ask = async (claims: object) => {
    const token = await signToken(signer, claims)
    const { body } = await postTo(ports[0] ?? 0, '/g1/v2/tx_sign_request', token)
    const { action, rejectionReason = '' } = claimsOf(body)
    return `${String(action)} ${String(rejectionReason)}`.trim()
  }
  return { handler, ask, home, lines }
}

const pay = (id: string, amount: string, more: object = {}) =>
  transfer(`${id}-${amount}`, amount, { externalTxId: id, ...more })

describe('the example', () => {
  it('approves what is booked, within the frame of the policy file', async () => {
    const { handler, ask, home, lines } = await started(decideByLedger(find))
    try {
      expect(await ask(pay('one', '1.5'))).toBe('APPROVE')
      expect(await ask(pay('one', '1.6'))).toBe('REJECT differs')
      expect(await ask(pay('late', '1.5'))).toBe('RETRY not booked yet')
      expect(await ask(pay('broken', '1.5'))).toBe('RETRY ERR_POLICY')
      expect(await ask(pay('six', '6'))).toBe('RETRY waiting for a person')
      expect(await ask(pay('big', '11', { sourceId: '9' }))).toBe('REJECT above the ceiling')
      expect(await ask(transfer('plain', '1'))).toBe('REJECT no reference given')
    } finally {
      await handler.stop()
    }
    const db = openReadOnly(join(home, 'state', 'decisions.db'))
    const rules = db
      .prepare<[], string>("SELECT body ->> 'rule' FROM chain WHERE token IS NOT NULL ORDER BY seq")
      .pluck()
      .all()
    db.close()
    expect(rules).toEqual([
      'decide:booked@v7',
      'decide:booked-otherwise@v7',
      'decide:not-booked@v7',
      'large-from-vault-0',
      'decide:ceiling@v7',
      'decide:no-reference@v7',
    ])
    expect(lines.join('')).toContain('"decideVersion":"v7"')
  })

  it('names every problem when it cannot start, and stopping it again is harmless', async () => {
    const handler = createHandler({
      env: { HANDLER_AUTH: 'x' },
      version: 'v',
      decide: () => undefined,
    })
    const failure = await handler.start().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(HandlerStartError)
    expect(failure).toMatchObject({
      problems: expect.arrayContaining([expect.stringContaining('HANDLER_AUTH')]),
    })
    await handler.reloadPolicy()
    await handler.stop()
  })
})
