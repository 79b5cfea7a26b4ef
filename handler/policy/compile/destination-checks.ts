/** Conditions on where a transaction comes from and goes to; all conditions of a block are about one destination. */
import { Unreadable } from '../../protocol/request.ts'
import { DESTINATION_FIELDS, keysOf, SELECTOR, SOURCE_FIELDS } from '../fields.ts'
import type { FieldKind } from '../fields.ts'
import { absenceOf } from '../readings/absence.ts'
import {
  answerFor,
  CERTAINLY,
  greatest,
  isAbsent,
  least,
  NO,
  POSSIBLY,
} from '../readings/answer.ts'
import type { Answer, Reading, Stated } from '../readings/answer.ts'
import type { DestinationMember, DestinationReading } from '../readings/destinations.ts'
import type { Subject } from '../readings/subject.ts'
import type { Path } from '../file/problems.ts'
import type { DestinationEntry, WhenClause } from '../file/schema.ts'
import { acceptedAddresses } from './address-check.ts'
import { accepter, describeStated, knownOnly, statedCheck, textCheck, textsShape } from './check.ts'
import type { Accepted, Check, Part, Unmet } from './check.ts'
import { quantified } from './quantifier.ts'
import { compileTexts } from './texts.ts'
import type { CompileContext } from './texts.ts'

export function sourceChecks(
  entry: WhenClause['source'],
  path: Path,
  context: CompileContext,
): Check[] {
  if (entry === undefined) return []
  const checks: Check[] = []
  const onUnknown = context.onUnknown(entry.unknown, path)
  for (const field of keysOf(SOURCE_FIELDS)) {
    const texts = entry[field]
    if (texts === undefined) continue
    const { kind, of } = SOURCE_FIELDS[field]
    const [member] = of
    const accepted = compileTexts(texts, kind, [...path, field], context)
    const read = ({ tx }: Subject) => spelled(tx?.[member], kind)
    checks.push(textCheck(`source.${field}`, accepted, read, onUnknown))
  }
  if (checks.length === 0) context.findings.report(path, 'expected `type`, `id` or both')
  return checks
}

/** One condition of a block, asked about one destination. */
interface MemberCheck extends Part {
  readonly wants: string
  answer(subject: Subject, destination: DestinationReading, reading: Reading): Answer
  found(subject: Subject, destination: DestinationReading): string
}

export function destinationChecks(
  entry: WhenClause['destination'],
  path: Path,
  context: CompileContext,
): Check[] {
  if (entry === undefined) return []
  const { block, at, isEvery } = quantified(entry, path, context)
  const members = memberChecks(block, at, context)
  if (members.length === 0) {
    context.findings.report(at, 'expected at least one condition')
    return []
  }
  const isKnownOnly = context.onUnknown(block.unknown, at) !== undefined
  const ask = (subject: Subject, destination: DestinationReading, reading: Reading) => {
    const answer = answerAbout(members, subject, destination, reading)
    return isKnownOnly ? knownOnly(answer) : answer
  }
  return [blockCheck(members, ask, isEvery)]
}

function blockCheck(
  members: readonly MemberCheck[],
  ask: (subject: Subject, destination: DestinationReading, reading: Reading) => Answer,
  isEvery: boolean,
): Check {
  return {
    parts: members.map(({ field, shape }) => ({ field, shape })),
    isPlural: true,
    ...(isEvery ? { isEvery } : {}),
    answer: (subject, reading) => {
      const destinations = subject.destinations()
      if (destinations.length === 0) return NO
      // What one destination states twice is read as the rule reads; only which destinations count can be written.
      if (reading === 'any' && !isEvery) {
        let best: Answer = NO
        for (const each of destinations) best = greatest(best, ask(subject, each, reading))
        return best
      }
      let worst: Answer = CERTAINLY
      for (const each of destinations) worst = least(worst, ask(subject, each, reading))
      return worst
    },
    unmet: (subject, reading) => {
      const every = reading !== 'any' || isEvery
      const answers = subject.destinations().map((each) => ask(subject, each, reading))
      const telling = every ? Math.min(...answers) : Math.max(...answers)
      const destination = subject.destinations()[answers.findIndex((each) => each === telling)]
      return unmetBy(members, subject, destination, reading)
    },
    unknown: (subject, reading) => {
      const open = subject
        .destinations()
        .filter((each) => ask(subject, each, reading) === POSSIBLY)
        .flatMap((each) =>
          members
            .filter((member) => member.answer(subject, each, reading) === POSSIBLY)
            .map(({ field }) => field),
        )
      return [...new Set(open)]
    },
  }
}

function answerAbout(
  members: readonly MemberCheck[],
  subject: Subject,
  destination: DestinationReading,
  reading: Reading,
): Answer {
  let answer: Answer = CERTAINLY
  for (const member of members) {
    answer = least(answer, member.answer(subject, destination, reading))
    if (answer === NO) return NO
  }
  return answer
}

