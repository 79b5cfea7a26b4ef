/** The certificate of `HANDLER_TLS=files`: taken over only as a whole pair that fits together, else the old one stays. */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'
import { connect } from 'node:tls'
import { certificateFacts } from '../../certs/inspect.ts'
import { readPrivateFile } from '../../common/atomic-file.ts'
import { KeyMaterialError } from '../../common/errors.ts'
import { describeNoPem, pemBlocks, toPem } from '../../common/pem.ts'
import type { ServedCertificate } from './generation-info.ts'
import type { TlsPair } from '../../certs/store.ts'

/** A pair from the two files, with what it presents. */
export interface FilePair extends TlsPair, ServedCertificate {
  /** Of both files: equal when nothing has changed. */
  readonly digest: string
}

/**
 * Reads both files. Links are followed, as certificate tools publish them; the private key they lead to must be private.
 *
 * @throws KeyMaterialError, UnsafeFileError
 */
export async function loadFilePair(certFile: string, keyFile: string): Promise<FilePair> {
  const cert = await readFile(certFile, 'utf8')
  const key = await readPrivateFile(await realpath(keyFile))
  const [leaf, ...others] = pemBlocks(cert)
  if (leaf?.label !== 'CERTIFICATE') {
    const found = leaf === undefined ? describeNoPem(cert) : `found a ${leaf.label.toLowerCase()}`
    throw new KeyMaterialError(`\`${certFile}\` does not begin with a certificate: ${found}`)
  }
  const certificatePem = toPem(leaf.label, leaf.der)
  const facts = certificateFacts(certificatePem)
  const privateKey = privateKeyIn(key, keyFile)
  if (!fits(certificatePem, privateKey)) {
    const at = others.findIndex(({ label, der }) => fits(toPem(label, der), privateKey))
    throw at === -1
      ? new KeyMaterialError(`\`${keyFile}\` is not the private key of \`${certFile}\``)
      : new KeyMaterialError(
          `\`${certFile}\` is out of order: certificate ${at + 2} is that of the key, and must be the first`,
          { hint: 'own certificate first, then the intermediates in order' },
        )
  }
  const digest = createHash('sha256').update(cert).update('\0').update(key).digest('hex')
  const { fingerprint, pin, notBefore, notAfter } = facts
  return { cert, key, certificatePem, fingerprint, pin, notBefore, notAfter, digest }
}

/** @throws KeyMaterialError naming what the file is instead */
function privateKeyIn(key: string, keyFile: string): KeyObject {
  const [block] = pemBlocks(key)
  if (/^Proc-Type: 4,ENCRYPTED/m.test(key) || block?.label === 'ENCRYPTED PRIVATE KEY') {
    throw new KeyMaterialError(`\`${keyFile}\` is encrypted`, {
      hint: 'decrypt it: openssl pkey -in <file> -out <file>',
    })
  }
  try {
    return createPrivateKey(key)
  } catch (cause) {
    const found = block === undefined ? describeNoPem(key) : `found a ${block.label.toLowerCase()}`
    throw new KeyMaterialError(`\`${keyFile}\` holds no private key: ${found}`, { cause })
  }
}

function fits(certificatePem: string, key: KeyObject): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(key)
  } catch {
    return false
  }
}

/** What a swap came to. */
export type PairChange =
  | { readonly kind: 'swapped'; readonly pair: FilePair; readonly keyChanged: boolean }
  | { readonly kind: 'kept'; readonly error: unknown }

export interface FilePairSource {
  readonly current: () => FilePair
  /** Looks at the files again; undefined when nothing has changed since the last look. */
  readonly poll: () => Promise<PairChange | undefined>
}

/** Follows the files from a pair that was loaded before. An error is told once, until it is another one. */
export function followFilePair(certFile: string, keyFile: string, first: FilePair): FilePairSource {
  let pair = first
  let told: string | undefined
  return {
    current: () => pair,
    poll: async () => {
      try {
        const next = await loadFilePair(certFile, keyFile)
        told = undefined
        if (next.digest === pair.digest) return undefined
        const keyChanged = next.pin !== pair.pin
        pair = next
        return { kind: 'swapped', pair, keyChanged }
      } catch (error) {
        const message = error instanceof Error ? error.message : ''
        if (message === told) return undefined
        told = message
        return { kind: 'kept', error }
      }
    },
  }
}

/** Hex SHA-256 of the certificate that a listener presents; undefined when no handshake comes about in two seconds. */
export function servedFingerprint(
  host: string,
  port: number,
  servername: string,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Nothing is sent and nothing trusted: the certificate itself is what is asked for.
    const socket = connect({ host, port, servername, rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate()
      done(createHash('sha256').update(raw).digest('hex'))
    })
    const done = (fingerprint: string | undefined) => {
      socket.destroy()
      resolve(fingerprint)
    }
    socket.setTimeout(2_000, () => done(undefined))
    socket.on('error', () => done(undefined))
  })
}
