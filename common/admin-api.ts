/**
 * The messages of the handler's admin socket: JSON over HTTP on a Unix socket that file permissions guard.
 * The handler answers, the bootstrapper and the operator ask. No private key ever passes.
 *
 *   GET    /v1/status                               → HandlerStatus
 *   PUT    /v1/generations/<n>  {StageRequest}      → GenerationInfo      idempotent: stages n, or returns it
 *   POST   /v1/generations/<n>/self-test {SelfTestRequest} → SelfTestAnswer
 *   PUT    /v1/pairings/<cosignerId>/<apiKeyId> {PairingNeeds} → HandlerStatus   which generations a pairing needs
 *   DELETE /v1/pairings/<cosignerId>/<apiKeyId>     → HandlerStatus
 *
 * What the operator asks beside this is in handler/control/operator-api.ts.
 *
 * Errors are `{ error: { code, message } }` with a 4xx or 5xx status.
 */

/** How the co-signer and the handler authenticate each other (design: `HANDLER_AUTH`). */
export type AuthMode = 'hybrid' | 'public-key' | 'certificate'

/**
 * `staged`: served, no pairing needs it yet. `live`: at least one pairing needs it. `draining`: no pairing needs it
 * any more, still served until quiet. `retired`: answers 410.
 */
export type GenerationState = 'staged' | 'live' | 'draining' | 'retired'

/** Requests served by one generation, since the handler's first start. */
export interface GenerationHits {
  readonly total: number
  /** ISO 8601, or null when never called. */
  readonly lastAt: string | null
  readonly bySigner: Readonly<Record<string, { readonly total: number; readonly lastAt: string }>>
}

/** The public side of one generation. */
export interface GenerationInfo {
  readonly generation: number
  readonly state: GenerationState
  /** Slot letter: `A` is the first public URL, `B` the second, … */
  readonly slot: string
  /** The base URL to give to the co-signer: `<public URL of the slot>/g<n>`. */
  readonly url: string
  readonly publicKeyPem: string
  readonly certificatePem: string
  /** Hex SHA-256 of the SPKI. */
  readonly kid: string
  /** Hex SHA-256 of the certificate's DER. */
  readonly fingerprint: string
  /** Base64 SHA-256 of the certificate's SPKI, as libcurl pins it, without the `sha256//` prefix. */
  readonly pin: string
  /** ISO 8601. */
  readonly notBefore: string
  readonly notAfter: string
  readonly createdAt: string
  /** Present while `draining`: when the drain began and how long it must be quiet, in milliseconds. */
  readonly drain?: { readonly since: string; readonly quietMs: number }
  readonly hits: GenerationHits
}

/** What one pairing needs the handler to serve. */
export interface PairingNeeds {
  /** The generation that the API says is paired; null before the first pairing is approved. */
  readonly live: number | null
  /** A generation whose approval is pending. */
  readonly pending: number | null
  /** Quiet time before a generation that is no longer needed is retired, in milliseconds. */
  readonly drainMs: number
}

/** The whole of what the handler tells about itself. */
export interface HandlerStatus {
  readonly version: 1
  readonly product: string
  readonly auth: AuthMode
  readonly tls: 'self-signed' | 'files' | 'off'
  /** One per slot, in order A, B, …; `listen` is the `host:port` behind it. */
  readonly slots: readonly {
    readonly slot: string
    readonly publicUrl: string
    readonly listen: string
  }[]
  readonly generations: readonly GenerationInfo[]
  readonly pairings: Readonly<Record<string, PairingNeeds>>
  readonly policyDigest: string
  readonly ready: boolean
  /** Why `ready` is false; empty when it is true. */
  readonly problems: readonly string[]
  /** What somebody should know although `ready` is true: a freeze, a policy file that was refused, … */
  readonly notices?: readonly string[]
  /** ISO 8601, the handler's clock. */
  readonly now: string
}

/** Asks for generation n. Numbers are never reused, so n is always the highest known number plus one, or known. */
export interface StageRequest {
  /** Slot letter wanted; without it the handler takes one that no live, pending or draining generation uses. */
  readonly slot?: string
  /** Renew: take over the key pair of this generation and make only a new certificate. */
  readonly renewOf?: number
  /**
   * With `slot`: take it although a generation that is needed shows its certificate there. Callers that pin the other
   * certificate fail until the co-signer has switched; the operator has accepted that.
   */
  readonly share?: true
}

/** Proof that the handler can sign with a generation: it signs the nonce under a type no callback answer has. */
export interface SelfTestRequest {
  /** 16 to 64 characters of `[A-Za-z0-9_-]`. */
  readonly nonce: string
}

export interface SelfTestAnswer {
  /** Compact JWS, RS256, header `typ` = `countersign-self-test`, claims `{ nonce, generation }`. */
  readonly token: string
}

/** Codes of `error.code`. */
export type AdminErrorCode =
  | 'ERR_NOT_FOUND'
  | 'ERR_BAD_REQUEST'
  | 'ERR_GENERATION_RETIRED'
  | 'ERR_GENERATION_NUMBER'
  | 'ERR_SLOT_BUSY'
  | 'ERR_HOLD_UNKNOWN'
  | 'ERR_HOLD_CLOSED'
  | 'ERR_HOLD_SAME_PERSON'
  | 'ERR_NOTHING_TO_RELEASE'
  | 'ERR_STORE'
  | 'ERR_INTERNAL'

export interface AdminErrorBody {
  readonly error: { readonly code: AdminErrorCode; readonly message: string }
}
