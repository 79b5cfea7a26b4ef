/** Events by type, in one table: what each tells. docs/events.md has all of them, and targets choose among them. */
import type { AlarmEvent } from '../callback/ports.ts'

/** Alarms have their kind behind `alarm.`; a kind that is not here does not compile. */
type AlarmTypes = { readonly [K in AlarmEvent['kind'] as `alarm.${K}`]: string }

const ALARMS: AlarmTypes = {
  'alarm.contradiction': 'Members of a request disagree, and it waits or is refused.',
  'alarm.unreadable': 'Signed content of a form that is not read: answered RETRY.',
  'alarm.conflict': 'An id was asked again with other content, and refused.',
  'alarm.uncertain': 'A rule depends on what is unknown: answered RETRY.',
  'alarm.stage-difference': 'The two stages of a transaction differ.',
  'alarm.policy-error': 'The policy or a function of the team failed: answered RETRY.',
  'alarm.internal-error': 'Something failed that was not foreseen: answered RETRY.',
  'alarm.deadline': 'No decision was ready in time: answered RETRY.',
  'alarm.late-failure': 'Work that went on after its RETRY had left has failed.',
  'alarm.retry-budget': 'The co-signer will soon stop asking about a request.',
  'alarm.store-unavailable': 'The decision store could not be asked or written: answered RETRY.',
}

/** What each type of event tells. */
export const EVENTS = {
  'hold.opened': 'A request waits for people.',
  'hold.approved': 'Somebody approved a hold; more people are needed.',
  'hold.released': 'The last person needed approved a hold: the next delivery passes.',
  'hold.refused': 'Somebody refused a hold.',
  'hold.expiring': 'A hold, or the patience of the co-signer, ends soon.',
  'freeze.began': 'Somebody froze the handler, or added to its freeze.',
  'freeze.ended': 'Somebody ended the freeze.',
  'limits.released': 'Somebody gave back what a transaction was charged.',
  'store.accepted': 'Somebody accepted a decision store that is not the newest.',
  'store.unavailable': 'The decision store cannot be written: it is full, or fails.',
  'not-ready': 'Another check of `/readyz` fails.',
  'certificate.due': 'A certificate expires soon, or has expired.',
  'act.asked': 'People are asked for an act of an operator.',
  'policy.waiting': 'A changed policy file waits for people.',
  'policy.loaded': 'Another policy decides from here on.',
  'policy.refused': 'The policy file is refused, and the one before decides.',
  silence: 'No request has come for long.',
  drift: 'What is paired is not what is served, as `doctor` found.',
  notice: 'Another notice of `/readyz`.',
  'callbacks.refused': 'Deliveries that nobody has signed were refused, or turned away.',
  'alarm.raw-tx': 'The bytes to be signed contradict the request, which is refused.',
  'alarm.malformed': 'A signed request has not the form of one, and is refused.',
  ...ALARMS,
} as const

export type EventType = keyof typeof EVENTS

/** Whether a text names a type of event. */
export function isEventType(text: string): text is EventType {
  return Object.hasOwn(EVENTS, text)
}

/** One thing to tell. */
export interface OutgoingEvent {
  /** The same at every attempt and after a restart; of `webhook-id`. */
  readonly id: string
  readonly type: EventType
  /** ISO 8601. */
  readonly time: string
  /** Events of one key arrive in their order; empty for those that follow no other. */
  readonly key: string
  /** One sentence for people, without what `details` holds. */
  readonly text: string
  readonly data: Readonly<Record<string, string | number>>
  /** What other people wrote, amounts and addresses: only for targets that ask for it. */
  readonly details: Readonly<Record<string, string>>
}
