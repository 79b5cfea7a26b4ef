/** Approvers, their groups, and the acts that groups are asked for. */
import { z } from 'zod'
import { ACTS } from '../approvals/act.ts'
import { name } from './schema-atoms.ts'

/** How many members of each group must approve. */
export const groupCounts = z
  .record(name, z.int().min(1).max(20))
  .refine((groups) => Object.keys(groups).length > 0, 'expected at least one group')

const passkey = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,1400}$/, 'expected a credential id in base64url'),
  origin: z
    .string()
    .max(300)
    .describe('where the page is opened: `https://…`, or `http://localhost:<port>`'),
  rpId: z
    .string()
    .regex(/^[a-z0-9.-]{1,253}$/, 'expected a host name')
    .optional()
    .describe('the name that the passkey is bound to; the host of `origin` when absent'),
})

const approverKey = z.strictObject({
  publicKey: z
    .string()
    .max(4096)
    .describe('PEM `PUBLIC KEY`, or the base64 of its DER: Ed25519, P-256 or RSA'),
  notAfter: z.iso.datetime({ offset: true }).optional(),
  passkey: passkey.optional(),
})

const approver = z.strictObject({ keys: z.array(approverKey).min(1).max(8) })

export const approvers = z
  .record(name, approver)
  .describe('people who prove what they approve: name and public keys')

export const groups = z
  .record(name, z.array(name).min(1).max(100))
  .describe('groups of approvers, for `hold: { approvals: { <group>: <count> } }` and `acts`')

/** Acts of operators that need people, too. `freeze` is not among them: it needs nobody. */
export const acts = z
  .partialRecord(z.enum(ACTS.filter((act) => act !== 'hold')), groupCounts)
  .describe('acts that wait until members of groups have approved them')

export type ApproversEntry = z.infer<typeof approvers>
export type GroupsEntry = z.infer<typeof groups>
export type GroupCounts = z.infer<typeof groupCounts>
export type ActsEntry = z.infer<typeof acts>
