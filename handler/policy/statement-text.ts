/** The text of a statement that is signed: one spelling per content, and never mistaken for anything else signed. */
import { objectOf } from './rawtx/json-content.ts'
import type { JsonValue } from '../protocol/json-value.ts'

/**
 * What an initiator vouches for. Every value is text, so that no system on the way can change how it is written.
 */
export interface Statement {
  /** The customer's own id of the transaction; the vendor refuses a second transaction with it. */
  readonly externalTxId: string
  readonly operation: string
  readonly asset: string
  /** Plain decimal in the asset's units; the requested amount. */
  readonly amount?: string
  /** `<type>:<id>`, e.g. `VAULT:0`. */
  readonly source: string
  /** `<type>:<id>` for places with an id, e.g. `VAULT:1`. */
  readonly destination?: string
  /** The destination address; required when the destination has no id (one-time addresses). */
  readonly destinationAddress?: string
  /** CONTRACT_CALL: the call data. */
  readonly contractCallData?: string
  /** RAW and TYPED_MESSAGE: see `contentDigest`. */
  readonly contentDigest?: string
  /** ISO 8601, e.g. `2026-11-21T12:00:00Z`: not valid from then on. */
  readonly expiry: string
}

const REQUIRED = ['externalTxId', 'operation', 'asset', 'source', 'expiry'] as const
const OPTIONAL = [
  'amount',
  'destination',
  'destinationAddress',
  'contractCallData',
  'contentDigest',
] as const

/** Longest value; call data is the longest. */
const MAX_VALUE = 256 * 1024

const PREFIX = 'countersign statement v1\n'

/**
 * The bytes that are signed: a prefix that no other protocol of ours uses, then the statement as JSON with its members
 * sorted by name and without white space.
 */
export function statementBytes(statement: Statement): Uint8Array {
  const members = Object.entries(statement).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return new TextEncoder().encode(`${PREFIX}${JSON.stringify(Object.fromEntries(members))}`)
}

/** The statement in a JSON value, or what is wrong with it. Unknown members are refused: nobody would check them. */
export function parseStatement(value: JsonValue | undefined): Statement | string {
  const object = objectOf(value)
  if (object === undefined) return 'the statement is not an object'
  const members: Record<string, string> = {}
  for (const [name, text] of Object.entries(object)) {
    if (!isMember(name)) return 'the statement has a member that is not known'
    if (typeof text !== 'string' || text === '' || text.length > MAX_VALUE) {
      return `\`${name}\` of the statement is not a text of bounded length`
    }
    members[name] = text
  }
  return isStatement(members) ? members : 'the statement lacks a required member'
}

function isMember(name: string): boolean {
  return [...REQUIRED, ...OPTIONAL].some((known) => known === name)
}

function isStatement(members: object): members is Statement {
  return REQUIRED.every((name) => Object.hasOwn(members, name))
}
