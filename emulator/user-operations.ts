/**
 * The management operations of the API: create and list API users, pairing tokens, the workspace's
 * audit log.
 */
import { createPublicKey } from 'node:crypto'
import { z } from 'zod'
import { readCertificateSigningRequest } from '../certs/generate.ts'
import { openRequest } from './approvals.ts'
import { drawUuid } from './chaos.ts'
import { empty, flatError, json, type Reply } from './message.ts'
import { type Call, type Operation, readBody } from './operation.ts'
import { encode } from './tokens.ts'
import type { ApiUser } from './state.ts'

/** One hour (vendor: re-enrolling API users). */
const PAIRING_TOKEN_MS = 3_600_000

const ROLES = [
  'ADMIN',
  'SIGNER',
  'COLLATERALS_SIGNER',
  'EDITOR',
  'APPROVER',
  'VIEWER',
  'NON_SIGNING_ADMIN',
  'AUDITOR',
  'NCW_ADMIN',
  'NCW_SIGNER',
  'SECURITY_ADMIN',
  'SECURITY_AUDITOR',
] as const

const createSchema = z.strictObject({
  role: z.enum(ROLES),
  name: z.string().min(1).max(30),
  csrPem: z.string(),
  coSignerSetupType: z.string().optional(),
  coSignerSetupIsFirstUser: z.boolean().optional(),
})

const base = { adminOnly: true, idempotent: false, nestedErrors: true } as const

/** Every management operation, and one harmless read that any role may do. */
export const USER_OPERATIONS: readonly Operation[] = [
  { ...base, method: 'POST', path: /^\/management\/api_users$/, idempotent: true, run: createUser },
  { ...base, method: 'GET', path: /^\/management\/api_users$/, run: listUsers },
  {
    ...base,
    method: 'POST',
    path: /^\/management\/api_users\/(?<userId>[^/]+)\/pairing_token$/,
    idempotent: true,
    nestedErrors: false,
    run: issuePairingToken,
  },
  {
    ...base,
    method: 'GET',
    path: /^\/management\/api_users\/(?<userId>[^/]+)\/whitelist_ip_addresses$/,
    run: listIpAddresses,
  },
  {
    ...base,
    method: 'GET',
    path: /^\/management\/audit_logs$/,
    nestedErrors: false,
    run: listEvents,
  },
  {
    ...base,
    method: 'GET',
    path: /^\/supported_assets$/,
    adminOnly: false,
    nestedErrors: false,
    run: () => json(200, ASSETS),
  },
]

const ASSETS = [
  { id: 'BTC_TEST', name: 'Bitcoin Test', type: 'BASE_ASSET', decimals: 8 },
  { id: 'ETH_TEST5', name: 'Ethereum Test (Sepolia)', type: 'BASE_ASSET', decimals: 18 },
]

/**
 * 200 without a body; the user is listed once people have approved it. Names need not be unique.
 */
function createUser({ body, state, now }: Call): Reply {
  const read = readBody(body, createSchema)
  if (!read.ok) return read.reply
  const { name, role, csrPem } = read.value
  const csr = readCertificateSigningRequest(csrPem)
  if (csr === undefined) return flatError(400, 'Bad request: csrPem: not an RSA PKCS#10 request')
  if (!csr.selfSigned) return flatError(400, 'Bad request: csrPem: the signature does not verify')
  if (csr.organization === undefined || csr.organization === '') {
    return flatError(400, 'Bad request: csrPem: the organization (O) is missing')
  }
  const publicKey = createPublicKey(csr.publicKeyPem)
  if ((publicKey.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
    return flatError(400, 'Bad request: csrPem: the RSA key is shorter than 2048 bits')
  }
  const id = drawUuid(state.chaos, 'user')
  const user: ApiUser = { id, name, role, status: 'PENDING_ACTIVATION', publicKey }
  openRequest(state, { type: 'CREATE_API_USER', target: undefined, user }, now)
  state.events.push({ at: now, event: 'New user submitted', subject: name })
  return empty(200)
}

function listUsers({ state }: Call): Reply {
  const waiting = state.requests.flatMap(({ user, status }) =>
    user !== undefined && status === 'WAITING_FOR_APPROVAL' ? [user] : [],
  )
  const listed = state.chaos.knobs.LIST_UNAPPROVED ? waiting : []
  return json(200, { users: [...state.users.values(), ...listed].map(shownUser) })
}

function issuePairingToken({ state, params, now }: Call): Reply {
  const user = state.users.get(params['userId'] ?? '')
  if (user === undefined) return flatError(404, 'User not found')
  if (user.status !== 'PENDING_ACTIVATION') {
    return flatError(409, 'The user is not pending activation')
  }
  const expiresAt = now + PAIRING_TOKEN_MS
  const claims = { userId: user.id, exp: Math.floor(expiresAt / 1000) }
  // Looks like the vendor's token, which is a JWT with a `userId`; only its presence in the state
  // makes it valid.
  const secret = drawUuid(state.chaos, 'pairing-token')
  const pairingToken = `${encode('{"alg":"HS256","typ":"JWT"}')}.${encode(JSON.stringify(claims))}.${encode(secret)}`
  state.pairingTokens.set(pairingToken, { userId: user.id, expiresAt })
  return json(201, { ...shownUser(user), pairingToken })
}

function listIpAddresses({ state, params }: Call): Reply {
  const userId = params['userId'] ?? ''
  if (!state.users.has(userId)) return flatError(404, 'User not found')
  return json(200, { userId, whitelistedIps: null })
}

function listEvents({ state, query }: Call): Reply {
  const from = Number(query.get('startTime') ?? '0')
  const to = Number(query.get('endTime') ?? String(Number.MAX_SAFE_INTEGER))
  const data = state.events
    .filter(({ at }) => at >= from && at <= to)
    .map(({ at, event, subject }) => ({ timestamp: at, createdAt: at, event, subject }))
  return json(200, { data, total: data.length })
}

function shownUser({ id, name, role, status }: ApiUser) {
  return { id, name, role, enabled: true, status, userType: 'API' }
}
