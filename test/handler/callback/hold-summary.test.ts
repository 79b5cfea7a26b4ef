import { describe, expect, it } from '@jest/globals'
import { summaryOf } from '../../../handler/callback/hold-summary.ts'
import { decimal, destination, txRequest } from '../../fixtures/tx-request.ts'

describe('the line that a person decides on', () => {
  it('says what moves, from where, to where', () => {
    const destinations = [destination({ dstType: 'ONE_TIME_ADDRESS', dstAddress: '0xabc' })]
    const tx = txRequest({ asset: 'ETH', amount: decimal('1.50'), destinations })
    expect(summaryOf(tx, 'large')).toBe(
      'TRANSFER 1.5 ETH from VAULT 0 to ONE_TIME_ADDRESS 0xabc (request r-1, signing stage, rule large)',
    )
    const two = { ...tx, destinations: [...destinations, destination({})] }
    expect(summaryOf(two, 'large')).toContain('to ONE_TIME_ADDRESS 0xabc and 1 more (')
    const contract = txRequest({ operation: 'CONTRACT_CALL', sourceType: null, sourceId: null })
    expect(summaryOf(contract, 'c')).toContain('CONTRACT_CALL from nowhere named to nowhere named')
  })

  it('says what the bytes prove', () => {
    const tx = txRequest({ asset: 'BTC' })
    expect(summaryOf(tx, 'r', 'unproven: fee')).toContain(' (bytes unproven: fee, request r-1, ')
    expect(summaryOf(tx, 'r', 'absent')).toContain(' (request r-1, ')
  })

  it('names a configuration change by its type', () => {
    const request = {
      endpoint: 'config_change_sign_request',
      stage: 'approval',
      requestId: 'r-2',
      signerId: undefined,
      unknownMembers: [],
      type: 'ADD_USER',
      extraInfo: undefined,
    } as const
    expect(summaryOf(request, 'users')).toBe(
      'configuration ADD_USER (request r-2, approval stage, rule users)',
    )
  })

  it('holds nothing that a terminal would act on, and ends', () => {
    const tx = txRequest({ asset: '\u001b[2J\u202e\n', destId: 'x'.repeat(500), destType: 'VAULT' })
    const line = summaryOf(tx, 'r')
    expect(line).toMatch(/^[\x20-\x7e]{300}$/)
    expect(line).toContain('TRANSFER ?[2J?? from')
  })
})
