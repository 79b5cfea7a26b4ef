/**
 * Paths, bodies and answers of the custody API; the only place where a callback handler body can be
 * made.
 */
import { createHash } from 'node:crypto'
import type { AuthMode } from '../../common/admin-api.ts'
import { pemBlocks } from '../../common/pem.ts'
import { isObject } from '../../common/json.ts'
import { segment } from './ids.ts'

/** The segment under a co-signer: the documented beta family, or its newer name. */
export type ApiFamily = 'api_keys' | 'api_users'

const sealed = Symbol('sealed')

/**
 * The body of PUT (pair) and PATCH (update). INVARIANT: it always names a callback handler with its
 * URL and a key or certificate, because a co-signer without a handler signs everything. Only
 * `handlerBody` can make one.
 */
export interface HandlerBody {
  readonly [sealed]: true
  /** Exactly what goes on the wire, the same for the same input. */
  readonly text: string
  /** Hex SHA-256 of the text. */
  readonly sha256: string
}

/** What the co-signer is to call and to trust. */
export interface HandlerIdentity {
  readonly url: string
  readonly publicKeyPem: string
  readonly certificatePem: string
}

/**
 * The complete replacement of a callback handler: `hybrid` sends key and certificate, the other
 * modes exactly one.
 *
 * @throws RangeError when the URL, the key or the certificate is not what it must be; nothing can be sent then
 */
export function handlerBody(auth: AuthMode, handler: HandlerIdentity): HandlerBody {
  const { url, publicKeyPem: publicKey, certificatePem: cert } = handler
  if (!/^https?:\/\/[^\s/]+/.test(url)) throw new RangeError(`\`${url}\` is not a handler URL`)
  const callbackHandler = {
    url,
    ...(auth === 'certificate' ? {} : { publicKey: mustHold('PUBLIC KEY', publicKey) }),
    ...(auth === 'public-key' ? {} : { cert: mustHold('CERTIFICATE', cert) }),
  }
  const json = JSON.stringify({ callbackHandler })
  return { [sealed]: true, text: json, sha256: createHash('sha256').update(json).digest('hex') }
}

function mustHold(label: string, pem: string): string {
  const [block, ...more] = pemBlocks(pem)
  if (block?.label === label && more.length === 0 && block.der.length > 0) return pem
  throw new RangeError(`the handler gave no PEM ${label.toLowerCase()}`)
}

/** What a new API user is made of. */
export interface UserRequest {
  readonly name: string
  readonly role: string
  readonly csrPem: string
  readonly setupType?: string
  readonly firstUser: boolean
}

/**
 * Body of `POST /management/api_users`. Only the first user of an SGX machine is announced as such.
 */
export function userBody(user: UserRequest): string {
  const first = user.firstUser && (user.setupType ?? 'SGX_MACHINE') === 'SGX_MACHINE'
  return JSON.stringify({
    role: user.role,
    name: user.name,
    csrPem: user.csrPem,
    ...(user.setupType === undefined ? {} : { coSignerSetupType: user.setupType }),
    ...(first ? { coSignerSetupIsFirstUser: true } : {}),
  })
}

/** Paths after the base path. */
export const paths = {
  users: '/management/api_users',
  pairingToken: (userId: string) => `/management/api_users/${segment(userId)}/pairing_token`,
  /** The shortest list there is: also what a new user reads to prove its key. */
  cosigners: '/cosigners?pageSize=1',
  cosigner: (cosignerId: string) => `/cosigners/${segment(cosignerId)}`,
  /** The vendor's largest pages. */
  vaultAccounts: (after?: string) => `/vault/accounts_paged?limit=500${afterOf(after)}`,
  vaultAddresses: (vaultId: string, assetId: string, after?: string) =>
    `/vault/accounts/${segment(vaultId)}/${segment(assetId)}/addresses_paginated?limit=1000${afterOf(after)}`,
  request: (cosignerId: string, family: ApiFamily, apiKeyId: string, requestId: string) =>
    `${paths.apiKey(cosignerId, family, apiKeyId)}/${segment(requestId)}`,
  apiKey: (cosignerId: string, family: ApiFamily, apiKeyId: string): string =>
    `/cosigners/${segment(cosignerId)}/${family}/${segment(apiKeyId)}`,
}

function afterOf(after: string | undefined): string {
  return after === undefined ? '' : `&after=${encodeURIComponent(after)}`
}

/** A part of a list, and where the next part begins. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly after: string | undefined
}

/** A vault account and the assets that it has wallets of. */
export interface VaultAccount {
  readonly id: string
  readonly assets: readonly string[]
}

/** Reads GET vault accounts; undefined when it is no such list. */
export function parseVaultAccounts(body: unknown): Page<VaultAccount> | undefined {
  return pageOf(body, 'accounts', (item) => {
    const id = text(item['id'])
    const assets = Array.isArray(item['assets']) ? item['assets'] : []
    if (id === undefined) return undefined
    return { id, assets: assets.filter(isObject).flatMap((asset) => text(asset['id']) ?? []) }
  })
}

/** Reads GET addresses of a vault account: every spelling of each, with its tag as `address:tag`. */
export function parseVaultAddresses(body: unknown): Page<readonly string[]> | undefined {
  return pageOf(body, 'addresses', (item) => {
    const tag = text(item['tag'])
    const spelled = ['address', 'legacyAddress', 'enterpriseAddress'].flatMap(
      (name) => text(item[name]) ?? [],
    )
    return spelled.map((address) => (tag === undefined ? address : `${address}:${tag}`))
  })
}

