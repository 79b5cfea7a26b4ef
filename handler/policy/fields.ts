/**
 * What the conditions of a rule look at, one line each: the members of the request behind it, and what may be written. The
 * schema of the file, the checks and a table of docs/policy.md are made of it. A member that is read of requests is behind a
 * condition here, or says why it is behind none.
 */
import type { ValuesOf } from '../protocol/member-table.ts'
import type {
  CONFIG_CHANGE,
  DESTINATION,
  RAW_TX,
  TRANSACTION,
} from '../protocol/request-members.ts'
import { feesOf, statedAmount } from './readings/amounts.ts'
import type { StatedAmounts } from './readings/amounts.ts'
import type { Subject } from './readings/subject.ts'
import { canonicalType } from './readings/vocabulary.ts'

export const LIST_KINDS = ['addresses', 'vaults', 'people', 'assets', 'texts'] as const
export type ListKind = (typeof LIST_KINDS)[number]

/** What a field's texts are. */
export interface FieldKind {
  /** Kinds of lists that it may refer to. */
  readonly lists: readonly ListKind[]
  /** `*` and `?` are wildcards; elsewhere they are refused, so that nobody believes in them. */
  readonly globs?: boolean
  /** Different spellings of the same thing; the request's text goes through it too. */
  readonly canonical?: (text: string) => string
  readonly addresses?: boolean
  /** What a text must look like, and how that is said. */
  readonly form?: { readonly pattern: RegExp; readonly expected: string }
}

const PLAIN: FieldKind = { lists: ['texts'] }
const FREE_TEXT: FieldKind = { lists: ['texts'], globs: true }
const ASSET: FieldKind = { lists: ['assets', 'texts'] }
const PERSON: FieldKind = { lists: ['people'] }
const ACCOUNT_ID: FieldKind = { lists: ['vaults', 'texts'] }
const ACCOUNT_TYPE: FieldKind = { lists: ['texts'], canonical: canonicalType }

export const PLAIN_TEXT = PLAIN
export const ADDRESS: FieldKind = { lists: ['addresses'], addresses: true }

export const SELECTOR: FieldKind = {
  lists: ['texts'],
  form: { pattern: /^0x[0-9a-f]{8}$/, expected: '`0x` and 8 lower-case hex digits' },
}

export const CHAIN_ID: FieldKind = {
  lists: ['texts'],
  form: { pattern: /^(?:0|[1-9][0-9]{0,77})$/, expected: 'a chain id in decimal' },
}

type TxMember = keyof ValuesOf<typeof TRANSACTION>
type DestinationMember = keyof ValuesOf<typeof DESTINATION>
type RawTxMember = keyof ValuesOf<typeof RAW_TX>
type ConfigMember = keyof ValuesOf<typeof CONFIG_CHANGE>
type Member = TxMember | DestinationMember | RawTxMember | ConfigMember

interface Field<M extends Member> {
  /** The members behind it. */
  readonly of: readonly M[]
}

interface TextField<M extends Member> extends Field<M> {
  readonly kind: FieldKind
  readonly description?: string
}

/** Fields that are one text at the top level of a transaction. */
export const TX_FIELDS = {
  operation: {
    of: ['operation'],
    kind: PLAIN,
    description: '`any` says that all operations are meant',
  },
  asset: { of: ['asset'], kind: ASSET },
  externalTxId: {
    of: ['externalTxId'],
    kind: FREE_TEXT,
    description: 'texts, or patterns with * and ?',
  },
  note: { of: ['note'], kind: FREE_TEXT },
} as const satisfies Record<string, TextField<TxMember>>

/** Conditions on where a transaction comes from. */
export const SOURCE_FIELDS = {
  type: { of: ['sourceType'], kind: ACCOUNT_TYPE },
  id: { of: ['sourceId'], kind: ACCOUNT_ID },
} as const satisfies Record<string, TextField<TxMember>>

/** Conditions on one destination; what states it several times is in `readings/destinations.ts`. */
export const DESTINATION_FIELDS = {
  type: { of: ['dstType', 'dstSubType', 'destType'], kind: ACCOUNT_TYPE },
  id: { of: ['dstId', 'destId'], kind: ACCOUNT_ID },
  address: {
    of: ['dstAddress', 'displayDstAddress', 'dstTag', 'displayDstTag', 'destAddress', 'rawTx'],
    kind: ADDRESS,
  },
  addressType: { of: ['dstAddressType', 'destAddressType'], kind: PLAIN },
  name: { of: ['dstName'], kind: FREE_TEXT },
  subType: { of: ['dstSubType'], kind: PLAIN },
} as const satisfies Record<string, TextField<TxMember | DestinationMember | RawTxMember>>

