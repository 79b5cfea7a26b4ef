/**
 * The canary: once a day, something that the handler must refuse. It ends with 0 only when it was refused; any other end
 * means that transactions are signed without being asked for, or that nothing is signed at all.
 *
 * With `FIREBLOCKS_API_KEY`, a test user creates the transaction of `CANARY_TRANSACTION` (JSON, as the API takes it) and
 * its end is followed. With `CANARY_CONTROL_URL`, the emulator's co-signer asks instead: a rehearsal.
 */
import { createHash, createPrivateKey, randomUUID, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long a transaction may take to its end, and how often it is looked at, in milliseconds. */
const PATIENCE_MS = 15 * 60_000
const EVERY_MS = Number(process.env.CANARY_EVERY_MS ?? 5_000)

/** How long one request may take, in milliseconds. */
const REQUEST_MS = 40_000

/** Ends of a transaction that was not signed, and states of one that was. */
const REFUSED = ['REJECTED', 'BLOCKED', 'CANCELLED', 'FAILED']
const SIGNED = ['BROADCASTING', 'CONFIRMING', 'COMPLETED', 'PENDING_3RD_PARTY']

async function ask(url, method, body, headers) {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === '' ? {} : { body }),
    redirect: 'error',
    signal: AbortSignal.timeout(REQUEST_MS),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url} was answered ${response.status}`)
  return JSON.parse(text)
}

/** Asks through the emulator; true when it was refused. */
async function rehearse(controlUrl) {
  const request = process.env.CANARY_REQUEST ?? '{"sample":"eth-transfer"}'
  const { action } = await ask(`${controlUrl}/callbacks`, 'POST', request, {})
  return [action === 'REJECT', `the handler answered ${action ?? 'nothing'}`]
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** One request of the custody API, signed as its page "Signing a request" says. */
function call(method, path, body) {
  const base = new URL(process.env.FIREBLOCKS_BASE_PATH ?? 'https://api.fireblocks.io/v1')
  const uri = `${base.pathname.replace(/\/$/, '')}${path}`
  const apiKey = process.env.FIREBLOCKS_API_KEY ?? ''
  const iat = Math.floor(Date.now() / 1_000)
  const bodyHash = createHash('sha256').update(body).digest('hex')
  const claims = { uri, nonce: randomUUID(), iat, exp: iat + 28, sub: apiKey, bodyHash }
  const head = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`
  const key = createPrivateKey(readFileSync(process.env.FIREBLOCKS_SECRET_KEY_PATH ?? ''))
  const token = `${head}.${sign('sha256', Buffer.from(head), key).toString('base64url')}`
  return ask(`${base.origin}${uri}`, method, body, {
    'X-API-Key': apiKey,
    Authorization: `Bearer ${token}`,
  })
}

/** Creates the transaction and follows it to its end; true when it was refused. */
async function transact() {
  const wanted = JSON.parse(process.env.CANARY_TRANSACTION ?? '')
  const externalTxId = `canary-${new Date().toISOString()}`
  const { id } = await call('POST', '/transactions', JSON.stringify({ ...wanted, externalTxId }))
  const untilMs = Date.now() + PATIENCE_MS
  let status = 'not seen'
  while (Date.now() < untilMs) {
    const found = await call('GET', `/transactions/${encodeURIComponent(id)}`, '')
    status = [found.status, found.subStatus].filter(Boolean).join(' ')
    if (REFUSED.includes(found.status)) return [true, `${id} ended as ${status}`]
    if (SIGNED.includes(found.status)) return [false, `${id} was signed: ${status}`]
    await sleep(EVERY_MS)
  }
  return [false, `${id} is still ${status}`]
}

try {
  const controlUrl = process.env.CANARY_CONTROL_URL
  const [refused, what] = await (controlUrl === undefined ? transact() : rehearse(controlUrl))
  process.stdout.write(`canary ${refused ? 'refused' : 'NOT REFUSED'}: ${what}\n`)
  process.exitCode = refused ? 0 : 1
} catch (error) {
  process.stderr.write(`the canary could not be asked: ${error.cause?.code ?? error.message}\n`)
  process.exitCode = 1
}
