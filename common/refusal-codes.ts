/**
 * Codes of what the handler answers: status, meaning, remedy; docs/errors.md is printed from them.
 */
import { type Explained, STORE_ERRORS, type Table } from './error-codes.ts'

interface HttpError extends Explained {
  /** Status that the caller sees. */
  readonly status: number
}

/** Refusals on the admin socket; an operator command that gets one ends with exit code 1. */
export const ADMIN_ERRORS = {
  ERR_NOT_FOUND: {
    status: 404,
    meaning: 'No such request, or no such generation.',
    remedy: 'Run handler and commands of the same release.',
  },
  ERR_BAD_REQUEST: {
    status: 400,
    meaning: 'The body is not what this request takes.',
    remedy: 'Run handler and commands of the same release.',
  },
  ERR_GENERATION_RETIRED: {
    status: 410,
    meaning: 'The generation is retired; its key is destroyed.',
    remedy: 'Run `rotate`.',
  },
  ERR_GENERATION_NUMBER: {
    status: 409,
    meaning: 'The number is not the next one; numbers are never reused.',
    remedy: 'Run the same command again: it looks at the numbers first.',
  },
  ERR_GENERATION_NEEDED: {
    status: 409,
    meaning: 'The generation is not draining, or it has been called.',
    remedy: 'Look at `status`: it retires by itself when it has been quiet for long enough.',
  },
  ERR_SLOT_BUSY: {
    status: 409,
    meaning: 'Every slot shows the certificate of a generation that is still needed.',
    remedy: 'See docs/runbooks/no-free-slot.md.',
  },
  ERR_ANSWER_KEY: {
    status: 503,
    meaning: 'The keystore of `HANDLER_ANSWER_SIGNER` made no answer key.',
    remedy: 'The message says why; when the keystore is well, run the same command again.',
  },
  ERR_HOLD_UNKNOWN: {
    status: 404,
    meaning: STORE_ERRORS.ERR_HOLD_UNKNOWN.meaning,
    remedy: STORE_ERRORS.ERR_HOLD_UNKNOWN.remedy,
  },
  ERR_HOLD_UNRECORDED: {
    status: 409,
    meaning: 'The hold was opened, but what it is about is not recorded yet.',
    remedy: 'Try again when the co-signer has asked again, within a minute.',
  },
  ERR_HOLD_CHANGED: {
    status: 409,
    meaning: 'The digest of an approval is not that of the hold as it is now.',
    remedy: 'Look at it again with `hold show`, and approve what it shows.',
  },
  ERR_HOLD_CLOSED: {
    status: 409,
    meaning: STORE_ERRORS.ERR_HOLD_CLOSED.meaning,
    remedy: STORE_ERRORS.ERR_HOLD_CLOSED.remedy,
  },
  ERR_HOLD_UNPROVEN: {
    status: 403,
    meaning: STORE_ERRORS.ERR_HOLD_UNPROVEN.meaning,
    remedy: STORE_ERRORS.ERR_HOLD_UNPROVEN.remedy,
  },
  ERR_HOLD_SAME_PERSON: {
    status: 409,
    meaning: STORE_ERRORS.ERR_HOLD_SAME_PERSON.meaning,
    remedy: STORE_ERRORS.ERR_HOLD_SAME_PERSON.remedy,
  },
  ERR_ACT_WAITING: {
    status: 409,
    meaning:
      'The policy asks groups of approvers for this act (`acts:`), and they have not approved it.',
    remedy: 'Have it approved under the id that the message names, and run the same command again.',
  },
  ERR_NOTHING_TO_RELEASE: {
    status: 409,
    meaning: STORE_ERRORS.ERR_NOTHING_TO_RELEASE.meaning,
    remedy: STORE_ERRORS.ERR_NOTHING_TO_RELEASE.remedy,
  },
  ERR_STORE: {
    status: 503,
    meaning: 'The decision store could not do it; the message says why.',
    remedy: 'See the log of the handler for the code of the store.',
  },
  ERR_INTERNAL: {
    status: 500,
    meaning: 'The handler failed; its log has the error.',
    remedy: 'Report it with the line of the log.',
  },
} as const satisfies Table<HttpError>

/**
 * Refusals towards the caller of a callback: a bare status with one constant body; the code is in
 * the log only.
 */
