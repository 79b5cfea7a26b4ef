/** Extra signatures: the initiator's own statement of what it asked for, compared with what is about to be approved. */
import { z } from 'zod'
import { baseUnits, compareDecimals, parseDecimal } from '../protocol/decimal.ts'
import { Unreadable } from '../protocol/request.ts'
import type { Text, TxSignRequest } from '../protocol/request.ts'
import { bytesToHex, sha256 } from './rawtx/bytes.ts'
import { contentDigestOf, signsContent } from './rawtx/messages.ts'
import { isReadable, unreadableIn } from './rawtx/readable.ts'
import type { ReadableTx } from './rawtx/readable.ts'
import type { Statement } from './statement-text.ts'
import { parseStatement, statementBytes } from './statement-text.ts'

/** A key that may sign statements. Rotation: list the new key, let initiators change over, give the old one a `notAfter`. */
export interface StatementKey {
  readonly name: string
  /** PEM `PUBLIC KEY`: Ed25519, EC P-256 or RSA; the type fixes the algorithm. */
  readonly publicKey: string
  /** ISO 8601, e.g. `2026-11-21T12:00:00Z`; nothing it signed is accepted from then on. */
  readonly notAfter?: string
}

/** Verifies `signature` over `bytes`; the algorithm is fixed by the key's type. Must not throw. */
export type VerifySignature = (
  publicKey: string,
  bytes: Uint8Array,
  signature: Uint8Array,
) => boolean

export type StatementCheck =
  | {
      readonly status: 'valid'
      /** Hex SHA-256 of the signed bytes; single use under `statement:<digest>`. */
      readonly digest: string
      readonly keyName: string
      /** The RAW or TYPED_MESSAGE contents that were signed for; pass to `verifyRawTx` as `approvedContent`. */
      readonly contentDigest: string | undefined
    }
  | { readonly status: 'invalid'; readonly reason: string }
  | { readonly status: 'absent' }

/**
 * Checks `extraParameters.statement` and `.statementSignature` (base64) against the request's content. Pure; never
 * throws. That a statement serves one transaction only is for the caller to see to: see `digest`.
 */
export function checkStatement(
  request: TxSignRequest,
  keys: readonly StatementKey[],
  now: Date,
  verifySignature: VerifySignature,
): StatementCheck {
  const { extraParameters } = request
  const parameters = extraParameters instanceof Unreadable ? undefined : extraParameters
  const { statement: value, statementSignature } = parameters ?? {}
  if (value === undefined && statementSignature === undefined) return { status: 'absent' }
  const statement = parseStatement(value)
  if (typeof statement === 'string') return invalid(statement)
  const signature = parseBase64(statementSignature)
  if (signature === undefined) return invalid('`statementSignature` is not base64')
  const bytes = statementBytes(statement)
  const key = keys.find(
    (each) => isBefore(now, each.notAfter) && verifySignature(each.publicKey, bytes, signature),
  )
  if (key === undefined) return invalid('no key in use has signed the statement')
  if (!isBefore(now, statement.expiry)) return invalid('the statement has expired')
  if (!isReadable(request)) return invalid(`\`${unreadableIn(request) ?? ''}\` cannot be read`)
  const difference = differenceOf(statement, request)
  if (difference !== undefined) return invalid(`the statement is for another ${difference}`)
  return {
    status: 'valid',
    digest: bytesToHex(sha256(bytes)),
    keyName: key.name,
    contentDigest: statement.contentDigest,
  }
}

function invalid(reason: string): StatementCheck {
  return { status: 'invalid', reason }
}

/** ISO 8601 with `Z` or an offset. */
const instant = z.iso.datetime({ offset: true }).pipe(z.coerce.date())

/** Without an end there is always time; an unreadable end is past. */
function isBefore(now: Date, end: string | undefined): boolean {
  if (end === undefined) return true
  const parsed = instant.safeParse(end)
  return parsed.success && now.getTime() < parsed.data.getTime()
}

/** At most what an RSA-16384 signature needs. */
const MAX_SIGNATURE = 2732

