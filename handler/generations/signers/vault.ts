/** Answer keys in the transit engine of Vault or OpenBao, asked over HTTPS with a token from a file. */
import { createHash, createPublicKey, randomBytes } from 'node:crypto'
import type { AnswerAlgorithm } from '../../../common/answer-algorithm.ts'
import { readPrivateFile } from '../../../common/atomic-file.ts'
import { isObject, parseJson } from '../../../common/json.ts'
import { type Keystore, KeystoreError } from './keystore.ts'

/** Longest time to make or remove a key. */
const MANAGE_MS = 30_000

/** The engine is told which version signs, so that a rotation of the key there cannot change the key here. */
const VERSION = 1

export interface VaultDeps {
  readonly fetch: typeof fetch
}

interface VaultPlace {
  /** `https://host:port/v1/<mount>`. */
  readonly engine: string
  /** Undefined while no key is named. */
  readonly key: string | undefined
  readonly tokenFile: string
  readonly namespace: string | undefined
}

/** Opens nothing; the token is read at each call, so that it may be renewed. */
export function createVaultKeystore({ fetch }: VaultDeps): Keystore {
  const call = async (
    method: 'GET' | 'POST' | 'DELETE',
    { engine, tokenFile, namespace }: VaultPlace,
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>> | 'absent'> => {
    const [token = ''] = (await readPrivateFile(tokenFile)).split(/\r?\n/, 1)
    const response = await fetch(`${engine}/${path}`, {
      method,
      headers: {
        'x-vault-token': token,
        'x-vault-request': 'true',
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      },
      // A redirect would carry the token to a place that nobody has named.
      redirect: 'error',
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new KeystoreError('the transit engine cannot be reached', { cause })
    })
    const text = await response.text()
    if (response.status === 404) return 'absent'
    if (!response.ok) throw new KeystoreError(`the transit engine answered ${response.status}`)
    const answer = text === '' ? {} : parseJson(text)
    const data = isObject(answer) ? (answer['data'] ?? {}) : undefined
    if (isObject(data)) return data
    throw new KeystoreError('the transit engine gave an answer that is not understood')
  }
  return {
    check: (where) => void parseVaultPlace(where),
    async create(where, label, algorithm) {
      const place = parseVaultPlace(where)
      const signal = AbortSignal.timeout(MANAGE_MS)
      // Making a key that exists is no error there: a name that nobody else can have keeps it from being shared.
      const key = `${label}-${randomBytes(8).toString('hex')}`
      const type = algorithm === 'ES256' ? 'ecdsa-p256' : 'rsa-2048'
      const made = await call('POST', place, `keys/${key}`, { type, exportable: false }, signal)
      const found = await call('GET', place, `keys/${key}`, undefined, signal)
      if (made === 'absent' || found === 'absent') {
        throw new KeystoreError('there is no transit engine at that path')
      }
      const versions = isObject(found['keys']) ? found['keys'] : {}
      const version = versions[String(VERSION)]
      const pem = isObject(version) ? version['public_key'] : undefined
      if (typeof pem !== 'string' || found['exportable'] !== false) {
        throw new KeystoreError('the transit engine made a key that is not what was asked for')
      }
      return { name: where.replace(/(?=\?)/, `/keys/${key}`), publicKey: createPublicKey(pem) }
    },
    async sign(name, algorithm, bytes, signal) {
      const { place, key } = keyOf(name)
      const body = {
        input: createHash('sha256').update(bytes).digest('base64'),
        prehashed: true,
        key_version: VERSION,
        ...FORMS[algorithm],
      }
      const answer = await call('POST', place, `sign/${key}/sha2-256`, body, signal)
      if (answer === 'absent') throw new KeystoreError('the key is not in the transit engine')
      const signature = answer['signature']
      const [, encoded] =
        /^vault:v\d+:(.+)$/.exec(typeof signature === 'string' ? signature : '') ?? []
      if (encoded === undefined) throw new KeystoreError('the transit engine gave no signature')
      // Standard base64 for RSA, base64url for `jws`; Node reads both.
      return Buffer.from(encoded, 'base64')
    },
    async destroy(name) {
      const { place, key } = keyOf(name)
      const signal = AbortSignal.timeout(MANAGE_MS)
      const allow = { deletion_allowed: true }
      if ((await call('POST', place, `keys/${key}/config`, allow, signal)) === 'absent') return
      await call('DELETE', place, `keys/${key}`, undefined, signal)
    },
    close: async () => undefined,
  }
}

/** The place of a name that names a key. */
function keyOf(name: string): { readonly place: VaultPlace; readonly key: string } {
  const place = parseVaultName(name)
  if (place.key === undefined) throw new KeystoreError('the name of a key is missing')
  return { place, key: place.key }
}

/** How a signature is wanted: PKCS#1 v1.5, or R‖S. */
const FORMS: Readonly<Record<AnswerAlgorithm, object>> = {
  RS256: { signature_algorithm: 'pkcs1v15' },
  ES256: { marshaling_algorithm: 'jws' },
}

/** `vault:https://host:port/<mount>?token-file=/…[&namespace=…]`. @throws KeystoreError */
function parseVaultPlace(where: string): VaultPlace {
  const place = parseVaultName(where)
  if (place.key === undefined) return place
  throw wrong('name the engine alone: the key is made and named by the handler')
}

function parseVaultName(name: string): VaultPlace {
  const text = name.slice('vault:'.length)
  if (!URL.canParse(text)) throw wrong('it holds no URL')
  const url = new URL(text)
  const { protocol, hostname, username, password, hash, searchParams } = url
  if (protocol !== 'https:' && !(protocol === 'http:' && hostname === '127.0.0.1')) {
    throw wrong('https is required, plain http is for 127.0.0.1 only')
  }
  if (username !== '' || password !== '' || hash !== '') {
    throw wrong('a user, a password or a fragment has no place in it')
  }
  const tokenFile = searchParams.get('token-file')
  const namespace = searchParams.get('namespace') ?? undefined
  const names = [...searchParams.keys()]
  if (names.some((each) => !['token-file', 'namespace'].includes(each))) {
    throw wrong('it understands `token-file` and `namespace`, and nothing else')
  }
  if (new Set(names).size < names.length) throw wrong('a parameter is there twice')
  if (tokenFile?.startsWith('/') !== true) throw wrong('`token-file` must be an absolute path')
  const [, mount, key] =
    /^\/([A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*?)(?:\/keys\/([A-Za-z0-9_-]+))?\/?$/.exec(
      url.pathname,
    ) ?? []
  if (mount === undefined) throw wrong('the path of the engine is missing or not plain')
  return { engine: `${url.origin}/v1/${mount}`, key, tokenFile, namespace }
}

function wrong(what: string): KeystoreError {
  return new KeystoreError(`\`vault:\`: ${what}`, {
    hint: 'vault:https://vault.example:8200/transit?token-file=/run/secrets/vault-token',
  })
}
