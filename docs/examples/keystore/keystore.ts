/**
 * A keystore of your own: answer keys in a signing service of the team, asked over HTTP. `HANDLER_ANSWER_SIGNER` names
 * it by its scheme: `acme:https://signer.internal.example/keys`.
 */
import { createPublicKey } from 'node:crypto'
import { type AnswerAlgorithm, type Keystore, KeystoreError } from 'countersign'

/** What the service is asked with; `token` is read at each call, so that it may be renewed. */
export interface AcmeDeps {
  readonly fetch: typeof fetch
  readonly token: () => Promise<string>
}

/** The service: `POST <base>` makes a key, `POST <base>/<id>/sign` signs, `DELETE <base>/<id>` removes. */
export function createAcmeKeystore({ fetch, token }: AcmeDeps): Keystore {
  const call = async (method: string, url: string, body: object, signal: AbortSignal) => {
    const headers = { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' }
    // A redirect would carry the request to a place that nobody has named.
    const init = { method, headers, body: JSON.stringify(body), signal, redirect: 'error' as const }
    const response = await fetch(url, init)
    if (response.ok) return (await response.json()) as Record<string, string>
    throw new KeystoreError(`the signing service answered ${response.status}`)
  }
  return {
    check: (where) => void baseOf(where),
    async create(where, label, algorithm) {
      const limit = AbortSignal.timeout(10_000)
      const { id, publicKey } = await call('POST', baseOf(where), { label, algorithm }, limit)
      if (id === undefined || publicKey === undefined) throw new KeystoreError('no key was made')
      return { name: `${where}/${encodeURIComponent(id)}`, publicKey: createPublicKey(publicKey) }
    },
    async sign(name, algorithm: AnswerAlgorithm, bytes, signal) {
      const data = bytes.toString('base64')
      const { signature } = await call('POST', `${baseOf(name)}/sign`, { algorithm, data }, signal)
      if (signature === undefined) throw new KeystoreError('no signature came back')
      return Buffer.from(signature, 'base64')
    },
    async destroy(name) {
      await call('DELETE', baseOf(name), {}, AbortSignal.timeout(10_000))
    },
    close: async () => undefined,
  }
}

/** `https://…` of `acme:https://…`; plain HTTP is for this machine only. */
function baseOf(name: string): string {
  const url = name.slice('acme:'.length)
  if (/^https:\/\/|^http:\/\/127\.0\.0\.1[:/]/.test(url)) return url
  throw new KeystoreError('expected `acme:https://…`')
}
