/** The temporary directory of a run with everything that the servers and the load share: keys, requests, policies. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AnswerAlgorithm } from '../common/answer-algorithm.ts'
import { generateEcKeyPair, generateKeyPair, selfSignedCertificate } from '../certs/generate.ts'
import type { TokenOrder } from './load/make-tokens.ts'
import { ask, start, stop } from './processes.ts'

export interface World {
  readonly directory: string
  /** Private key that signs the requests. */
  readonly cosignerKeyFile: string
  readonly cosignerPublicKeyPem: string
  /** Directory with `private.pem`, `es256.pem`, `cert.pem` and `cosigner.pem` for the reference handlers. */
  readonly referenceKeys: string
  readonly referenceCertificatePem: string
  /** Public halves of the keys that the reference handlers sign with. */
  readonly referenceAnswerKeys: Readonly<Record<AnswerAlgorithm, string>>
  /** A new empty directory, mode 0700. */
  makeDirectory(name: string): Promise<string>
  /** A file of at least `count` signed requests of that many characters; made once and extended never. */
  pool(count: number, chars: number): Promise<string>
  remove(): Promise<void>
}

const DAY_MS = 86_400_000

/** Makes the directory and the keys. */
export async function createWorld(now: Date): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-bench-'))
  const pools = new Map<number, { readonly file: string; readonly count: number }>()
  let directories = 0
  const makeDirectory = async (name: string) => {
    directories += 1
    const path = join(directory, `${directories}-${name}`)
    await mkdir(path, { mode: 0o700 })
    return path
  }
  const cosigner = await generateKeyPair(2048)
  const handler = await generateKeyPair(2048)
  const certificatePem = selfSignedCertificate({
    privateKeyPem: handler.privateKeyPem,
    names: ['localhost'],
    notBefore: new Date(now.getTime() - DAY_MS),
    notAfter: new Date(now.getTime() + DAY_MS),
  })
  const cosignerKeyFile = join(directory, 'cosigner-private.pem')
  await writeFile(cosignerKeyFile, cosigner.privateKeyPem, { mode: 0o600 })
  const referenceKeys = await makeDirectory('reference')
  await writeFile(join(referenceKeys, 'private.pem'), handler.privateKeyPem, { mode: 0o600 })
  const es256 = await generateEcKeyPair()
  await writeFile(join(referenceKeys, 'es256.pem'), es256.privateKeyPem, { mode: 0o600 })
  await writeFile(join(referenceKeys, 'cert.pem'), certificatePem)
  await writeFile(join(referenceKeys, 'cosigner.pem'), cosigner.publicKeyPem)

  return {
    directory,
    cosignerKeyFile,
    cosignerPublicKeyPem: cosigner.publicKeyPem,
    referenceKeys,
    referenceCertificatePem: await readFile(join(referenceKeys, 'cert.pem'), 'utf8'),
    referenceAnswerKeys: { RS256: handler.publicKeyPem, ES256: es256.publicKeyPem },
    makeDirectory,
    async pool(count, chars) {
      const known = pools.get(chars)
      if (known !== undefined && known.count >= count) return known.file
      const file = join(await makeDirectory('pool'), `tokens-${chars}`)
      const order: TokenOrder = { keyFile: cosignerKeyFile, file, count, chars }
      const maker = start('bench/load/make-tokens.js', { ipc: true })
      await ask(maker, order)
      await stop(maker)
      pools.set(chars, { file, count })
      return file
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}
