/** Conditions on what a configuration change changes: members of its `extraInfo`. */
import type { ConfigChangeRequest } from '../../protocol/request.ts'
import { Unreadable } from '../../protocol/request.ts'
import { familyFor, readAddress, taggedKeys } from '../chains/address.ts'
import { DETAIL_FIELDS, keysOf } from '../fields.ts'
import { absenceOf } from '../readings/absence.ts'
import { isAbsent, NO, POSSIBLY } from '../readings/answer.ts'
import type { Stated } from '../readings/answer.ts'
import type { Subject } from '../readings/subject.ts'
import type { Path } from '../file/problems.ts'
import type { WhenClause } from '../file/schema.ts'
import { acceptedAddresses } from './address-check.ts'
import { describeStated, simpleCheck, textCheck, textsShape } from './check.ts'
import type { Accepted, Check, OnUnknown } from './check.ts'
import { compileTexts } from './texts.ts'
import type { CompileContext } from './texts.ts'

export function detailChecks(
  entry: WhenClause['details'],
  path: Path,
  context: CompileContext,
): Check[] {
  if (entry === undefined) return []
  const checks: Check[] = []
  const onUnknown = context.onUnknown(entry.unknown, path)
  for (const name of keysOf(DETAIL_FIELDS)) {
    const texts = entry[name]
    if (texts === undefined) continue
    const accepted = compileTexts(texts, DETAIL_FIELDS[name], [...path, name], context)
    const read = ({ config }: Subject) => detailOf(config, name)
    checks.push(
      name === 'address'
        ? addressCheck(accepted, entry.tag !== undefined, onUnknown, context)
        : textCheck(`details.${name}`, accepted, read, onUnknown),
    )
  }
  if (checks.length === 0) context.findings.report(path, 'expected at least one condition')
  return checks
}

/** The tag is part of the address, unless the rule has a condition of its own on it. */
function addressCheck(
  accepted: Accepted,
  tagIsChecked: boolean,
  onUnknown: OnUnknown,
  context: CompileContext,
): Check {
  const isNoValue = absenceOf('details.address')
  const { accepts, answer } = acceptedAddresses(accepted, context)
  const read = (subject: Subject) => keysIn(subject, tagIsChecked)
  return simpleCheck({
    field: 'details.address',
    wants: accepted.wants,
    // The two readings of tags differ, so that their sets must not be compared with each other.
    shape: tagIsChecked ? { kind: 'other', text: accepted.key } : textsShape(accepted),
    isPlural: false,
    onUnknown,
    answer: (subject, reading) =>
      answer(read(subject), reading, () => (isNoValue(subject) ? NO : POSSIBLY)),
    found: (subject) => describeStated(read(subject), accepts, isNoValue(subject)),
  })
}

/** An absent tag is none: the vendor's documents have it among the members. */
function keysIn({ config, addresses }: Subject, tagIsChecked: boolean): Stated {
  const address = detailOf(config, 'address')
  if (isAbsent(address)) return { texts: [], unreadable: false }
  const tag = tagIsChecked ? undefined : detailOf(config, 'tag')
  const family = familyFor(addresses, detailOf(config, 'asset'))
  const read = typeof address === 'string' ? readAddress(address, family) : undefined
  if (read === undefined || !(isAbsent(tag) || typeof tag === 'string')) {
    return { texts: [], unreadable: true }
  }
  const tags = [tag, tagIsChecked ? undefined : read.tag].filter((each) => !isAbsent(each))
  return { texts: taggedKeys(read, [...new Set(tags)].map(String), false), unreadable: false }
}

/** A member of `extraInfo`; what is no text cannot be read as one. */
function detailOf(config: ConfigChangeRequest | undefined, name: string): unknown {
  const info: unknown = config?.extraInfo
  if (info === undefined || info === null) return undefined
  if (typeof info !== 'object' || info instanceof Unreadable) return info
  const value: unknown = Object.hasOwn(info, name) ? Reflect.get(info, name) : undefined
  return value
}