function unmetBy(
  members: readonly MemberCheck[],
  subject: Subject,
  destination: DestinationReading | undefined,
  reading: Reading,
): Unmet {
  if (destination === undefined) {
    return { field: 'destination', wants: 'a destination', found: 'no value' }
  }
  const answerOf = (member: MemberCheck) => member.answer(subject, destination, reading)
  const member = members.reduce((worst, each) => (answerOf(each) < answerOf(worst) ? each : worst))
  const { field, wants } = member
  return { field, wants, found: member.found(subject, destination) }
}

function memberChecks(
  block: DestinationEntry,
  path: Path,
  context: CompileContext,
): readonly MemberCheck[] {
  const checks: MemberCheck[] = []
  for (const member of keysOf(DESTINATION_FIELDS)) {
    const texts = block[member]
    if (texts === undefined) continue
    const accepted = compileTexts(
      texts,
      DESTINATION_FIELDS[member].kind,
      [...path, member],
      context,
    )
    checks.push(
      member === 'address' ? addressCheck(accepted, context) : memberCheck(member, accepted),
    )
  }
  return checks
}

function addressCheck(accepted: Accepted, context: CompileContext): MemberCheck {
  const isNoValue = absenceOf('destination.address')
  const { answer, accepts } = acceptedAddresses(accepted, context)
  return {
    field: 'destination.address',
    wants: accepted.wants,
    shape: textsShape(accepted),
    answer: (subject, destination, reading) =>
      answer(destination.address(), reading, () =>
        isNoValue(subject, destination) ? NO : POSSIBLY,
      ),
    found: (subject, destination) =>
      describeStated(destination.address(), accepts, isNoValue(subject, destination)),
  }
}

/** Members that only name an account: nothing is approved for their sake when the address is another's. */
const LABELS: ReadonlySet<DestinationMember> = new Set(['type', 'id', 'name'])

function memberCheck(member: DestinationMember, accepted: Accepted): MemberCheck {
  const accepts = accepter(accepted)
  const field = `destination.${member}`
  const isNoValue = absenceOf(field)
  return {
    field,
    wants: accepted.wants,
    shape: textsShape(accepted),
    answer: (subject, destination, reading) => {
      const missing = () => (isNoValue(subject, destination) ? NO : POSSIBLY)
      const stated = answerFor(destination[member], accepts, reading, missing)
      const answer =
        member === 'type' && stated !== CERTAINLY
          ? greatest(stated, answerByKind(destination, accepts, reading))
          : stated
      const isBelieved = reading === 'any' || !LABELS.has(member) || !destination.isUnproven()
      return isBelieved ? answer : least(answer, POSSIBLY)
    },
    found: (subject, destination) => {
      const found = describeStated(destination[member], accepts, isNoValue(subject, destination))
      return LABELS.has(member) && destination.isUnproven()
        ? `${found} (its address is not in \`vaultAddresses\`)`
        : found
    },
  }
}

/** What a type says besides its own word: a contract is unmanaged, an unmanaged one may be a contract. */
function answerByKind(
  { type }: DestinationReading,
  accepts: (text: string) => boolean,
  reading: Reading,
): Answer {
  if (type.also.some(accepts)) return type.unreadable ? POSSIBLY : CERTAINLY
  if (reading === 'any' && type.coarse !== undefined && accepts(type.coarse)) return CERTAINLY
  return type.perhaps.some(accepts) ? POSSIBLY : NO
}

/** The 4-byte selector as the request's own call data and the decoded raw transaction have it. */
export function contractCallCheck(
  entry: WhenClause['contractCall'],
  path: Path,
  context: CompileContext,
): Check[] {
  if (entry === undefined) return []
  const accepted = compileTexts(entry.selector, SELECTOR, [...path, 'selector'], context)
  const onUnknown = context.onUnknown(entry.unknown, path)
  return [statedCheck('contractCall.selector', accepted, selectorsOf, onUnknown)]
}

const CALL_DATA = /^(?:0x)?([0-9a-f]{8})(?:[0-9a-f]{2})*$/i
const EMPTY_CALL = /^(?:0x)?$/i

/**
 * What the call data and every entry of the bytes say; data that are no call data, and entries that cannot be decoded, are
 * unreadable; empty ones say nothing.
 */
function selectorsOf({ tx, facts }: Subject): Stated {
  const { selectors = [], undecoded } = facts.rawTx.status === 'absent' ? {} : facts.rawTx.facts
  const texts = [...selectors]
  const unreadable = undecoded === true
  const parameters = tx?.extraParameters
  if (parameters instanceof Unreadable) return { texts, unreadable: true }
  const data = parameters?.['contractCallData']
  if (isAbsent(data)) return { texts, unreadable }
  if (typeof data !== 'string') return { texts, unreadable: true }
  const digits = CALL_DATA.exec(data)?.[1]?.toLowerCase()
  if (digits === undefined) return { texts, unreadable: unreadable || !EMPTY_CALL.test(data) }
  if (!texts.includes(`0x${digits}`)) texts.push(`0x${digits}`)
  return { texts, unreadable }
}

function spelled(value: unknown, { canonical }: FieldKind): unknown {
  return typeof value === 'string' && canonical !== undefined ? canonical(value) : value
}