/** One entry without what it must have makes the whole list unreadable: a part would pass for all. */
function pageOf<T>(
  body: unknown,
  name: string,
  read: (item: Readonly<Record<string, unknown>>) => T | undefined,
): Page<T> | undefined {
  const { [name]: list, paging } = asObject(body)
  if (!Array.isArray(list)) return undefined
  const items: T[] = []
  for (const each of list as readonly unknown[]) {
    const item = isObject(each) ? read(each) : undefined
    if (item === undefined) return undefined
    items.push(item)
  }
  return { items, after: text(asObject(paging)['after']) }
}

export interface Cosigner {
  readonly id: string
  readonly name: string | undefined
  readonly archived: boolean
  /** SANDBOX, SGX, GCP-CONFSPACE, AWS-NITRO, PLAIN, or something newer. */
  readonly type: string | undefined
  /** For example `2026.08.19`. */
  readonly version: string | undefined
}

export interface PairedHandler {
  readonly url: string
  readonly publicKey: string | undefined
  /** A hash of the certificate's public key; its encoding is not documented. */
  readonly certPublicKeyHash: string | undefined
}

/** An API key as the co-signer's read model shows it. */
export interface PairedKey {
  readonly id: string | undefined
  readonly lastSeen: string | undefined
  /** Absent: the co-signer signs everything for this user. */
  readonly handler: PairedHandler | undefined
}

export interface ApiUser {
  readonly id: string
  readonly name: string | undefined
  readonly role: string | undefined
  /**
   * PENDING_ACTIVATION, PENDING_DEVICE_PAIRING, PENDING_DEVICE_SETUP, READY, or something newer.
   */
  readonly status: string | undefined
  readonly userType: string | undefined
}

/** Reads GET cosigner; unknown members and values are tolerated. */
export function parseCosigner(body: unknown, cosignerId: string): Cosigner {
  const value = asObject(body)
  const version = value['version']
  return {
    id: text(value['id']) ?? cosignerId,
    name: text(value['name']),
    archived: value['archived'] === true,
    type: text(value['type']),
    version: isObject(version) ? text(version['name']) : text(version),
  }
}

/** Reads GET api key. A handler without a URL counts as none. */
export function parsePairedKey(body: unknown): PairedKey {
  const value = asObject(body)
  const handler = value['callbackHandler']
  const url = isObject(handler) ? text(handler['url']) : undefined
  return {
    id: text(value['id']),
    lastSeen: text(value['lastSeen']),
    handler:
      url === undefined || !isObject(handler)
        ? undefined
        : {
            url,
            publicKey: text(handler['publicKey']),
            certPublicKeyHash: text(handler['certPublicKeyHash']),
          },
  }
}

/**
 * Reads GET api users: `{ users: [...] }`, or undefined when it is no such list. Entries without an
 * id are skipped.
 */
export function parseUsers(body: unknown): readonly ApiUser[] | undefined {
  const list = Array.isArray(body) ? body : asObject(body)['users']
  if (!Array.isArray(list)) return undefined
  return list.filter(isObject).flatMap((item) => {
    const id = text(item['id'])
    if (id === undefined) return []
    return {
      id,
      name: text(item['name']),
      role: text(item['role']),
      status: text(item['status']),
      userType: text(item['userType']),
    }
  })
}

/** The handler's URL in the body or the answer of a PUT or PATCH. */
export function echoedUrl(body: unknown): string | undefined {
  return parsePairedKey(body).handler?.url
}

/** Reads the status of a request, in the documented spelling; undefined when there is none. */
export function parseRequestStatus(body: unknown): string | undefined {
  const status = text(asObject(body)['status'])
  const plain = status
    ?.trim()
    .toUpperCase()
    .replaceAll(/[\s-]+/g, '_')
  return plain === 'CANCELED' ? 'CANCELLED' : plain
}

/** Statuses after which a change will not happen; EXPIRED and FAILED are known of sibling APIs. */
export type Refused = 'REJECTED' | 'CANCELLED' | 'EXPIRED' | 'FAILED'

/** How each is said of a change. */
const REFUSALS: Readonly<Record<Refused, string>> = {
  REJECTED: 'rejected',
  CANCELLED: 'cancelled',
  EXPIRED: 'expired',
  FAILED: 'failed',
}

/** True for a status after which the change will not happen. */
export function isRefused(status: string | null | undefined): status is Refused {
  return typeof status === 'string' && Object.hasOwn(REFUSALS, status)
}

/** `rejected`, `cancelled`, …: how the status is said of a change. */
export function refusalWord(status: Refused): string {
  return REFUSALS[status]
}

/** True for the statuses that this program understands. */
export function isKnownStatus(status: string): boolean {
  return isRefused(status) || ['WAITING_FOR_APPROVAL', 'APPROVED', 'COMPLETED'].includes(status)
}

/** Reads the pairing token of a 201; the token is a secret. */
export function parsePairingToken(body: unknown): string | undefined {
  return text(asObject(body)['pairingToken'])
}

/** The request id is the last segment of the location. */
export function requestIdOf(locationPath: string): string | undefined {
  const last = locationPath.split('?')[0]?.split('/').at(-1)
  return last === undefined || last === '' ? undefined : last
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {}
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
