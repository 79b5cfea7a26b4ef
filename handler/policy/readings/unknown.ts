/** The fields of a request that are unknown, whatever a policy asks for: what a hook is sent besides the request. */
import { absenceOf } from './absence.ts'
import { statedAmount } from './amounts.ts'
import { isAbsent } from './answer.ts'
import type { Stated } from './answer.ts'
import type { DestinationReading } from './destinations.ts'
import type { Subject } from './subject.ts'

type Probe = (subject: Subject) => boolean

/** Field → whether it is unknown. */
const TRANSACTION: readonly (readonly [string, Probe])[] = [
  oneValue('asset', ({ tx }) => tx?.asset),
  oneValue('source.type', ({ tx }) => tx?.sourceType),
  oneValue('source.id', ({ tx }) => tx?.sourceId),
  ['amount', (subject) => isOpen(subject.amounts())],
  ['requestedAmount', ({ tx }) => isOpen(statedAmount(tx?.requestedAmount))],
  ['amountUSD', (subject) => isOpen(subject.dollars()) && !absenceOf('amountUSD')(subject)],
  oneValue(
    'fee',
    ({ tx }) => tx?.fee,
    (fee) => typeof fee === 'object',
  ),
  oneValue('note', ({ tx }) => tx?.note),
  oneValue('externalTxId', ({ tx }) => tx?.externalTxId),
  oneValue('signerId', ({ request }) => request.signerId),
  ofDestinations('destination.type', ({ type }) => type),
  ofDestinations('destination.id', ({ id }) => id),
  ofDestinations('destination.address', (each) => each.address()),
  ofDestinations('destination.addressType', ({ addressType }) => addressType),
  ofDestinations('destination.name', ({ name }) => name),
  ofDestinations('destination.subType', ({ subType }) => subType),
]

const CONFIG_CHANGE: readonly (readonly [string, Probe])[] = [
  oneValue('type', ({ config }) => config?.type),
  oneValue('signerId', ({ request }) => request.signerId),
]

/** Names as the policy has them, in a fixed order. */
export function unknownFields(subject: Subject): readonly string[] {
  const probes = subject.tx === undefined ? CONFIG_CHANGE : TRANSACTION
  return probes.filter(([, isUnknown]) => isUnknown(subject)).map(([field]) => field)
}

function oneValue(
  field: string,
  read: (subject: Subject) => unknown,
  isReadable: (value: unknown) => boolean = (value) => typeof value === 'string',
): [string, Probe] {
  const isNoValue = absenceOf(field)
  return [
    field,
    (subject) => {
      const value = read(subject)
      return isAbsent(value) ? !isNoValue(subject) : !isReadable(value)
    },
  ]
}

function ofDestinations(
  field: string,
  read: (destination: DestinationReading) => Stated,
): [string, Probe] {
  const isNoValue = absenceOf(field)
  return [
    field,
    (subject) =>
      subject.destinations().some((each) => {
        const { texts, unreadable } = read(each)
        return unreadable || (texts.length === 0 && !isNoValue(subject, each))
      }),
  ]
}

function isOpen({ amounts, unknown }: ReturnType<typeof statedAmount>): boolean {
  return unknown || amounts.length === 0 || amounts.some(({ isExact }) => !isExact)
}