interface AmountField extends Field<TxMember | DestinationMember | RawTxMember> {
  readonly read: (subject: Subject) => StatedAmounts
  readonly description?: string
}

/** Amounts of a transaction: exact, in the asset's units; `amountUSD` is the vendor's estimate in dollars. */
export const AMOUNT_FIELDS = {
  amount: {
    of: ['amount', 'amountNative'],
    read: (subject) => subject.amounts(),
    description: "exact decimals in the asset's units, in quotes, inclusive",
  },
  requestedAmount: {
    of: ['requestedAmount'],
    read: ({ tx }) => statedAmount(tx?.requestedAmount),
  },
  amountUSD: {
    of: ['amountUSD'],
    read: (subject) => subject.dollars(),
    description: "the vendor's own estimate, summed over all destinations",
  },
  fee: {
    of: ['fee', 'rawTx'],
    read: ({ tx, facts }) => feesOf(tx, facts),
    description: 'known only while signing',
  },
} as const satisfies Record<string, AmountField>

/** Conditions that look into content; what they read is theirs to say. */
export const CONTENT_FIELDS = {
  extraParameters: { of: ['extraParameters'] },
  contractCall: { of: ['extraParameters', 'rawTx'] },
  typedData: { of: ['extraParameters'] },
} as const satisfies Record<string, Field<TxMember>>

/** Fields of a configuration change that are one text. */
export const CONFIG_FIELDS = {
  type: { of: ['type'], kind: PLAIN },
} as const satisfies Record<string, TextField<ConfigMember>>

/** Members of `extraInfo` that are texts; `apiKey` is missing on purpose: no secret belongs into a policy. */
export const DETAIL_FIELDS = {
  subType: PLAIN,
  walletName: FREE_TEXT,
  walletId: PLAIN,
  asset: ASSET,
  address: ADDRESS,
  tag: PLAIN,
  accountName: FREE_TEXT,
  accountId: PLAIN,
  networkConnectionId: PLAIN,
  localNetworkID: PLAIN,
  remoteTenantID: PLAIN,
  connectionId: PLAIN,
  networkID: PLAIN,
  note: FREE_TEXT,
  routingPolicy: PLAIN,
} as const satisfies Record<string, FieldKind>

/** Fields that every request has. */
export const COMMON_FIELDS = {
  signerId: { kind: PERSON, read: ({ request }) => request.signerId },
  cosigner: { kind: PLAIN, read: ({ facts }) => facts.cosigner || undefined },
} as const satisfies Record<string, { kind: FieldKind; read: (subject: Subject) => unknown }>

const DETAILS = { details: { of: ['extraInfo'] } } as const satisfies Record<
  string,
  Field<ConfigMember>
>

type MemberBehind<T> = T extends Record<string, { readonly of: readonly (infer M)[] }> ? M : never

/** Members that no condition looks at, and what looks at them instead. A member that is forgotten does not compile. */
export const WITHOUT_CONDITION = {
  txId: 'what stages, limits and holds of one transaction go by',
  players: 'shown to people',
  destinations: 'read entry by entry',
  dstWalletId: 'shown to people',
  keyDerivationPath: 'what `rawTx: verified` proves, with the bytes',
  payload: 'what `rawTx: verified` proves, with the bytes',
} as const satisfies Record<
  Exclude<
    Member,
    | MemberBehind<typeof TX_FIELDS>
    | MemberBehind<typeof SOURCE_FIELDS>
    | MemberBehind<typeof DESTINATION_FIELDS>
    | MemberBehind<typeof AMOUNT_FIELDS>
    | MemberBehind<typeof CONTENT_FIELDS>
    | MemberBehind<typeof CONFIG_FIELDS>
    | MemberBehind<typeof DETAILS>
  >,
  string
>

/** The members behind each condition, by its full name. */
export function membersBehind(): ReadonlyMap<string, readonly Member[]> {
  const under = (block: string, table: Readonly<Record<string, Field<Member>>>) =>
    Object.entries(table).map(([name, { of }]) => [block + name, of] as const)
  return new Map([
    ...under('', TX_FIELDS),
    ...under('source.', SOURCE_FIELDS),
    ...under('destination.', DESTINATION_FIELDS),
    ...under('', AMOUNT_FIELDS),
    ...under('', CONTENT_FIELDS),
    ...under('', CONFIG_FIELDS),
    ...under('', DETAILS),
  ])
}

/** The own keys of a table of this language, with their types. */
export function keysOf<T extends object>(table: T): Extract<keyof T, string>[] {
  return Object.keys(table).filter((key): key is Extract<keyof T, string> => key in table)
}
