import { describe, expect, it } from '@jest/globals'
import { assert, dictionary, jsonValue, property, string } from 'fast-check'
import { createHash } from 'node:crypto'
import { keccak_256 } from '@noble/hashes/sha3.js'
import {
  approvalStageOf,
  members,
  reordered,
  stageOf,
  textMember,
  withUnknownMembers,
} from '../../emulator/payload.ts'
import { SAMPLES, sampleEndpoint, samplePayload } from '../../emulator/samples.ts'

describe('payload text', () => {
  it('is taken apart and put together without a character changed', () => {
    assert(
      property(dictionary(string(), jsonValue()), (value) => {
        const text = JSON.stringify(value)
        expect(`{${members(text)?.join(',')}}`).toBe(text)
        expect(reordered(reordered(text))).toBe(text)
        expect(JSON.parse(reordered(text))).toEqual(JSON.parse(text))
      }),
    )
  })

  it('keeps number lexemes and duplicate names when reordered', () => {
    expect(reordered('{"a":1.00,"b":[1,{"c":"},{"}],"a":2}')).toBe(
      '{"a":2,"b":[1,{"c":"},{"}],"a":1.00}',
    )
  })

  it('that is no object is left alone', () => {
    for (const text of ['[1]', '"x"', '{', '', '{"a":}']) {
      expect([members(text), reordered(text), withUnknownMembers(text)]).toEqual([
        undefined,
        text,
        text,
      ])
      expect([stageOf(text), approvalStageOf(text), textMember(text, 'a')]).toEqual([
        'approval',
        text,
        undefined,
      ])
    }
    expect(withUnknownMembers('{}')).toBe('{"x_undocumented":{"tags":["a",1,null]}}')
  })

  it.each([
    ['{"rawTx":[]}', 'signing'],
    ['{"fee":"1"}', 'signing'],
    ['{"destinations":[{"displayDstAddress":"x"}]}', 'signing'],
    ['{"destinations":[1,{"dstAddress":"x"}]}', 'approval'],
    ['{"destinations":{}}', 'approval'],
  ])('%s is of the %s stage', (text, stage) => {
    expect(stageOf(text)).toBe(stage)
    expect(stageOf(approvalStageOf(text))).toBe('approval')
  })
})

function entries(sample: 'eth-transfer' | 'btc-transfer') {
  const payload = JSON.parse(samplePayload(sample, 'r', 's')) as {
    rawTx: { rawTx: string; payload: string }[]
  }
  return payload.rawTx
}

function sha(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest()
}

describe('samples', () => {
  it.each(SAMPLES)('%s is one JSON object with the ids asked for', (sample) => {
    const claims = JSON.parse(samplePayload(sample, 'r-1', 's-1')) as Record<string, unknown>
    expect(claims).toMatchObject({ requestId: 'r-1', signerId: 's-1' })
    expect('txId' in claims).toBe(sampleEndpoint(sample) === 'tx_sign_request')
  })

  it('carry raw transactions whose hashes are right', () => {
    const hashes = [
      ...entries('eth-transfer').map(({ rawTx }) =>
        Buffer.from(keccak_256(Buffer.from(rawTx, 'hex'))),
      ),
      ...entries('btc-transfer').map(({ rawTx }) => sha(sha(Buffer.from(rawTx, 'hex')))),
    ].map((hash) => hash.toString('hex'))
    const said = [...entries('eth-transfer'), ...entries('btc-transfer')].map(
      ({ payload }) => payload,
    )
    expect(hashes).toEqual(said)
  })
})
