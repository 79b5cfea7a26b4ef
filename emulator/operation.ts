/**
 * What an API operation is: a route, who may call it, and a plain function from the call to the
 * answer.
 */
import { z } from 'zod'
import { flatError, type Reply } from './message.ts'
import type { ApiUser, EmulatorState, Instant } from './state.ts'

/** One authenticated call of one operation. */
export interface Call {
  /** The named groups of the route's pattern. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The path as sent, without the query. */
  readonly path: string
  readonly body: Buffer
  readonly caller: ApiUser
  readonly state: EmulatorState
  readonly now: Instant
}

/** One row of the API. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Matches the path after `/v1`. */
  readonly path: RegExp
  /** Admin and Non-Signing Admin only. */
  readonly adminOnly: boolean
  /** The operation declares `Idempotency-Key`. */
  readonly idempotent: boolean
  /** 401, 403 and 5xx have the nested shape. */
  readonly nestedErrors: boolean
  readonly run: (call: Call) => Reply
}

/** The body by its schema, or the answer 400 that says what is wrong. */
export function readBody<T>(
  body: Buffer,
  schema: z.ZodType<T>,
): { ok: true; value: T } | { ok: false; reply: Reply } {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    return { ok: false, reply: flatError(400, 'The request body is not JSON') }
  }
  const result = schema.safeParse(value)
  if (result.success) return { ok: true, value: result.data }
  const problems = result.error.issues.map(
    (issue) => `${issue.path.length === 0 ? 'body' : issue.path.join('.')}: ${issue.message}`,
  )
  return { ok: false, reply: flatError(400, `Bad request: ${problems.join('; ')}`) }
}

/** Cursor of item 0. */
const FIRST_PAGE = 'MA'

/**
 * The pages of a list as the vendor cuts them: `order`, `pageCursor`, `pageSize` 1–100 (default
 * 10); undefined = bad query.
 */
export function page(items: readonly unknown[], query: URLSearchParams): unknown {
  const order = query.get('order') ?? 'DESC'
  const size = Number(query.get('pageSize') ?? '10')
  const cursor = Buffer.from(query.get('pageCursor') ?? FIRST_PAGE, 'base64url').toString()
  if (!Number.isInteger(size) || size < 1 || size > 100) return undefined
  if (!/^\d{1,9}$/.test(cursor) || (order !== 'ASC' && order !== 'DESC')) return undefined
  const start = Number(cursor)
  const ordered = order === 'ASC' ? items : items.toReversed()
  const end = start + size
  const next = end < ordered.length ? Buffer.from(String(end)).toString('base64url') : null
  return { data: ordered.slice(start, end), next }
}
