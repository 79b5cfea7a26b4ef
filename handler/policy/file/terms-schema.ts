/** What people are asked for: terms of holds, and the answers to consistency checks. */
import { z } from 'zod'
import { DURATION } from '../../../common/duration.ts'
import type { CheckName } from '../decision.ts'
import { groupCounts } from './people-schema.ts'

export const duration = z
  .string()
  .regex(DURATION, 'expected a duration such as `30s`, `15m`, `24h` or `7d`')

/** How many people, for how long, and what then. */
export const terms = z.strictObject({
  approvals: z
    .union([z.literal([1, 2]), groupCounts])
    .optional()
    .describe('how many people, whom nobody proves; or how many of each group, who sign'),
  expires: duration.optional(),
  onExpiry: z.enum(['RETRY', 'REJECT']).optional(),
})

const inconsistent = z.union([z.enum(['REJECT', 'RETRY', 'hold', 'note']), terms]).optional()

/** What is answered when members of a request disagree, where a rule would approve. */
export const consistency = z.strictObject({
  'number-text': inconsistent,
  requested: inconsistent,
  sum: inconsistent,
  'no-destination': inconsistent,
  'address-pair': inconsistent,
  'address-type': inconsistent,
  'gas-bound': inconsistent,
  'typed-data-chain': inconsistent,
} satisfies Record<CheckName, z.ZodType>)

export type ConsistencyEntry = z.infer<typeof consistency>
export type TermsEntry = z.infer<typeof terms>