function parseBase64(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string' || value === '' || value.length > MAX_SIGNATURE) return undefined
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value ? Uint8Array.from(bytes) : undefined
}

/** The first thing that the request says otherwise, or that the statement must say and does not. */
function differenceOf(statement: Statement, request: ReadableTx): string | undefined {
  if (statement.externalTxId !== request.externalTxId) return '`externalTxId`'
  if (statement.operation !== request.operation) return '`operation`'
  if (statement.asset !== request.asset) return '`asset`'
  if (statement.source !== placeOf(request.sourceType, request.sourceId)) return '`source`'
  if (statement.contentDigest !== contentDigestOf(request)) return 'content'
  const content = signsContent(request.operation) && statement.contentDigest !== undefined
  if (!(content && statement.amount === undefined) && !isAmount(statement, request)) {
    return '`amount`'
  }
  const nowhere = statement.destination === undefined && statement.destinationAddress === undefined
  if (!(content && nowhere) && !isDestination(statement, request)) return '`destination`'
  return isCallData(statement, request) ? undefined : '`contractCallData`'
}

/** The stated amount was requested, and is what arrives, but for a fee that is taken out of it. */
function isAmount(statement: Statement, request: ReadableTx): boolean {
  const { amount, requestedAmount, fee } = request
  const stated = parseDecimal(statement.amount ?? '')
  if (stated === undefined || amount === undefined || amount === null) return false
  if (compareDecimals(stated, requestedAmount ?? amount) !== 0) return false
  if (compareDecimals(stated, amount) === 0) return true
  const scale = Math.max(stated.scale, amount.scale, fee?.scale ?? 0)
  const [whole = 0n, part = 0n] = [baseUnits(stated, scale), baseUnits(amount, scale)]
  return fee !== undefined && fee !== null && whole - part === baseUnits(fee, scale)
}

/** One destination, by place, by address, or by both; every address that the request gives for it is the same. */
function isDestination(statement: Statement, request: ReadableTx): boolean {
  const [only, ...more] = request.destinations ?? []
  if (more.length > 0) return false
  const { destination, destinationAddress } = statement
  if (destination === undefined && destinationAddress === undefined) return false
  if (destination !== undefined) {
    if (destination.endsWith(':') && destinationAddress === undefined) return false
    if (destination !== placeOf(request.destType, request.destId)) return false
    if (only !== undefined && destination !== placeOf(only.dstType, only.dstId)) return false
  }
  if (destinationAddress === undefined) return true
  const given = [request.destAddress, only?.dstAddress, only?.displayDstAddress].filter(
    (address) => address !== undefined && address !== null && address !== '',
  )
  return given.length > 0 && given.every((address) => isSameAddress(address, destinationAddress))
}

/** EVM addresses differ in the case of their checksum; all others are compared as they are. */
function isSameAddress(a: string | null | undefined, b: string): boolean {
  const evm = /^0x[0-9a-fA-F]{40}$/
  return a === b || (evm.test(b) && a?.toLowerCase() === b.toLowerCase())
}

function isCallData({ contractCallData }: Statement, request: ReadableTx): boolean {
  const data = request.extraParameters?.['contractCallData']
  if (request.operation !== 'CONTRACT_CALL') return contractCallData === undefined
  return contractCallData !== undefined && contractCallData === data
}

/** The vendor has two names for some places; the shorter one stands for both. */
const SHORT: ReadonlyMap<string, string> = new Map([
  ['VAULT_ACCOUNT', 'VAULT'],
  ['EXCHANGE_ACCOUNT', 'EXCHANGE'],
  ['ONE_TIME_ADDRESS', 'ONE_TIME'],
])

/** `<type>:<id>`; the id is empty where there is none. Undefined when one of them cannot be read. */
function placeOf(type: Text, id: Text): string | undefined {
  if (type instanceof Unreadable || id instanceof Unreadable) return undefined
  return `${SHORT.get(type ?? '') ?? type ?? ''}:${id ?? ''}`
}
