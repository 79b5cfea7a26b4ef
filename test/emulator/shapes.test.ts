/** Shapes of genuine callbacks: what a batch, another spelling and drifted types make of a payload. */
import { describe, expect, it } from '@jest/globals'
import { stageOf } from '../../emulator/payload.ts'
import { samplePayload } from '../../emulator/samples.ts'
import { legsOf, otherApprovalStageOf, withDriftedTypes } from '../../emulator/shapes.ts'

type Payload = Record<string, unknown>

const TRANSFER = samplePayload('eth-transfer', 'r-1', 's-1')
const parse = (text: string) => JSON.parse(text) as Payload
const entriesOf = (payload: Payload) => payload['destinations'] as Payload[]

describe('legsOf', () => {
  it('makes requests of one transaction, each with a destination and an amount of its own', () => {
    const legs = legsOf(TRANSFER, 3).map(parse)
    expect(legs.map(({ txId }) => txId)).toEqual(['r-1', 'r-1', 'r-1'])
    expect(legs.map(({ requestId }) => requestId)).toEqual(['r-1_0', 'r-1_1', 'r-1_2'])
    expect(legs.map(({ destId, amountStr }) => [destId, amountStr])).toEqual([
      ['1', '0.001'],
      ['2', '0.002'],
      ['3', '0.003'],
    ])
    for (const leg of legs) {
      expect(entriesOf(leg)).toMatchObject([
        { dstId: leg['destId'], amountNativeStr: leg['amountStr'] },
      ])
      expect(leg).not.toHaveProperty('rawTx')
      expect(leg).toHaveProperty('fee')
    }
  })

  it('leaves a transaction of one leg, and what is no object, as it is', () => {
    expect(legsOf(TRANSFER, 1)).toEqual([TRANSFER])
    expect(legsOf('[]', 3)).toEqual(['[]'])
    expect(legsOf('{', 3)).toEqual(['{'])
  })
})

describe('otherApprovalStageOf', () => {
  it('says the same as the approval stage in other words', () => {
    const stage = parse(otherApprovalStageOf(TRANSFER))
    expect(stageOf(JSON.stringify(stage))).toBe('approval')
    expect(stage).toMatchObject({ requestId: 'r-1', destAddress: '', amountStr: '0.01' })
    expect(entriesOf(stage)).toMatchObject([{ dstId: '1', dstSubType: null }])
  })

  it('spells a one-time address otherwise', () => {
    const address = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
    const text = JSON.stringify({
      ...parse(TRANSFER),
      destType: 'ONE_TIME_ADDRESS',
      destinations: [{ dstType: 'ONE_TIME_ADDRESS', dstAddress: address }],
    })
    expect(parse(otherApprovalStageOf(text))).toMatchObject({
      destType: 'ONE_TIME',
      destAddress: address.toLowerCase(),
      destinations: [{ dstAddress: address.toLowerCase() }],
    })
  })

  it('leaves what is no object as it is', () => {
    expect(otherApprovalStageOf('[]')).toBe('[]')
  })
})

describe('withDriftedTypes', () => {
  it('changes types where no rule needs to look, and nothing that is moved', () => {
    const drifted = parse(withDriftedTypes(samplePayload('eth-two', 'r-1', 's-1')))
    expect(drifted).toMatchObject({
      players: 'none',
      note: 7,
      requestedAmount: -1,
      requestedAmountStr: '0.02e0',
      amountStr: '0.020000000000000000',
    })
    expect(entriesOf(drifted)).toMatchObject([
      { amountUSD: null, dstName: 'N/A', dstTag: '7', amountNativeStr: '0.01' },
      { amountUSD: '0', amountNativeStr: '0.01' },
    ])
  })

  it('leaves a configuration change as it is', () => {
    const change = samplePayload('whitelisting', 'r-1', 's-1')
    expect(withDriftedTypes(change)).toBe(change)
  })
})

describe('samples that the contradiction check of version 0.1.0 refused', () => {
  it.each(['eth-gross', 'eth-exchange', 'eth-two'] as const)('%s is complete', (sample) => {
    const payload = parse(samplePayload(sample, 'r-1', 's-1'))
    expect(payload).toMatchObject({ operation: 'TRANSFER', requestId: 'r-1', asset: 'ETH' })
    expect(entriesOf(payload).length).toBeGreaterThan(0)
  })
})
