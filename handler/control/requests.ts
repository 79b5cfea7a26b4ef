/** Bodies of requests on the admin socket, parsed as strictly as any other input. */
import { z } from 'zod'
import type {
  DriftReport,
  PairingNeeds,
  RetireRequest,
  SelfTestRequest,
  StageRequest,
} from '../../common/admin-api.ts'
import { ANSWER_ALGORITHMS } from '../../common/answer-algorithm.ts'
import { AdminError } from '../../common/admin-error.ts'

/** Printable text on one line, as it may be shown anywhere. */
export const line = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u)

const number = z.number().int().min(1).max(999_999_999)

const stageSchema = z.strictObject({
  slot: z
    .string()
    .regex(/^[A-Z]$/)
    .exactOptional(),
  renewOf: number.exactOptional(),
  algorithm: z.enum(ANSWER_ALGORITHMS).exactOptional(),
  oneKey: z.literal(true).exactOptional(),
  share: z.literal(true).exactOptional(),
})

const selfTestSchema = z.strictObject({ nonce: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/) })

const retireSchema = z.strictObject({ unlessCalled: z.boolean() })

const needsSchema = z.strictObject({
  live: number.nullable(),
  pending: number.nullable(),
  drainMs: z
    .number()
    .int()
    .min(0)
    .max(31 * 24 * 3_600_000),
})

const driftSchema = z.strictObject({ drift: line(500).min(1).nullable() })

/** @throws AdminError ERR_BAD_REQUEST */
export function parseDrift(body: unknown): DriftReport {
  return parseBody(driftSchema, body)
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
export function parseRetire(body: unknown): RetireRequest {
  return parseBody(retireSchema, body)
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
  throw new AdminError('ERR_BAD_REQUEST', `invalid body${where && ` at \`${where}\``}`)
}
