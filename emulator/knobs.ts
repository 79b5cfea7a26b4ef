/** Faults that the emulator makes on request; every default is calm, unknown names are refused. */
import { z } from 'zod'

const percent = z.number().min(0).max(100)
const days = 366 * 24 * 3600

/** A number, or `[min, max]` to draw from evenly. */
function range(min: number, max: number) {
  const bound = z.number().min(min).max(max)
  return z.union([
    bound,
    z.tuple([bound, bound]).refine(([low, high]) => low <= high, 'the range is upside down'),
  ])
}

/** The knobs by their wire names; the words after each say what is done, docs/emulator.md why. */
const schema = z.strictObject({
  /** Percent of API requests that are carried out and then lose their answer. */
  LOST_REPLY_PCT: percent.default(0),
  /** Percent answered 5xx before anything is done. */
  HTTP_5XX_PCT: percent.default(0),
  /** Percent of writes answered 502 after they were carried out. */
  HTTP_502_AFTER_COMMIT_PCT: percent.default(0),
  /** Percent answered 429. */
  HTTP_429_PCT: percent.default(0),
  /** Form of `Retry-After` on a 429. */
  HTTP_429_RETRY_AFTER: z.enum(['seconds', 'date', 'absent', 'mixed']).default('mixed'),
  /** Milliseconds before an API answer leaves. */
  API_DELAY_MS: range(0, 60_000).default(0),
  /** Hours an idempotency key is remembered; fractions allowed. */
  IDEMP_TTL_H: z.number().min(0).max(8784).default(24),
  /** Same idempotency key with another body: false = first answer again, true = 400. */
  IDEMP_STRICT_BODY: z.boolean().default(false),
  /** Seconds until a request is decided by itself; null = it waits for `POST /approvals/<id>`. */
  APPROVAL_DELAY_S: range(0, 30 * days)
    .nullable()
    .default(null),
  /** How a request that decides by itself is decided. */
  APPROVAL_OUTCOME: z.enum(['approve', 'reject', 'cancel', 'never', 'mixed']).default('approve'),
  /**
   * Milliseconds from APPROVED to the earlier of COMPLETED and the switch; very large = stuck at
   * APPROVED.
   */
  COMPLETION_DELAY_MS: range(0, 366 * days * 1000).default(100),
  /** The co-signer's own switch, in milliseconds after (or before) COMPLETED is visible. */
  SWITCH_SKEW_MS: range(-days * 1000, days * 1000).default(0),
  /** Breaks the snapshot: the url of one configuration with the key and pin of the other. */
  TORN_CONFIG: z.enum(['off', 'old-url-new-key', 'new-url-old-key']).default('off'),
  /** Milliseconds between the two reads of a torn configuration. */
  TORN_GAP_MS: z.number().min(0).max(10_000).default(20),
  /** Machines behind one co-signer, each with its own request key and its own switch. */
  HA_COSIGNERS: z.number().int().min(1).max(2).default(1),
  /** How a callback that was answered RETRY is sent again. */
  RETRY_RESEND: z.enum(['identical', 're-signed']).default('identical'),
  /** Percent of callbacks sent twice at the same time. */
  DUP_CALLBACK_PCT: percent.default(0),
  /** Sends the approval stage before each signing stage, with the same requestId. */
  STAGE_PAIR: z.boolean().default(false),
  /** Spells the approval stage otherwise than the signing stage, as genuine ones may be. */
  STAGE_SPELLING: z.enum(['same', 'other']).default('same'),
  /** Sends each transaction as so many legs of a batch: one txId, several requestIds. */
  BATCH_LEGS: z.number().int().min(1).max(9).default(1),
  /** Percent of transactions with members of other types than documented. */
  TYPE_DRIFT_PCT: percent.default(0),
  /** Percent of API answers and callback payloads that carry undocumented members. */
  UNKNOWN_FIELDS_PCT: percent.default(0),
  /** Percent of status answers with a value outside the documented list (not for final ones). */
  UNKNOWN_STATUS_PCT: percent.default(0),
  /** Percent of callbacks sent by a slow or unusual client. */
  SLOW_CLIENT: percent.default(0),
  /** How such a client behaves. */
  SLOW_CLIENT_STYLE: z.enum(['drip', 'chunked', 'expect', 'half-close', 'mixed']).default('mixed'),
  /** Percent of 202 answers without `Location`. */
  LOCATION_MISSING_PCT: percent.default(0),
  /** Seconds by which the API's clock is ahead. */
  CLOCK_SKEW_S: z.number().min(-days).max(days).default(0),
  /** Accepted lifetime of an API token: `sdk` = exp ≤ iat + 55, `docs` = exp < iat + 30. */
  JWT_LIFETIME: z.enum(['sdk', 'docs']).default('sdk'),
  /** Refuses a nonce that was seen before. */
  NONCE_REPLAY_REFUSED: z.boolean().default(true),
  /** Encoding of `certPublicKeyHash`. */
  CERT_HASH: z.enum(['curl', 'base64', 'hex', 'hex-colons', 'absent']).default('curl'),
  /** What is stored when both `publicKey` and `cert` are sent. */
  BOTH_STORED: z.enum(['both', 'key-only', 'cert-only']).default('both'),
  /** A PATCH without some field drops it (`replace`) or keeps it (`merge`). */
  PATCH_SEMANTICS: z.enum(['replace', 'merge']).default('replace'),
  /** PUT for a key that is paired already. */
  REPAIR: z.enum(['accept', 'conflict']).default('accept'),
  /** Name of the co-signer's version, as the API shows it: from 2026.08.19 on it understands ES256 answers. */
  COSIGNER_VERSION: z.string().max(64).default('2026.10.03 (October 2026)'),
  /** A second change while one is pending. */
  SECOND_CHANGE: z.enum(['accept', 'conflict']).default('accept'),
  /** Whether API users are listed before they are approved. */
  LIST_UNAPPROVED: z.boolean().default(false),
  /** What a pin compares: the certificate's public key, or the whole certificate. */
  PIN: z.enum(['public-key', 'certificate']).default('public-key'),
  /**
   * TLS chains when nothing is pinned: `any` accepts every certificate, `verify` wants a trusted
   * chain and name.
   */
  TLS_CHAIN: z.enum(['any', 'verify']).default('any'),
  /** Reuses connections between callbacks. */
  KEEP_ALIVE: z.boolean().default(false),
  /** The co-signer's patience, in milliseconds. */
  CALLBACK_DEADLINE_MS: z.number().min(10).max(120_000).default(30_000),
})

/** A complete set of knobs. */
export type Knobs = Readonly<z.infer<typeof schema>>

/** Names of the knobs that are a probability in percent. */
export type PercentKnob = {
  [Name in keyof Knobs]: Name extends `${string}_PCT` | 'SLOW_CLIENT' ? Name : never
}[keyof Knobs]

/** No fault at all. */
export const CALM: Knobs = schema.parse({})

/** `current` with the knobs in `change` set, or what is wrong with them, one line each. */
export function turnKnobs(current: Knobs, change: object): Knobs | readonly string[] {
  const result = schema.safeParse({ ...current, ...change })
  if (result.success) return result.data
  return result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `unknown knob ${issue.keys.map((key) => `\`${key}\``).join(', ')}`
      : `\`${issue.path.join('.')}\`: ${issue.message}`,
  )
}
