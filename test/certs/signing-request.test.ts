import { describe, expect, it } from '@jest/globals'
import { certificateSigningRequest, readCertificateSigningRequest } from '../../certs/generate.ts'
import { pemBlocks, toPem } from '../../common/pem.ts'
import { testKey } from '../fixtures/keys.ts'

describe('readCertificateSigningRequest', () => {
  it('reads back what certificateSigningRequest made', async () => {
    const { privateKeyPem, publicKeyPem } = await testKey('api-user')
    const csr = certificateSigningRequest(privateKeyPem, 'Örganisation')
    expect(readCertificateSigningRequest(csr)).toEqual({
      publicKeyPem,
      organization: 'Örganisation',
      selfSigned: true,
    })
  })

  it('notices a signature that is not its own, wherever it is damaged', async () => {
    const csr = certificateSigningRequest((await testKey('api-user')).privateKeyPem, 'Acme')
    const der = pemBlocks(csr)[0]?.der ?? Buffer.alloc(0)
    for (const fromEnd of [1, 100, 256]) {
      const damaged = Buffer.from(der)
      damaged.writeUInt8(damaged.readUInt8(der.length - fromEnd) ^ 0xff, der.length - fromEnd)
      const read = readCertificateSigningRequest(toPem('CERTIFICATE REQUEST', damaged))
      expect(read?.selfSigned).toBe(false)
    }
  })

  it.each([
    '',
    'hello',
    toPem('CERTIFICATE REQUEST', Buffer.from([0x30, 0])),
    toPem('PUBLIC KEY', Buffer.from([5, 0])),
  ])('gives nothing for what is none: %j', (text) => {
    expect(readCertificateSigningRequest(text)).toBeUndefined()
  })
})
