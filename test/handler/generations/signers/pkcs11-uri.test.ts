/** Names of keys in tokens: what is understood is read exactly, and everything else is refused. */
import { describe, expect, it } from '@jest/globals'
import {
  parsePkcs11Uri,
  pkcs11KeyName,
} from '../../../../handler/generations/signers/pkcs11-uri.ts'

const ACCESS = '?module-path=/usr/lib/m.so&pin-source=file:/run/pin'

describe('a PKCS#11 URI', () => {
  it('names token, key, module and the file of the PIN', () => {
    expect(
      parsePkcs11Uri(
        `pkcs11:token=my%20token;serial=01%3b;object=k;id=%00%ff%41;type=private${ACCESS}`,
      ),
    ).toEqual({
      token: 'my token',
      serial: '01;',
      object: 'k',
      id: Buffer.from([0, 255, 65]),
      modulePath: '/usr/lib/m.so',
      pinFile: '/run/pin',
    })
    const queries = [
      '?pin-source=/run/pin&module-path=/m',
      '?pin-source=file:///run/pin&module-path=/m',
    ]
    for (const query of queries) {
      expect(parsePkcs11Uri(`pkcs11:token=t${query}`)).toEqual({
        token: 't',
        modulePath: '/m',
        pinFile: '/run/pin',
      })
    }
  })

  it('is written so that it is read as it was', () => {
    const uri = parsePkcs11Uri(
      `pkcs11:token=a%3bb%20%c3%bc;serial=9${ACCESS.replace('/run/pin', '/run/a%26b%20c')}`,
    )
    const id = Buffer.from([0x0a, 0x3b, 0xfe])
    const name = pkcs11KeyName(uri, 'countersign-g12', id)
    expect(parsePkcs11Uri(name)).toEqual({ ...uri, object: 'countersign-g12', id })
    expect(name).toContain('pin-source=file:/run/a%26b%20c')
  })

  it.each([
    ['no token', `pkcs11:${ACCESS}`, '`token` is missing'],
    ['an empty token', `pkcs11:token=${ACCESS}`, '`token` is empty'],
    ['a NUL', `pkcs11:token=a%00${ACCESS}`, '`token` is empty or not text'],
    ['no module', 'pkcs11:token=t?pin-source=file:/p', '`module-path`'],
    ['a relative module', 'pkcs11:token=t?module-path=m.so&pin-source=file:/p', '`module-path`'],
    ['no PIN file', 'pkcs11:token=t?module-path=/m', '`pin-source`'],
    ['a relative PIN file', 'pkcs11:token=t?module-path=/m&pin-source=pin', '`pin-source`'],
    [
      'a PIN from elsewhere',
      'pkcs11:token=t?module-path=/m&pin-source=https://x/p',
      '`pin-source`',
    ],
    ['the PIN itself', `pkcs11:token=t${ACCESS}&pin-value=1234`, '`pin-value` would put'],
    [
      'a module by name',
      `pkcs11:token=t${ACCESS}&module-name=m`,
      '`module-name` is not understood',
    ],
    ['an unknown attribute', `pkcs11:token=t;slot-id=1${ACCESS}`, '`slot-id` is not understood'],
    ['a stray word', `pkcs11:token=t;x${ACCESS}`, '`x` is not understood'],
    ['an attribute twice', `pkcs11:token=t;token=u${ACCESS}`, '`token` is there twice'],
    ['a bad escape', `pkcs11:token=%zz${ACCESS}`, 'percent-encoded'],
    ['another type', `pkcs11:token=t;type=public${ACCESS}`, '`type` must be'],
    ['another scheme', `pkcs12:token=t${ACCESS}`, '`token` is missing'],
  ])('with %s is refused', (_, uri, message) => {
    expect(() => parsePkcs11Uri(uri)).toThrow(message)
  })
})