export const CALLBACK_ERRORS = {
  ERR_BODY_MISSING: {
    status: 401,
    meaning: 'The request has no body.',
    remedy: 'Nothing, unless it is the co-signer: then look for a proxy that drops bodies.',
  },
  ERR_BODY_TOO_LARGE: {
    status: 413,
    meaning: 'The body is larger than `HANDLER_MAX_BODY_BYTES`.',
    remedy: 'Raise the setting if it came from the co-signer.',
  },
  ERR_BODY_ENCODING: {
    status: 415,
    meaning: 'The body has a content encoding; none is taken.',
    remedy: 'Look for a proxy that compresses.',
  },
  ERR_TOKEN_MALFORMED: {
    status: 401,
    meaning: 'The body is not a compact JWS in the one spelling that is taken.',
    remedy: 'Nothing: scanners and probes send such bodies.',
  },
  ERR_PROBE: {
    status: 401,
    meaning: 'A probe of `countersign-bootstrap`, answered as any unsigned request; not counted.',
    remedy: 'Nothing: `doctor`, `pair` and `rotate` look whether the handler answers.',
  },
  ERR_TOKEN_ALGORITHM: {
    status: 401,
    meaning: 'The token is not signed with RS256.',
    remedy: 'Nothing, unless it is the co-signer: then ask its vendor.',
  },
  ERR_TOKEN_SIGNATURE: {
    status: 401,
    meaning: 'No configured co-signer key has signed the token.',
    remedy: 'Compare `HANDLER_COSIGNER_KEYS` with the key that the co-signer shows.',
  },
  ERR_TOKEN_TIME: {
    status: 401,
    meaning: 'The token is expired or not valid yet.',
    remedy: 'Synchronise the clocks of both machines.',
  },
  ERR_REQUEST_UNIDENTIFIED: {
    status: 400,
    meaning: 'The verified content has no request id to answer to.',
    remedy: 'Ask the vendor of the co-signer.',
  },
  ERR_HOST_HEADER: {
    status: 400,
    meaning: 'The request has no host header, or several.',
    remedy: 'Look for a proxy that rewrites headers.',
  },
  ERR_HTTP_VERSION: {
    status: 400,
    meaning: 'The request is not HTTP/1.',
    remedy: 'Let the proxy speak HTTP/1.1 to the handler.',
  },
  ERR_NOT_FOUND: {
    status: 404,
    meaning: 'No such path or method.',
    remedy: 'Compare the URL that is paired with `countersign-bootstrap status`.',
  },
  ERR_GENERATION_RETIRED: {
    status: 410,
    meaning: 'A retired generation is called.',
    remedy: 'Run `countersign-bootstrap doctor`, then `rotate`.',
  },
  ERR_OVERLOADED: {
    status: 503,
    meaning: 'No answer would be ready before the deadline.',
    remedy: 'Give the handler more CPU; see docs/performance.md.',
  },
  ERR_SIGNING_UNAVAILABLE: {
    status: 503,
    meaning: 'The answer could not be signed.',
    remedy: 'See the log; `countersign-handler check` tries every key.',
  },
  ERR_INTERNAL: {
    status: 500,
    meaning: 'The handler failed; its log has the error.',
    remedy: 'Report it with the line of the log.',
  },
} as const satisfies Table<HttpError>

/** Reasons in signed answers that are not a rule's. */
export const ANSWER_ERRORS = {
  ERR_STORE_UNAVAILABLE: {
    answer: 'RETRY',
    meaning: 'The decision could not be recorded; the log has the code of the store.',
    remedy: 'See the table of the decision store.',
  },
  ERR_POLICY: {
    answer: 'RETRY',
    meaning: 'The policy failed while it was evaluated.',
    remedy: 'Report it with the line of the log.',
  },
  ERR_INTERNAL: {
    answer: 'RETRY',
    meaning: 'A step of the decision failed.',
    remedy: 'Report it with the line of the log.',
  },
  ERR_UNREADABLE: {
    answer: 'RETRY',
    meaning: 'The co-signer signed content of a form that is not read; the alarm says what it is.',
    remedy: 'Ask the vendor of the co-signer, with the request id.',
  },
  ERR_DEADLINE: {
    answer: 'RETRY',
    meaning: 'No decision was ready before `HANDLER_DEADLINE_MS`.',
    remedy: 'Look at the durations of hooks and of the store in `/metrics`.',
  },
  ERR_REQUEST_CONFLICT: {
    answer: 'REJECT',
    meaning: 'The same request id came with other content: an attack or a grave fault.',
    remedy: 'Compare both tokens: `audit export --with-evidence`.',
  },
} as const satisfies Table<Explained & { readonly answer: 'RETRY' | 'REJECT' }>

export type AdminErrorCode = keyof typeof ADMIN_ERRORS
export type CallbackErrorCode = keyof typeof CALLBACK_ERRORS
