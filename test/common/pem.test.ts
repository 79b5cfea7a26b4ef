import { describe, expect, it } from '@jest/globals'
import { normalisePem, pemBlocks, toPem } from '../../common/pem.ts'

describe('PEM text', () => {
  it('is written as RFC 7468 wants it: 64 characters a line, one final line feed', () => {
    const pem = toPem('PUBLIC KEY', Buffer.alloc(96, 1))
    const lines = pem.split('\n')
    expect(lines.map((line) => line.length)).toEqual([26, 64, 64, 24, 0])
    expect(pemBlocks(pem)).toEqual([{ label: 'PUBLIC KEY', der: Buffer.alloc(96, 1) }])
  })

  it('has no empty line when the body fills its last line', () => {
    expect(
      toPem('X', Buffer.alloc(48))
        .split('\n')
        .map((line) => line.length),
    ).toEqual([17, 64, 15, 0])
  })

  it('compares equal however it was wrapped', () => {
    const pem = toPem(
      'CERTIFICATE',
      Buffer.from('some bytes that are long enough to be wrapped once'),
    )
    const windows = pem.replaceAll('\n', '\r\n')
    const oneLine = pem
      .replaceAll(/\n(?!-)(?!$)/g, '')
      .replace('-----BEGIN CERTIFICATE-----', '$&\n')
    expect(normalisePem(windows)).toBe(pem)
    expect(normalisePem(oneLine)).toBe(pem)
    expect(normalisePem(`  ${pem}  `)).toBe(pem)
  })

  it('is nothing when it is not exactly one block', () => {
    const pem = toPem('X', Buffer.from('a'))
    expect(normalisePem(pem + pem)).toBeUndefined()
    expect(normalisePem('hello')).toBeUndefined()
    expect(normalisePem(pem.replace('END X', 'END Y'))).toBeUndefined()
  })
})
