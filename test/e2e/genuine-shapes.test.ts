/**
 * Genuine callbacks that differ from the published samples, as the emulator's co-signer sends them, against a handler that
 * runs. Story: version 0.1.0 refused some of them for good, or did not answer them at all.
 */
import { describe, expect, it } from '@jest/globals'
import { approvalStageOf } from '../../emulator/payload.ts'
import { samplePayload } from '../../emulator/samples.ts'
import { legsOf, otherApprovalStageOf, withDriftedTypes } from '../../emulator/shapes.ts'
import { claimsOf, startTestHandler } from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'
import { tokenOf } from '../fixtures/tokens.ts'

const POLICY = `version: 2
default: REJECT
rules:
  - id: between-vaults
    when:
      operation: TRANSFER
      asset: ETH
      source: { type: VAULT, id: "0" }
      destination: { type: VAULT, id: ["1", "2", "3"] }
      amount: { max: "1" }
    then: APPROVE
  - id: from-exchange
    when:
      operation: TRANSFER
      source: { type: EXCHANGE }
      destination: { type: VAULT, id: "1" }
      amount: { max: "1" }
    then: APPROVE
tests: []
`

const TEXT = samplePayload('eth-transfer', 'r', 's-1')

function changed(set: object): string {
  return JSON.stringify({ ...(JSON.parse(TEXT) as object), rawTx: undefined, ...set })
}

const ENTRY = (JSON.parse(TEXT) as { destinations: object[] }).destinations[0]

/** Sends them one after the other; what came back. */
async function answers(texts: readonly string[]) {
  const handler = await startTestHandler({ policy: POLICY })
  const seen: { status: number; action?: unknown; reason?: unknown; requestId?: unknown }[] = []
  for (const text of texts) {
    const body = tokenOf((await testKey('cosigner')).privateKey, text)
    const { status, body: answer } = await handler.post('/g1/v2/tx_sign_request', body)
    const { action, rejectionReason: reason, requestId } = status === 200 ? claimsOf(answer) : {}
    seen.push({ status, action, reason, requestId })
  }
  return { seen, alarms: handler.logs.filter(({ kind }) => kind === 'unreadable') }
}

describe('a genuine callback is approved as its policy means', () => {
  it.each([
    ['as published', [TEXT]],
    ['at both stages', [approvalStageOf(TEXT), TEXT]],
    ['at both stages, spelled differently', [otherApprovalStageOf(TEXT), TEXT]],
    ['as legs of a batch', legsOf(TEXT, 3)],
    ['with members of other types where no rule looks', [withDriftedTypes(changed({}))]],
    [
      'gross: the fee is taken out of what was requested',
      [
        changed({
          amountStr: '0.009',
          amount: 0.009,
          requestedAmountStr: '0.01',
          requestedAmount: 0.01,
          fee: '0.001',
          destinations: [{ ...ENTRY, amountNativeStr: '0.009', amountNative: 0.009 }],
        }),
      ],
    ],
    [
      'from an exchange, whose fee is not in the sum',
      [
        changed({
          sourceType: 'EXCHANGE',
          sourceId: 'x',
          amountStr: '0.012',
          amount: 0.012,
          requestedAmountStr: '0.012',
          requestedAmount: 0.012,
        }),
      ],
    ],
  ])('%s', async (_, texts) => {
    const { seen } = await answers(texts)
    expect(seen.map(({ action, reason }) => [action, reason])).toEqual(
      texts.map(() => ['APPROVE', undefined]),
    )
  })
})

describe('signed content that cannot be read', () => {
  const odd: [string, string][] = [
    ['the form of an answer', changed({ action: 'ALLOW' })],
    ['half an emoji', changed({}).replace('"players"', String.raw`"note":"\ud83d","players"`)],
    ['40 levels', changed({ x: JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) })],
    ['an expiry of null', changed({ exp: null })],
    ['a start as text', changed({ nbf: 'now' })],
  ]

  it('gets a signed RETRY with its id, and an alarm', async () => {
    const { seen, alarms } = await answers(odd.map(([, text]) => text))
    expect(seen).toEqual(
      odd.map(() => ({
        status: 200,
        action: 'RETRY',
        reason: 'ERR_UNREADABLE',
        requestId: 'r',
      })),
    )
    expect(alarms).toHaveLength(odd.length)
  })

  it('without an id gets the bare 400, and with a duplicate name the constant 401', async () => {
    const nameless = odd.map(([, text]) => text.replace('"requestId":"r"', '"requestId":""'))
    expect((await answers(nameless)).seen.map(({ status }) => status)).toEqual(odd.map(() => 400))
    const doubled = odd.map(([, text]) => text.replace('{', '{"txId":"other",'))
    expect((await answers(doubled)).seen.map(({ status }) => status)).toEqual(odd.map(() => 401))
  })
})
