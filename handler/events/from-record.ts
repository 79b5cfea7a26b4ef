/** What a record of the chain tells, as an event. */
import type { FeedHold, FeedItem } from '../decisions/feed.ts'
import type {
  AlarmContent,
  AskedContent,
  HeldContent,
  OperatorContent,
} from '../decisions/record.ts'
import type { DecisionContent } from '../decisions/decision-fields.ts'
import { isOperatorAct } from '../decisions/proofs.ts'
import { filledBy } from '../policy/approvals/people.ts'
import { isEventType } from './catalogue.ts'
import type { EventType, OutgoingEvent } from './catalogue.ts'

/** What an event needs besides its record. */
export interface EventContext {
  readonly storeId: string
  /** How long the co-signer asks again after a first RETRY, in milliseconds. */
  readonly retryMs: number
}

type Told = Omit<OutgoingEvent, 'id' | 'time'>

/** The event of a record; undefined when nobody needs to hear of it. */
export function eventOf(
  { seq, body, hold }: FeedItem,
  context: EventContext,
): OutgoingEvent | undefined {
  const told = toldBy(body, hold, context)
  if (told === undefined) return undefined
  const id = eventId(context.storeId, String(seq))
  return { id, time: body.time, ...told, data: { ...told.data, seq } }
}

/** Ids of events: the store, and what is unique in it. */
export function eventId(storeId: string, unique: string): string {
  return `evt_${storeId.replaceAll('-', '').slice(0, 16)}_${unique}`
}

/** Until when a hold can be released: its own end, or that of the co-signer's patience. */
export function endOf({ openedAt, expiresAt, asked }: FeedHold, retryMs: number): number {
  const endMs = Date.parse(expiresAt)
  return isOperatorAct(asked) ? endMs : Math.min(endMs, Date.parse(openedAt) + retryMs)
}

function toldBy(
  body: FeedItem['body'],
  hold: FeedHold | undefined,
  context: EventContext,
): Told | undefined {
  if (body.kind === 'held') return heldTold(body, hold, context)
  if (body.kind === 'asked') return askedTold(body, hold)
  if (body.kind === 'alarm') return alarmTold(body)
  if (body.kind === 'decision') return decisionTold(body)
  return body.kind === 'operator' ? actTold(body, hold) : undefined
}

function heldTold(body: HeldContent, hold: FeedHold | undefined, { retryMs }: EventContext): Told {
  const { endpoint, requestId, signerId, stage, terms, summary } = body
  const until = hold === undefined ? undefined : new Date(endOf(hold, retryMs)).toISOString()
  const people = terms.approvals === 1 ? 'one person' : `${terms.approvals} people`
  return {
    type: 'hold.opened',
    key: body.hold,
    text: `request ${requestId} (${stage} stage) waits for ${people}: hold ${body.hold}${
      until === undefined ? '' : `, until ${until}`
    }`,
    data: {
      hold: body.hold,
      endpoint,
      requestId,
      signerId,
      stage,
      approvals: 0,
      approvalsWanted: terms.approvals,
      onExpiry: terms.onExpiry,
      ...(hold === undefined ? {} : { expiresAt: hold.expiresAt }),
      ...(until === undefined ? {} : { until }),
    },
    details: { summary },
  }
}

function actTold(content: OperatorContent, hold: FeedHold | undefined): Told | undefined {
  const { act, subject, by, note } = content
  const details = { note }
  switch (act) {
    case 'hold-approve':
      return approvalTold(content, hold)
    case 'hold-reject': {
      const text = `${by} refused hold ${subject}`
      return { type: 'hold.refused', key: subject, text, data: { hold: subject, by }, details }
    }
    case 'freeze':
    case 'freeze-again': {
      const text = `${by} froze the handler: new requests get ${subject}`
      return { type: 'freeze.began', key: 'freeze', text, data: { action: subject, by }, details }
    }
    case 'unfreeze':
      return {
        type: 'freeze.ended',
        key: 'freeze',
        text: `${by} ended the freeze`,
        data: { by },
        details,
      }
    case 'release-charges': {
      const text = `${by} gave back what ${subject} was charged`
      return { type: 'limits.released', key: '', text, data: { owner: subject, by }, details }
    }
    case 'accept-store': {
      const text = `${by} accepted this decision store`
      return { type: 'store.accepted', key: '', text, data: { by }, details }
    }
    case 'policy-load': {
      const text = `another policy decides from here on: ${subject} (${by})`
      return { type: 'policy.loaded', key: 'policy', text, data: { policy: subject, by }, details }
    }
    // Told when people were asked, and when the last of them has approved.
    case 'pairing':
    case 'rotation':
    default:
      return undefined
  }
}

function askedTold({ act, hold: id, terms, summary }: AskedContent, hold?: FeedHold): Told {
  return {
    type: act === 'policy' ? 'policy.waiting' : 'act.asked',
    key: id,
    text: `${act} waits for ${terms.approvals} approvers: ${id}`,
    data: {
      hold: id,
      act,
      approvals: 0,
      approvalsWanted: terms.approvals,
      ...(hold === undefined ? {} : { expiresAt: hold.expiresAt }),
    },
    details: { summary },
  }
}

/** The hold is read later than its record was written: only the place of this person in the list is of that time. */
function approvalTold(
  { subject, by, note, proof }: OperatorContent,
  hold: FeedHold | undefined,
): Told {
  const wanted = hold?.terms.approvals ?? 1
  const upTo = (hold?.approvals.indexOf(by) ?? -1) + 1
  const people = hold?.terms.people
  const given = people === undefined ? upTo : filledBy(people, hold?.approvals.slice(0, upTo) ?? [])
  const released = given >= wanted
  const type = released ? 'hold.released' : 'hold.approved'
  const text = `${by} approved hold ${subject}${
    released ? ', which is released' : `: ${given} of ${wanted}`
  }`
  const key = proof === undefined ? {} : { key: proof.key }
  const data = { hold: subject, by, approvals: given, approvalsWanted: wanted, ...key }
  return { type, key: subject, text, data, details: { note } }
}

function decisionTold(content: DecisionContent): Told | undefined {
  const { rule, action, reason, requestId, signerId, stage, owner, deliveryId, differs } = content
  const ruleType = `alarm.${rule}`
  const type: EventType = isEventType(ruleType) ? ruleType : 'alarm.stage-difference'
  const what =
    type === 'alarm.stage-difference'
      ? `the stages of ${owner} differ in ${(differs ?? []).join(', ')}`
      : `request ${requestId} is answered ${action} by the reserved rule ${rule}`
  return {
    type,
    key: '',
    text: what,
    data: {
      requestId,
      signerId,
      stage,
      owner,
      action,
      rule,
      deliveryId,
      ...(differs === undefined ? {} : { differs: differs.join(' ') }),
    },
    details: { reason },
  }
}

function alarmTold({ alarm, requestId, deliveryId, more }: AlarmContent): Told | undefined {
  const type = `alarm.${alarm}`
  return isEventType(type) ? alarmEvent(type, requestId, deliveryId, more) : undefined
}

/** An alarm about a request, whether or not it is on record. */
export function alarmEvent(
  type: EventType,
  requestId: string,
  deliveryId: string,
  more: number,
): Told {
  const others = more === 0 ? '' : `, and ${more} more`
  const text = `${type.replace('.', ' ')}: request ${requestId}, delivery ${deliveryId}${others}`
  return { type, key: '', text, data: { requestId, deliveryId, more }, details: {} }
}
