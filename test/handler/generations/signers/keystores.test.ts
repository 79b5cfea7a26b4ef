/** Keystores by scheme: made when they are needed, once, and not after the end. */
import { describe, expect, it } from '@jest/globals'
import type { Keystore } from '../../../../handler/generations/signers/keystore.ts'
import { createKeystores } from '../../../../handler/generations/signers/keystores.ts'

/** Keystores that note what happens to them. */
function noted(fails: () => boolean = () => false) {
  const seen: string[] = []
  const keystore: Keystore = {
    check: () => undefined,
    create: () => Promise.reject(new Error('not asked for')),
    sign: async () => Buffer.alloc(0),
    destroy: async () => undefined,
    close: async () => void seen.push('closed'),
  }
  const open = async () => {
    if (fails()) throw new Error('its library is missing')
    seen.push('opened')
    return keystore
  }
  return { seen, keystores: createKeystores({ mem: open, other: open }) }
}

describe('keystores', () => {
  it('are made when they are first needed, and once', async () => {
    const { seen, keystores } = noted()
    expect([keystores.has('mem:a'), keystores.has('toString:a'), keystores.has('a')]).toEqual([
      true,
      false,
      false,
    ])
    expect(await keystores.of('mem:a')).toBe(await keystores.of('mem:b'))
    await expect(keystores.of('nix:a')).rejects.toThrow('known are mem, other')
    expect(seen).toEqual(['opened'])
  })

  it('that could not be made are tried again', async () => {
    let missing = true
    const { keystores } = noted(() => missing)
    await expect(keystores.of('mem:a')).rejects.toThrow('missing')
    missing = false
    expect(await keystores.of('mem:a')).toBeDefined()
  })

  // A late signature made a new client, or a process of a token, that nobody would ever close.
  it('are not made again once they are closed', async () => {
    const { seen, keystores } = noted()
    await keystores.of('mem:a')
    await keystores.close()
    await expect(keystores.of('mem:a')).rejects.toThrow('are closed')
    expect(seen).toEqual(['opened', 'closed'])
  })
})
