/** Enrolment prints an entry that the policy takes, and only for a passkey of this page whose person was verified. */
import { describe, expect, it } from '@jest/globals'
import { consoleUrl } from '../../../handler/config/config-values.ts'
import { Refused } from '../../../handler/console/answers.ts'
import { creationOptions, entryOf, madePasskey } from '../../../handler/console/enrolment.ts'
import { passkeyAt } from '../../fixtures/passkey.ts'

const ORIGIN = 'https://console.test'
const URL = consoleUrl(ORIGIN)

describe('enrolment', () => {
  it('prints name, key, id and origin, and a fingerprint to compare', () => {
    const passkey = passkeyAt(ORIGIN)
    const made = madePasskey({ name: 'ada', credential: passkey.made() }, URL)
    expect(entryOf(made, URL)).toEqual({
      entry: [
        'approvers:',
        "  'ada':",
        '    keys:',
        `      - publicKey: ${passkey.publicKey}`,
        `        passkey: { id: '${passkey.id}', origin: '${ORIGIN}' }`,
        '',
      ].join('\n'),
      fingerprint: expect.stringMatching(/^[0-9a-f]{4}( [0-9a-f]{4}){4}$/),
    })
  })

  it('asks for a passkey that knows its person, and for no attestation', () => {
    expect(creationOptions({ name: 'ada' }, URL)).toMatchObject({
      rp: { id: 'console.test' },
      user: { name: 'ada' },
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
    })
  })

  it.each([
    ['of another page', { origin: 'https://evil.test' }],
    ['of another name', { rpId: 'evil.test' }],
    ['whose person was not verified', { flags: 65 }],
    ['without its key', { flags: 5 }],
    ['with another id', { id: 'AAAA' }],
    ['that is an assertion', { type: 'webauthn.get' }],
  ])('refuses a passkey %s', (_, changes) => {
    const credential = passkeyAt(ORIGIN).made(changes)
    expect(() => madePasskey({ name: 'ada', credential }, URL)).toThrow(Refused)
  })

  it.each([
    ['a name that is none', { name: "ada'\nrules: []" }],
    ['no name', {}],
    ['nothing', undefined],
    ['no credential', { name: 'ada' }],
    ['an empty one', { name: 'ada', credential: { id: '', response: {} } }],
  ])('refuses %s', (_, body) => {
    expect(() => madePasskey(body, URL)).toThrow(Refused)
  })

  it('refuses a key that no approver may have', () => {
    const credential = { ...passkeyAt(ORIGIN).made() } as { response: object }
    const made = madePasskey({ name: 'ada', credential }, URL)
    expect(() => entryOf({ ...made, publicKey: 'AAAA' }, URL)).toThrow(Refused)
  })
})
