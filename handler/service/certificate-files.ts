/** The certificate of `HANDLER_TLS=files` as `check` judges it: a handler that runs goes on with it, and says so. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Slot } from '../config/slots.ts'
import type { FilePair } from '../generations/tls-files.ts'
import type { Finding } from './inspections.ts'

/** Problems that a co-signer would have with the certificate: its dates, and the names it is for. */
export function lookAtCertificate(
  pair: Pick<FilePair, 'certificatePem' | 'notBefore' | 'notAfter'>,
  slots: readonly Slot[],
  now: Date,
): Finding[] {
  const problems: string[] = []
  const { notBefore, notAfter } = pair
  if (now >= notAfter) problems.push(`the certificate expired on ${notAfter.toISOString()}`)
  if (now < notBefore) problems.push(`the certificate is valid from ${notBefore.toISOString()} on`)
  const certificate = new X509Certificate(pair.certificatePem)
  for (const name of new Set(slots.map(({ publicUrl }) => publicUrl.hostname))) {
    const covered = isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)
    if (covered === undefined) problems.push(`the certificate is not for \`${name}\``)
  }
  return problems.map((detail) => ({ item: 'tls', ok: false, detail }))
}
