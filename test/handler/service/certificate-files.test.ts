/** `check` was content with a certificate file that had expired, or was for another host. */
import { describe, expect, it } from '@jest/globals'
import { certificateFacts } from '../../../certs/inspect.ts'
import { selfSignedCertificate } from '../../../certs/generate.ts'
import { publicUrl } from '../../../handler/config/config-values.ts'
import { slotsOf } from '../../../handler/config/slots.ts'
import { lookAtCertificate } from '../../../handler/service/certificate-files.ts'
import { testKey } from '../../fixtures/keys.ts'

const START = new Date('2026-11-21T00:00:00Z')
const later = (days: number) => new Date(START.getTime() + days * 86_400_000)

async function problems(names: readonly string[], urls: readonly string[], now: Date) {
  const { privateKeyPem } = await testKey()
  const dates = { notBefore: START, notAfter: later(90) }
  const certificatePem = selfSignedCertificate({ privateKeyPem, names, ...dates })
  const pair = { certificatePem, ...certificateFacts(certificatePem) }
  const slots = slotsOf(urls.map(publicUrl), undefined)
  return lookAtCertificate(pair, slots, now).map(({ item, ok, detail }) => {
    expect({ item, ok }).toEqual({ item: 'tls', ok: false })
    return detail
  })
}

describe('a certificate file', () => {
  it('is fine for the names of the public URLs, while it is valid', async () => {
    const urls = ['https://handler.example:8443', 'https://127.0.0.1:8444']
    expect(await problems(['handler.example', '127.0.0.1'], urls, later(1))).toEqual([])
  })

  it('is refused when it has expired or is not valid yet', async () => {
    const urls = ['https://handler.example']
    expect(await problems(['handler.example'], urls, later(90))).toEqual([
      'the certificate expired on 2027-02-19T00:00:00.000Z',
    ])
    expect(await problems(['handler.example'], urls, later(-1))).toEqual([
      'the certificate is valid from 2026-11-21T00:00:00.000Z on',
    ])
  })

  it('is refused for each host that it is not for', async () => {
    const urls = ['https://handler.example:8443', 'https://other.example:8444', 'https://10.0.0.1']
    expect(await problems(['handler.example'], urls, later(1))).toEqual([
      'the certificate is not for `other.example`',
      'the certificate is not for `10.0.0.1`',
    ])
  })
})
