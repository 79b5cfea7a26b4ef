/** The policy language as one closed schema: what it does not name is an error. Editors get it as JSON Schema. */
import { z } from 'zod'
import { ENDPOINTS } from '../../protocol/endpoints.ts'
import { assetsSchema } from '../chains/assets.ts'
import {
  AMOUNT_FIELDS,
  COMMON_FIELDS,
  CONFIG_FIELDS,
  DESTINATION_FIELDS,
  DETAIL_FIELDS,
  LIST_KINDS,
  SOURCE_FIELDS,
  TX_FIELDS,
} from '../fields.ts'
import { PROOFS } from '../rawtx/verdict.ts'
import { acts, approvers, groups } from './people-schema.ts'
import { consistency, terms } from './terms-schema.ts'
import { decimal, duration, name, oneOrMore, signer, text, texts, unknown } from './schema-atoms.ts'
import { extraParameter, typedData } from './schema-content.ts'

const TIME_OF_DAY = /^(?:[01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$/

const range = z.strictObject({ min: decimal.optional(), max: decimal.optional(), unknown })

/** One condition for each field of a table. */
function conditions<T extends Readonly<Record<string, object>>, S extends z.ZodType>(
  table: T,
  schema: S,
): { [Name in keyof T]: z.ZodOptional<S> } {
  const entries = Object.entries(table).map(([condition, field]) => {
    const description = 'description' in field ? String(field.description) : undefined
    return [
      condition,
      description === undefined ? schema.optional() : schema.optional().describe(description),
    ]
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one entry for each field
  return Object.fromEntries(entries) as { [Name in keyof T]: z.ZodOptional<S> }
}

const source = z.strictObject({ ...conditions(SOURCE_FIELDS, texts), unknown })

const destinationBlock = z.strictObject({ ...conditions(DESTINATION_FIELDS, texts), unknown })

const destination = z.strictObject({
  ...destinationBlock.shape,
  every: destinationBlock.optional(),
  any: destinationBlock.optional(),
})

const details = z.strictObject({ ...conditions(DETAIL_FIELDS, texts), unknown })

const day = z.enum(['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'])

const timeWindow = z.strictObject({
  zone: text,
  days: oneOrMore(day).optional(),
  from: z.string().regex(TIME_OF_DAY, 'expected a time of day such as `08:30`').optional(),
  to: z.string().regex(TIME_OF_DAY, 'expected a time of day such as `17:00`').optional(),
})

/** Conditions that hold no blocks. */
const flat = z.strictObject({
  endpoint: oneOrMore(z.enum([...ENDPOINTS]))
    .optional()
    .describe('the endpoint that was called; implied by conditions that only one of them has'),
  stage: oneOrMore(z.enum(['approval', 'signing']))
    .optional()
    .describe('signing when the request has rawTx or fee, or its signer only signs; see `signers`'),
  ...conditions(TX_FIELDS, texts),
  source: source.optional(),
  destination: destination
    .optional()
    .describe(
      'all conditions of one block are about the same destination; every destination in rules that approve, any in rules that refuse',
    ),
  ...conditions(AMOUNT_FIELDS, range),
  ...conditions(COMMON_FIELDS, texts),
  extraParameters: oneOrMore(extraParameter).optional(),
  contractCall: z.strictObject({ selector: texts, unknown }).optional(),
  typedData: typedData
    .optional()
    .describe(
      'EIP-712 messages of a TYPED_MESSAGE: all conditions of a block are about one message',
    ),
  ...conditions(CONFIG_FIELDS, texts),
  details: details.optional(),
  time: oneOrMore(timeWindow).optional().describe('local time, right across daylight saving'),
})

/** What a rule asks for; all that is written must hold. */
export interface WhenClause extends z.infer<typeof flat> {
  readonly 'all-of'?: WhenClause[] | undefined
  readonly 'any-of'?: WhenClause[] | undefined
}

const blocks = z.array(z.lazy((): z.ZodType<WhenClause> => whenSchema)).min(1)

/** The conditions of a rule. */
export const whenSchema = z.strictObject({
  ...flat.shape,
  'all-of': blocks.optional(),
  'any-of': blocks.optional(),
})

const refusal = z.strictObject({ action: z.enum(['REJECT', 'RETRY']), reason: text.optional() })

/** Parts of the proof that a rule may do without. What is for another chain, and who is paid, are not among them. */
const tolerable = z.enum(['fee', 'vault-address', 'chain'])

const require = z.strictObject({
  limits: oneOrMore(name)
    .optional()
    .describe('names of limits; `none` in a rule that holds says that none are meant'),
  rawTx: z
    .union([
      z.literal('verified'),
      z.strictObject({ verified: z.literal(true), tolerate: z.array(tolerable).min(1) }),
    ])
    .optional()
    .describe(
      'the bytes to be signed prove amount, recipients, chain, addresses of own accounts and fee; `{ verified: true, tolerate: [fee] }` says less',
    ),
  extraSignature: oneOrMore(name).optional(),
  hook: name.optional(),
  otherwise: z
    .strictObject({
      limits: refusal.optional(),
      rawTx: refusal.optional(),
      extraSignature: refusal.optional(),
      hook: refusal.optional(),
    })
    .optional(),
})

const hold = z.strictObject({
  ...terms.shape,
  release: z
    .literal('any')
    .optional()
    .describe('people may release it although only some destinations or elements match'),
  uncertain: z
    .literal('release')
    .optional()
    .describe('people may release it although a value that the rule asks for is unknown'),
})

const action = z.enum(['APPROVE', 'REJECT', 'RETRY', 'IGNORE'])

const answer = z.strictObject({ action, reason: text.optional(), hold: hold.optional() })

const rule = z.strictObject({
  id: name,
  description: z.string().optional(),
  when: whenSchema,
  // oxlint-disable-next-line unicorn/no-thenable -- the policy's own word
  then: z.union([action, answer]),
  require: require.optional(),
})

const list = z.strictObject({
  kind: z.enum([...LIST_KINDS]),
  values: z.array(text).optional(),
  file: text.optional(),
  empty: z
    .literal('allowed')
    .optional()
    .describe(
      'a list that loses its last entry is taken over; without it the last good policy stays',
    ),
})

const limit = z.strictObject({
  window: duration,
  count: z.int().min(1).optional(),
  amount: decimal.optional(),
  by: oneOrMore(z.enum(['asset', 'source', 'destination', 'account', 'signer'])).optional(),
})

const hook = z.strictObject({
  url: text,
  timeout: duration.optional(),
  budget: duration.optional(),
  fallback: z.enum(['REJECT', 'RETRY']),
  keyId: name.optional(),
})

const statementKey = z.strictObject({
  publicKey: z
    .string()
    .regex(
      /^-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/,
      'expected one PEM block `PUBLIC KEY`',
    ),
  notAfter: z.iso.datetime({ offset: true }).optional(),
})

/** What the raw transaction check may take for granted. */
const rawTxOptions = z.strictObject({
  sighashTypes: z
    .array(z.enum(['ALL', 'ALL|ANYONECANPAY']))
    .min(1)
    .optional(),
  changeAddresses: z.array(text).optional(),
})

/** What a test may assume of the bytes. */
const assumedRawTx = z.union([
  z.enum(['verified', 'mismatch', 'unverifiable', 'absent']),
  z.strictObject({ unproven: z.array(z.enum([...PROOFS])).min(1) }),
])

/** When a test of a policy takes place unless it says otherwise: a Thursday. */
export const TEST_TIME = z.coerce.date().parse('2026-01-01T12:00:00Z')

const policyTest = z.strictObject({
  name: text,
  like: text.optional(),
  request: z.record(z.string(), z.unknown()).optional(),
  now: z.iso.datetime({ offset: true }).pipe(z.coerce.date()).optional(),
  cosigner: text.optional(),
  rawTx: assumedRawTx.optional(),
  statement: name.optional(),
  expect: z.strictObject({ action, rule: name.optional() }),
})

/** The whole file. */
export const policySchema = z.strictObject({
  version: z
    .literal([1, 2])
    .describe('2: near misses of known words, and approvals that name no operation, are errors'),
  default: z
    .enum(['REJECT', 'RETRY'])
    .optional()
    .describe('the answer when no rule matches; REJECT when absent'),
  assets: assetsSchema.optional(),
  assetsFile: text.optional().describe('a file beside the policy that `policy assets import` made'),
  abiFiles: oneOrMore(text)
    .optional()
    .describe(
      'contract ABIs in JSON beside the policy, that explain calls to people; they decide nothing',
    ),
  vaultAddresses: z
    .strictObject({ file: text })
    .optional()
    .describe(
      'which addresses belong to which vault account: `<vault id> <asset id> <address>` a line',
    ),
  tags: z
    .literal('sent')
    .optional()
    .describe('co-signers of 2026.07.20 and later send tags, so that an absent tag is none'),
  signers: z
    .record(signer, z.literal('signing-only'))
    .optional()
    .describe(
      'API users who never approve: every transaction request with that signerId is of the signing stage',
    ),
  statementKeys: z.record(name, statementKey).optional(),
  approvers: approvers.optional(),
  groups: groups.optional(),
  acts: acts.optional(),
  rawTx: rawTxOptions.optional(),
  consistency: consistency
    .optional()
    .describe(
      'what is answered when members of a request disagree; RETRY for what it does not name',
    ),
  lists: z.record(name, list).optional().describe('named lists, referred to as { list: name }'),
  limits: z.record(name, limit).optional().describe('rolling limits, for `require`'),
  hooks: z.record(name, hook).optional().describe('services of your own, for `require`'),
  rules: z.array(rule).optional().describe('the first rule that matches decides'),
  tests: z
    .array(policyTest)
    .optional()
    .describe('requests and what must come of them; run whenever the policy is loaded'),
})

export type PolicyFile = z.infer<typeof policySchema>
export type RawTxEntry = z.infer<typeof rawTxOptions>
export type DestinationEntry = z.infer<typeof destinationBlock>
export type RuleEntry = z.infer<typeof rule>
export type ListEntry = z.infer<typeof list>
export type LimitEntry = z.infer<typeof limit>
export type HookEntry = z.infer<typeof hook>
export type TestEntry = z.infer<typeof policyTest>
export type TimeWindowEntry = z.infer<typeof timeWindow>
export type ExtraParameterEntry = z.infer<typeof extraParameter>
/** One text, several, or named lists. */
export type Texts = z.infer<typeof texts>
export type RangeEntry = z.infer<typeof range>
