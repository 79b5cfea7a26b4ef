/** Co-signer keys: who may approve is decided here, so every doubt keeps the handler from starting. */
import { chmod, chown, lchown, mkdir, symlink, writeFile } from 'node:fs/promises'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { selfSignedCertificate } from '../../../certs/generate.ts'
import { loadCosignerKeys } from '../../../handler/service/cosigner-keys.ts'
import { testKey } from '../../fixtures/keys.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

async function directoryOf(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(directory, name), text, { mode: 0o644 })
    await chmod(join(directory, name), 0o644)
  }
  return directory
}

describe('co-signer keys are loaded', () => {
  it('from one file, named after it', async () => {
    const { publicKeyPem } = await testKey()
    const directory = await directoryOf({ 'vault-1.pem': publicKeyPem })
    const { keys, problems } = await loadCosignerKeys(join(directory, 'vault-1.pem'))
    expect([keys.map(({ name }) => name), problems]).toEqual([['vault-1'], []])
  })

  it('from a directory, in the order of their names, other files left alone', async () => {
    const [one, two] = [await testKey(), await testKey('cosigner')]
    const directory = await directoryOf({
      'b.pem': one.publicKeyPem,
      'a.pem': two.publicKeyPem,
      README: 'x',
      '.hidden.pem': 'x',
    })
    const { keys, problems } = await loadCosignerKeys(directory)
    expect([keys.map(({ name }) => name), problems]).toEqual([['a', 'b'], []])
  })

  it('through the links of a mounted secret', async () => {
    const { publicKeyPem } = await testKey()
    const directory = await directoryOf({ '..data': publicKeyPem })
    await symlink('..data', join(directory, 'a.pem'))
    expect((await loadCosignerKeys(directory)).keys.map(({ name }) => name)).toEqual(['a'])
  })
})

describe('co-signer keys are refused', () => {
  const refusal = async (text: string) => {
    const directory = await directoryOf({ 'a.pem': text })
    const { keys, problems } = await loadCosignerKeys(directory)
    expect(keys).toEqual([])
    return problems.map((problem) => problem.replace(directory, ''))
  }

  it('when a private key was pasted, without repeating it', async () => {
    const { privateKeyPem } = await testKey()
    expect(await refusal(privateKeyPem)).toEqual([
      '`/a.pem`: expected a public key, found a private key',
    ])
  })

  it('when a certificate was pasted', async () => {
    const { privateKeyPem } = await testKey()
    const [notBefore, notAfter] = [new Date(0), new Date(1e12)]
    const pem = selfSignedCertificate({ privateKeyPem, names: ['a'], notBefore, notAfter })
    expect(await refusal(pem)).toEqual(['`/a.pem`: expected a public key, found a certificate'])
  })

  it('when the key is of another size or kind', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = (key: typeof rsa) => key.publicKey.export({ type: 'spki', format: 'pem' })
    expect(await refusal(pem(rsa).toString())).toEqual([
      '`/a.pem`: expected an RSA key of 2048 bits, found 1024',
    ])
    expect(await refusal(pem(ec).toString())).toEqual(['`/a.pem`: expected an RSA key, found ec'])
  })

  it('when others could write the file or the directory', async () => {
    const { publicKeyPem } = await testKey()
    const directory = await directoryOf({ 'a.pem': publicKeyPem })
    await chmod(join(directory, 'a.pem'), 0o664)
    const [file] = (await loadCosignerKeys(directory)).problems
    expect(file).toContain('can be written by other users')
    await chmod(directory, 0o777)
    const [whole] = (await loadCosignerKeys(directory)).problems
    expect(whole).toBe(`\`${directory}\`: can be written by other users (mode 0777)`)
  })

  // Mounted Secrets and ConfigMaps are such directories; others can add files there, and change none.
  it('but not because of a directory with the sticky bit, where the owner of each file counts', async () => {
    const { publicKeyPem } = await testKey()
    const directory = await directoryOf({ 'a.pem': publicKeyPem })
    await chmod(directory, 0o1777)
    expect(await loadCosignerKeys(directory)).toMatchObject({ keys: [{ name: 'a' }], problems: [] })
    if (process.getuid?.() !== 0) return
    await writeFile(join(directory, 'evil.pem'), (await testKey('other')).publicKeyPem)
    await chown(join(directory, 'evil.pem'), 65_534, 65_534)
    await symlink('a.pem', join(directory, 'link.pem'))
    await lchown(join(directory, 'link.pem'), 65_534, 65_534)
    expect((await loadCosignerKeys(directory)).problems).toEqual([
      expect.stringMatching(/evil\.pem.*belongs to another user \(uid 65534\)/),
      expect.stringMatching(/link\.pem.*belongs to another user \(uid 65534\)/),
    ])
  })

  it('when two names have one key', async () => {
    const { publicKeyPem } = await testKey()
    const directory = await directoryOf({ 'a.pem': publicKeyPem, 'b.pem': publicKeyPem })
    expect((await loadCosignerKeys(directory)).problems).toEqual([
      'co-signers `a` and `b` have the same key',
    ])
  })

  it('when there is none, or something else in its place', async () => {
    const directory = await temporaryDirectory()
    expect((await loadCosignerKeys(directory)).problems).toEqual([
      `\`${directory}\`: holds no \`<name>.pem\``,
    ])
    expect((await loadCosignerKeys(join(directory, 'x'))).problems).toEqual([
      `\`${join(directory, 'x')}\`: there is no such file`,
    ])
    await mkdir(join(directory, 'a.pem'))
    await writeFile(join(directory, 'b c.pem'), '')
    expect((await loadCosignerKeys(directory)).problems).toEqual([
      `\`${join(directory, 'a.pem')}\`: is not a regular file`,
      `\`${join(directory, 'b c.pem')}\`: a name is made of 1 to 64 characters A-Z a-z 0-9 . _ -`,
    ])
  })
})
