import { describe, expect, it } from '@jest/globals'
import { BUILT_IN_ASSETS } from '../../../../handler/policy/assets.ts'
import { verifyRawTx } from '../../../../handler/policy/rawtx/verify.ts'
import { sampleRequest } from '../../../fixtures/tx-request.ts'

describe('published samples', () => {
  it.each(['eth', 'ethExact', 'btcSegwit'] as const)('%s is verified, nothing unproven', (name) => {
    expect(verifyRawTx(sampleRequest(name), BUILT_IN_ASSETS)).toEqual({
      status: 'verified',
      facts: {},
    })
  })

  it('btcLegacy is verified, its fee unproven: legacy signatures do not commit to input amounts', () => {
    expect(verifyRawTx(sampleRequest('btcLegacy'), BUILT_IN_ASSETS)).toEqual({
      status: 'verified',
      facts: { unproven: ['fee'] },
    })
  })
})
