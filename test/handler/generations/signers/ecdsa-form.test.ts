/** Signatures in DER become R‖S, and nothing that is not one does. */
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { joinedSignature } from '../../../../handler/generations/signers/ecdsa-form.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** The sequence of two INTEGERs with these contents, in hex. */
function sequence(r: string, s: string): Buffer {
  const integers = [r, s].map((hex) => {
    const value = Buffer.from(hex, 'hex')
    return Buffer.concat([Buffer.from([2, value.length]), value])
  })
  const body = Buffer.concat(integers)
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

describe('a signature in DER', () => {
  it('verifies as R‖S, whatever the lengths of its numbers', () => {
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
    const lengths = new Set<number>()
    for (let at = 0; at < 1_500; at += 1) {
      const bytes = Buffer.from(`message ${at}`)
      const der = sign('sha256', bytes, privateKey)
      lengths.add(der.length)
      if (!verify('sha256', bytes, key, joinedSignature(der))) throw new Error(der.toString('hex'))
    }
    expect([...lengths]).toEqual(expect.arrayContaining([70, 71, 72]))
  })

  it('of small and of large numbers has 64 bytes', () => {
    expect(joinedSignature(sequence('01', `00${'ff'.repeat(32)}`)).toString('hex')).toBe(
      `${'00'.repeat(31)}01${'ff'.repeat(32)}`,
    )
  })

  it.each([
    ['nothing', ''],
    ['R‖S already', 'ab'.repeat(64)],
    ['a sequence that ends early', '3044022001'],
    ['a sequence of one number', '3003020101'],
    ['a number of no bytes', '3005020002010a'],
    ['a number that is too large', sequence('01'.repeat(33), '01').toString('hex')],
    ['three numbers', '3009020101020101020101'],
    ['something else than a number', '3006020101040101'],
    ['more behind it', '300602010102010100'],
  ])('is not %s', (_, hex) => {
    expect(() => joinedSignature(Buffer.from(hex, 'hex'))).toThrow('of a form that is not read')
  })
})
