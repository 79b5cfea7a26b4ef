import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { link, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { selfSignedCertificate } from '../../certs/generate.ts'
import { kidOf, pinOf } from '../../certs/inspect.ts'
import {
  destroyPrivateKeys,
  hasPrivateFiles,
  installGeneration,
  listGenerations,
  loadGeneration,
  loadPublicGeneration,
} from '../../certs/store.ts'
import type { GenerationFiles } from '../../certs/store.ts'
import { testEcKey, testKey } from '../fixtures/keys.ts'
import type { TestKey } from '../fixtures/keys.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

async function files(generation = 1, key = 'default'): Promise<GenerationFiles> {
  const { privateKeyPem, publicKeyPem } = await testKey(key)
  return {
    meta: { version: 1, generation, slot: 'A', createdAt: '2026-11-21T00:00:00.000Z' },
    privateKeyPem,
    publicKeyPem,
    certificatePem: selfSignedCertificate({
      privateKeyPem,
      names: ['localhost'],
      notBefore: new Date('2026-11-21T00:00:00Z'),
      notAfter: new Date('2027-11-21T00:00:00Z'),
    }),
  }
}

async function installed(): Promise<{ keys: string; privateKey: string }> {
  const keys = join(await temporaryDirectory(), 'keys')
  await installGeneration(keys, await files())
  return { keys, privateKey: join(keys, 'g1', 'private.pem') }
}

describe('a generation', () => {
  it('is loaded as it was installed', async () => {
    const { keys } = await installed()
    const loaded = await loadGeneration(keys, 1)
    expect(loaded).toMatchObject({ generation: 1, slot: 'A', version: 1 })
    expect(loaded.publicKeyPem).toBe((await testKey()).publicKeyPem)
    expect(loaded.kid).toMatch(/^[0-9a-f]{64}$/)
    expect(await listGenerations(keys)).toEqual([1])
  })

  it('is never overwritten: the number stays with its first key', async () => {
    const { keys } = await installed()
    await expect(installGeneration(keys, await files(1, 'other'))).rejects.toThrow(
      /ENOTEMPTY|EEXIST/,
    )
    expect((await loadGeneration(keys, 1)).publicKeyPem).toBe((await testKey()).publicKeyPem)
  })

  it('is not there after an install that was cut short, and can be installed again', async () => {
    const { keys } = await installed()
    await rename(join(keys, 'g1'), join(keys, 'g1.tmp'))
    expect(await listGenerations(keys)).toEqual([])
    await installGeneration(keys, await files())
    expect(await readdir(keys)).toEqual(['g1'])
  })

  it('lists numbers in order and ignores what is not a generation', async () => {
    const keys = await temporaryDirectory()
    for (const name of ['g10', 'g2', 'g02', 'g0', 'gx', 'g3.tmp', 'other']) {
      await mkdir(join(keys, name))
    }
    expect(await listGenerations(keys)).toEqual([2, 10])
    expect(await listGenerations(join(keys, 'missing'))).toEqual([])
  })
})

/** A generation whose answers are signed with another key than its certificate's. */
async function split(answer: TestKey, change: Partial<GenerationFiles> = {}): Promise<string> {
  const keys = join(await temporaryDirectory(), 'keys')
  const { meta, privateKeyPem: tlsKeyPem, ...rest } = await files()
  const { algorithm } = answer.signer
  const { privateKeyPem, publicKeyPem } = answer
  await installGeneration(keys, {
    ...rest,
    meta: { ...meta, version: 2, answerKey: { algorithm, signer: 'file' } },
    privateKeyPem,
    ...(tlsKeyPem === undefined ? {} : { tlsKeyPem }),
    publicKeyPem,
    ...change,
  })
  return keys
}

describe('a generation with two keys', () => {
  it.each([
    ['RS256', () => testKey('answers')],
    ['ES256', testEcKey],
  ] as const)('is loaded with its %s answer key, and both are proved', async (algorithm, make) => {
    const answer = await make()
    const keys = await split(answer)
    expect(await readdir(join(keys, 'g1'))).toEqual([
      'cert.pem',
      'meta.json',
      'private.pem',
      'public.pem',
      'tls.pem',
    ])
    const { kid, pin, algorithm: loaded, tlsKey, answerPrivateKey } = await loadGeneration(keys, 1)
    const tls = await testKey()
    expect([loaded, kid, pin]).toEqual([algorithm, kidOf(answer.publicKey), pinOf(tls.publicKey)])
    expect([tlsKey.equals(tls.privateKey), answerPrivateKey?.equals(answer.privateKey)]).toEqual([
      true,
      true,
    ])
  })

  it('is refused when one of its keys is another', async () => {
    const [answer, other] = [await testEcKey(), await testEcKey()]
    for (const change of [
      { privateKeyPem: other.privateKeyPem },
      { tlsKeyPem: (await testKey('other')).privateKeyPem },
      { publicKeyPem: other.publicKeyPem },
      { publicKeyPem: (await testKey('other')).publicKeyPem },
    ]) {
      await expect(loadGeneration(await split(answer, change), 1)).rejects.toThrow(
        /do not belong together/,
      )
    }
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    await expect(loadGeneration(await split(answer, { publicKeyPem }), 1)).rejects.toThrow(
      'expected an EC key on the curve P-256, found secp384r1',
    )
  })

  it('lacks private keys as soon as one of its files is gone', async () => {
    for (const name of ['private.pem', 'tls.pem']) {
      const keys = await split(await testEcKey())
      const half = await loadPublicGeneration(keys, 1)
      expect(await hasPrivateFiles(keys, half)).toBe(true)
      await rm(join(keys, 'g1', name))
      expect(await hasPrivateFiles(keys, half)).toBe(false)
    }
    const keys = await split(await testEcKey())
    await destroyPrivateKeys(keys, 1)
    await destroyPrivateKeys(keys, 1)
    expect(await readdir(join(keys, 'g1'))).toEqual(['cert.pem', 'meta.json', 'public.pem'])
  })
})

describe('a private key on disk is refused when', () => {
  it('it is a symbolic link', async () => {
    const { keys, privateKey } = await installed()
    await rename(privateKey, `${privateKey}.real`)
    await symlink(`${privateKey}.real`, privateKey)
    await expect(loadGeneration(keys, 1)).rejects.toThrow(/is a symbolic link/)
  })

  it('it has a second name', async () => {
    const { keys, privateKey } = await installed()
    await link(privateKey, `${privateKey}.copy`)
    await expect(loadGeneration(keys, 1)).rejects.toThrow(/second name/)
  })

  it('it is a directory', async () => {
    const { keys, privateKey } = await installed()
    await rename(privateKey, `${privateKey}.real`)
    await mkdir(privateKey)
    await expect(loadGeneration(keys, 1)).rejects.toThrow(/is not a regular file/)
  })

  // Opened without O_NONBLOCK, it would keep the start waiting for a writer.
  it('it is a pipe', async () => {
    const { keys, privateKey } = await installed()
    await rename(privateKey, `${privateKey}.real`)
    execFileSync('mkfifo', ['-m', '600', privateKey])
    await expect(loadGeneration(keys, 1)).rejects.toThrow(/is not a regular file/)
  })

  it('it does not belong to the public key and certificate', async () => {
    const { keys, privateKey } = await installed()
    await writeFile(privateKey, (await testKey('other')).privateKeyPem)
    await expect(loadGeneration(keys, 1)).rejects.toThrow(/do not belong together/)
  })

  it('its description is of another number or version', async () => {
    const { keys } = await installed()
    const meta = join(keys, 'g1', 'meta.json')
    const elsewhere = { generation: 1, slot: 'A', createdAt: '' }
    for (const value of [
      { version: 2, ...elsewhere },
      { version: 2, ...elsewhere, answerKey: { algorithm: 'PS256', signer: 'file' } },
      { version: 2, ...elsewhere, answerKey: { algorithm: 'RS256' } },
      { version: 1, ...elsewhere, answerKey: { algorithm: 'RS256', signer: 'file' } },
      { version: 3, ...elsewhere },
      { version: 2, generation: 1 },
      { version: 1, generation: 7 },
      null,
      'x',
    ]) {
      await writeFile(meta, JSON.stringify(value))
      await expect(loadGeneration(keys, 1)).rejects.toThrow(/not of this version/)
    }
  })
})
