/** What is asked on the admin socket, parsed as strictly as any other input. */
import { z } from 'zod'
import type { PairingNeeds, SelfTestRequest, StageRequest } from '../../common/admin-api.ts'
import { AdminError } from '../../common/admin-error.ts'

const number = z.number().int().min(1).max(999_999_999)

const stageSchema = z.strictObject({
  slot: z
    .string()
    .regex(/^[A-Z]$/)
    .exactOptional(),
  renewOf: number.exactOptional(),
  share: z.literal(true).exactOptional(),
})

const selfTestSchema = z.strictObject({ nonce: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/) })

const needsSchema = z.strictObject({
  live: number.nullable(),
  pending: number.nullable(),
  drainMs: z
    .number()
    .int()
    .min(0)
    .max(31 * 24 * 3_600_000),
})

/** What the target and method ask for. */
export type AdminRoute =
  | { readonly kind: 'status' }
  | { readonly kind: 'stage' | 'self-test'; readonly generation: number }
  | { readonly kind: 'set-needs' | 'drop-needs'; readonly pairing: string }

/** The route of a request, undefined when there is none. */
export function adminRoute(method: string, target: string): AdminRoute | undefined {
  const [root, version, what, first = '', second, ...more] = target.split('/')
  if (root !== '' || version !== 'v1' || more.length > 0) return undefined
  if (method === 'GET' && target === '/v1/status') return { kind: 'status' }
  if (what === 'generations' && /^[1-9]\d{0,8}$/.test(first)) {
    const generation = Number(first)
    if (method === 'PUT' && second === undefined) return { kind: 'stage', generation }
    if (method === 'POST' && second === 'self-test') return { kind: 'self-test', generation }
  }
  if (what === 'pairings' && isId(first) && second !== undefined && isId(second)) {
    const pairing = `${first}/${second}`
    if (method === 'PUT') return { kind: 'set-needs', pairing }
    if (method === 'DELETE') return { kind: 'drop-needs', pairing }
  }
  return undefined
}

/** Ids of the vendor are UUIDs; anything that is plain in a URL is taken. */
function isId(text: string): boolean {
  return /^[A-Za-z0-9._~-]{1,128}$/.test(text)
}

/** @throws AdminError ERR_BAD_REQUEST */
export function parseStage(body: unknown): StageRequest {
  return parseBody(stageSchema, body ?? {})
}

/** @throws AdminError ERR_BAD_REQUEST */
export function parseSelfTest(body: unknown): SelfTestRequest {
  return parseBody(selfTestSchema, body)
}

/** @throws AdminError ERR_BAD_REQUEST */
export function parseNeeds(body: unknown): PairingNeeds {
  return parseBody(needsSchema, body)
}

/** @throws AdminError ERR_BAD_REQUEST */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') ?? ''
  throw new AdminError('ERR_BAD_REQUEST', `the body is not as wanted${where && ` at \`${where}\``}`)
}
