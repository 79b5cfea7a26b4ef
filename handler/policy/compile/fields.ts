/** The texts that a condition can look at: for each field of the policy, where it is read and what may be written. */
import type { ConfigChangeRequest } from '../../protocol/request.ts'
import { Unreadable } from '../../protocol/request.ts'
import { feesOf, statedAmount } from '../readings/amounts.ts'
import type { StatedAmounts } from '../readings/amounts.ts'
import type { Subject } from '../readings/subject.ts'
import { canonicalType } from '../readings/vocabulary.ts'
import type { WhenClause } from '../file/schema.ts'
import type { FieldKind } from './texts.ts'

const PLAIN: FieldKind = { lists: ['texts'] }
const FREE_TEXT: FieldKind = { lists: ['texts'], globs: true }
const ASSET: FieldKind = { lists: ['assets', 'texts'] }
const PERSON: FieldKind = { lists: ['people'] }

export const ADDRESS: FieldKind = { lists: ['addresses'], addresses: true }
export const ACCOUNT_ID: FieldKind = { lists: ['vaults', 'texts'] }
export const ACCOUNT_TYPE: FieldKind = { lists: ['texts'], canonical: canonicalType }
export const PLAIN_TEXT = PLAIN
export const NAMED = FREE_TEXT

export const SELECTOR: FieldKind = {
  lists: ['texts'],
  form: { pattern: /^0x[0-9a-f]{8}$/, expected: '`0x` and 8 lower-case hex digits' },
}

export const CHAIN_ID: FieldKind = {
  lists: ['texts'],
  form: { pattern: /^(?:0|[1-9][0-9]{0,77})$/, expected: 'a chain id in decimal' },
}

export interface TextField {
  readonly kind: FieldKind
  readonly read: (subject: Subject) => unknown
}

/** Fields of `tx_sign_request` that are one text at the top level. */
export const TX_FIELDS = {
  operation: { kind: PLAIN, read: ({ tx }) => tx?.operation },
  asset: { kind: ASSET, read: ({ tx }) => tx?.asset },
  externalTxId: { kind: FREE_TEXT, read: ({ tx }) => tx?.externalTxId },
  note: { kind: FREE_TEXT, read: ({ tx }) => tx?.note },
} as const satisfies Partial<Record<keyof WhenClause, TextField>>

/** Amounts of `tx_sign_request`: exact, in the asset's units; `amountUSD` is the vendor's estimate in dollars. */
export const AMOUNT_FIELDS = {
  amount: (subject) => subject.amounts(),
  requestedAmount: (subject) => statedAmount(subject.tx?.requestedAmount),
  amountUSD: (subject) => subject.dollars(),
  fee: ({ tx, facts }) => feesOf(tx, facts),
} as const satisfies Record<string, (subject: Subject) => StatedAmounts>

/** Members of `extraInfo` of a configuration change, without its address. */
export const DETAIL_FIELDS = {
  subType: PLAIN,
  walletName: FREE_TEXT,
  walletId: PLAIN,
  asset: ASSET,
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

/** A member of `extraInfo`; what is no text cannot be read as one. */
export function detailOf(config: ConfigChangeRequest | undefined, name: string): unknown {
  const info: unknown = config?.extraInfo
  if (info === undefined || info === null) return undefined
  if (typeof info !== 'object' || info instanceof Unreadable) return info
  const value: unknown = Object.hasOwn(info, name) ? Reflect.get(info, name) : undefined
  return value
}

/** Fields that every request has. */
export const COMMON_FIELDS = {
  signerId: { kind: PERSON, read: ({ request }) => request.signerId },
  cosigner: { kind: PLAIN, read: ({ facts }) => facts.cosigner || undefined },
} as const satisfies Partial<Record<keyof WhenClause, TextField>>

/** The own keys of a table of this language, with their types. */
export function keysOf<T extends object>(table: T): Extract<keyof T, string>[] {
  return Object.keys(table).filter((key): key is Extract<keyof T, string> => key in table)
}
