/** Reads verified claims once, into a request; nothing else is looked at afterwards. */
import { CallbackError } from './errors.ts'
import type { Endpoint, Stage } from './endpoints.ts'
import { isObject } from './json-value.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { isIdentifier, Malformation } from './members.ts'
import { readConfigChange, readTransaction } from './readers.ts'
import type { Parsed } from './request.ts'

/** The id to answer to. Throws `ERR_REQUEST_UNIDENTIFIED` unless it is 1 to 128 characters of printable ASCII. */
export function identify(claims: JsonObject): string {
  const requestId = claims['requestId']
  if (isIdentifier(requestId)) return requestId
  throw new CallbackError('ERR_REQUEST_UNIDENTIFIED', 'no usable `requestId`')
}

/**
 * Reads the claims once, into a frozen request. Unknown members, operations and types are no flaw; a known member of
 * the wrong type, a bad amount and a missing `txId` are. Throws only `ERR_REQUEST_UNIDENTIFIED`.
 */
export function parseRequest(endpoint: Endpoint, claims: JsonObject): Parsed {
  const requestId = identify(claims)
  const stage = stageOf(endpoint, claims)
  const source = { object: claims, path: '' }
  try {
    const request =
      endpoint === 'tx_sign_request'
        ? readTransaction(source, requestId, stage)
        : readConfigChange(source, requestId)
    return Object.freeze({ kind: 'request', request })
  } catch (error) {
    if (!(error instanceof Malformation)) throw error
    const { reasonCode, member } = error
    const { txId, signerId } = usableIds(claims)
    const malformed = { endpoint, stage, requestId, signerId, txId, reasonCode, member }
    return Object.freeze({ kind: 'malformed', malformed: Object.freeze(malformed) })
  }
}

/** Signing iff a member is there, even as null, that only signing requests have (vendor: approve transactions). */
function stageOf(endpoint: Endpoint, claims: JsonObject): Stage {
  if (endpoint === 'config_change_sign_request') return 'approval'
  if (claims['rawTx'] !== undefined || claims['fee'] !== undefined) return 'signing'
  const destinations = claims['destinations']
  return Array.isArray(destinations) && destinations.some(hasDisplayAddress)
    ? 'signing'
    : 'approval'
}

function hasDisplayAddress(destination: JsonValue): boolean {
  return isObject(destination) && destination['displayDstAddress'] !== undefined
}

function usableIds({ txId, signerId }: JsonObject) {
  return {
    txId: isIdentifier(txId) ? txId : undefined,
    signerId: isIdentifier(signerId) ? signerId : undefined,
  }
}
