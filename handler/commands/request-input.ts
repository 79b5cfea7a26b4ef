/** Content of a request as a person has it, a JSON payload or a whole token; nothing is verified. */
import type { Endpoint } from '../protocol/endpoints.ts'
import { isObject } from '../protocol/json-value.ts'
import type { JsonObject } from '../protocol/json-value.ts'
import { parseStrictJson, StrictJsonError } from '../protocol/strict-json.ts'

export interface RequestContent {
  readonly claims: JsonObject
  /** It came inside a token, whose signature is not checked here. */
  readonly fromToken: boolean
}

const TOKEN = /^[\w-]+\.([\w-]*)\.[\w-]*$/

/** The claims in the text; undefined when it is neither strict JSON of an object nor a compact JWS around one. */
export function contentOf(text: string): RequestContent | undefined {
  const trimmed = text.trim()
  const payload = TOKEN.exec(trimmed)?.[1]
  const json = payload === undefined ? trimmed : Buffer.from(payload, 'base64url').toString('utf8')
  try {
    const claims = parseStrictJson(json)
    return isObject(claims) ? { claims, fromToken: payload !== undefined } : undefined
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined
    throw error
  }
}

/** The endpoint that such content is for: only transactions have these members. */
export function guessEndpoint(claims: JsonObject): Endpoint {
  const isTransaction = ['txId', 'operation', 'asset', 'destinations'].some(
    (name) => name in claims,
  )
  return isTransaction ? 'tx_sign_request' : 'config_change_sign_request'
}
