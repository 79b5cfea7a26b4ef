/**
 * The one table of what a missing value means: where the member does not belong it is no value, which matches nothing;
 * everywhere else it is unknown. docs/policy.md prints it.
 */
import type { TxSignRequest } from '../../protocol/request.ts'
import { Unreadable } from '../../protocol/request.ts'
import type { DestinationReading } from './destinations.ts'
import type { Subject } from './subject.ts'
import { DETAILS_OF_TYPE, SUBTYPED, WITHOUT_DESTINATION } from './vocabulary.ts'

/** Says whether a missing value is no value. `field` is the condition's full name. */
type IsNoValue = (
  subject: Subject,
  destination: DestinationReading | undefined,
  field: string,
) => boolean

export interface AbsenceRow {
  /** Conditions as the policy names them; `<…>` stands for any ending. */
  readonly fields: readonly string[]
  /** When a missing value is no value, in words. */
  readonly noValue: string
  readonly applies: IsNoValue
}

const ALWAYS: IsNoValue = () => true

export const ABSENCE: readonly AbsenceRow[] = [
  { fields: ['signerId', 'externalTxId', 'note'], noValue: 'always', applies: ALWAYS },
  {
    fields: ['cosigner'],
    noValue: 'always: requests have no co-signer in `certificate` mode only',
    applies: ALWAYS,
  },
  {
    fields: ['fee'],
    noValue: 'at the approval stage',
    applies: ({ request }) => request.stage === 'approval',
  },
  {
    fields: ['destination.address'],
    noValue:
      'at the approval stage, when the destination is named by the id of an account (`VAULT`, `EXCHANGE`, `FIAT_ACCOUNT`, `NETWORK_CONNECTION`, `GAS_STATION`, `END_USER_WALLET`, `OEC_PARTNER`); of a fiat account at both stages',
    applies: ({ request }, destination) =>
      destination !== undefined &&
      destination.isAccount &&
      (request.stage === 'approval' ||
        destination.type.texts.every((type) => type === 'FIAT_ACCOUNT')),
  },
  {
    fields: ['destination.id', 'destination.name'],
    noValue: 'when the destination is a one-time address',
    applies: (_, destination) => hasOnlyTypes(destination, (type) => type === 'ONE_TIME'),
  },
  {
    fields: ['destination.subType'],
    noValue:
      'when the destination is of a type without subtypes (all but `EXCHANGE`, `FIAT_ACCOUNT`, `UNMANAGED` and its kinds)',
    applies: (_, destination) => hasOnlyTypes(destination, (type) => !SUBTYPED.has(type)),
  },
  {
    fields: [
      'destination.address',
      'destination.type',
      'destination.id',
      'destination.addressType',
      'destination.name',
      'destination.subType',
    ],
    noValue: `when the operation has no destination (${wordsOf(WITHOUT_DESTINATION)}) and the request names none`,
    applies: ({ tx }, destination) =>
      tx !== undefined && destination?.isEmpty === true && isWithoutDestination(tx),
  },
  {
    fields: ['amountUSD'],
    noValue: 'when the operation has no destination and the request names none',
    applies: (subject) =>
      subject.tx !== undefined &&
      isWithoutDestination(subject.tx) &&
      subject.destinations().every(({ isEmpty }) => isEmpty),
  },
  {
    fields: ['contractCall.selector'],
    noValue: 'when the operation is not `CONTRACT_CALL`, or the call data are empty',
    applies: ({ tx }) =>
      tx !== undefined &&
      typeof tx.operation === 'string' &&
      (tx.operation !== 'CONTRACT_CALL' || isEmptyCall(tx.extraParameters)),
  },
  {
    fields: ['typedData.<member>'],
    noValue:
      'when the operation is not `TYPED_MESSAGE`, or the message is of a kind without a domain (`EIP191`, `TIP191`, `BTC_MESSAGE`)',
    applies: ({ tx }) => tx !== undefined && tx.operation !== 'TYPED_MESSAGE',
  },
  {
    fields: ['extraParameters.<path>'],
    noValue:
      'where the path leads nowhere, but not `rawMessageData…` of `RAW` and `TYPED_MESSAGE`, nor `contractCall…` of `CONTRACT_CALL`',
    applies: ({ tx }, _, field) => tx !== undefined && !isContent(field, tx.operation),
  },
  { fields: ['details.tag'], noValue: 'always', applies: ALWAYS },
  {
    fields: ['details.<member>'],
    noValue: `when the type is one of ${wordsOf(DETAILS_OF_TYPE.keys())} and this is none of its members`,
    applies: ({ config }, _, field) => {
      const type = config?.type
      const members = typeof type === 'string' ? DETAILS_OF_TYPE.get(type) : undefined
      return members !== undefined && !members.has(field.slice('details.'.length))
    },
  },
]

/** What the table says of a condition: true when a missing value of it is no value. */
export function absenceOf(
  field: string,
): (subject: Subject, destination?: DestinationReading) => boolean {
  const rows = ABSENCE.filter(({ fields }) => fields.some((each) => covers(each, field)))
  const [only, ...more] = rows
  if (only === undefined) return () => false
  if (more.length === 0) return (subject, destination) => only.applies(subject, destination, field)
  return (subject, destination) => rows.some((row) => row.applies(subject, destination, field))
}

function covers(pattern: string, field: string): boolean {
  const open = pattern.indexOf('<')
  return open < 0 ? pattern === field : field.startsWith(pattern.slice(0, open))
}

function hasOnlyTypes(
  destination: DestinationReading | undefined,
  fits: (type: string) => boolean,
): boolean {
  const types = destination?.type.texts ?? []
  return types.length > 0 && types.every(fits)
}

function isWithoutDestination({ operation }: TxSignRequest): boolean {
  return typeof operation === 'string' && WITHOUT_DESTINATION.has(operation)
}

function isEmptyCall(parameters: TxSignRequest['extraParameters']): boolean {
  if (parameters instanceof Unreadable) return false
  const data = parameters?.['contractCallData']
  return data === '' || data === '0x' || data === '0X'
}

/** True for a path into what the operation signs: there it must lead somewhere. */
function isContent(field: string, operation: string | Unreadable): boolean {
  const path = field.slice('extraParameters.'.length)
  const isCall = path.startsWith('contractCall')
  const isMessage = path.startsWith('rawMessageData')
  if (operation instanceof Unreadable) return isCall || isMessage
  if (operation === 'CONTRACT_CALL') return isCall
  return (operation === 'RAW' || operation === 'TYPED_MESSAGE') && isMessage
}

function wordsOf(words: Iterable<string>): string {
  return Array.from(words, (word) => `\`${word}\``).join(', ')
}
