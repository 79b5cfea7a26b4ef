/** Conditions on where a transaction comes from and goes to: true only if true for every one of its destinations. */
import type { Text } from '../../protocol/request.ts'
import { textCheck, textsCheck } from './check.ts'
import type { Check } from './check.ts'
import {
  ACCOUNT_ID,
  ACCOUNT_TYPE,
  ADDRESS,
  canonicalType,
  NAMED,
  PLAIN_TEXT,
  SELECTOR,
} from './fields.ts'
import type { Path } from '../file/problems.ts'
import type { Texts, WhenClause } from '../file/schema.ts'
import { destinationTexts } from './subject.ts'
import type { DestinationMember, Subject } from './subject.ts'
import { compileTexts } from './texts.ts'
import type { CompileContext, FieldKind } from './texts.ts'

const MEMBERS: Readonly<Record<DestinationMember, FieldKind>> = {
  type: ACCOUNT_TYPE,
  id: ACCOUNT_ID,
  addressType: PLAIN_TEXT,
  name: NAMED,
  subType: PLAIN_TEXT,
}

export function sourceChecks(
  entry: WhenClause['source'],
  path: Path,
  context: CompileContext,
): Check[] {
  if (entry === undefined) return []
  const checks: Check[] = []
  if (entry.type !== undefined) {
    const accepted = compileTexts(entry.type, ACCOUNT_TYPE, [...path, 'type'], context)
    checks.push(textCheck('source.type', accepted, ({ tx }) => canonical(tx?.sourceType)))
  }
  if (entry.id !== undefined) {
    const accepted = compileTexts(entry.id, ACCOUNT_ID, [...path, 'id'], context)
    checks.push(textCheck('source.id', accepted, ({ tx }) => tx?.sourceId))
  }
  if (checks.length === 0) context.findings.report(path, 'expected `type`, `id` or both')
  return checks
}

export function destinationChecks(
  entry: WhenClause['destination'],
  path: Path,
  context: CompileContext,
): Check[] {
  if (entry === undefined) return []
  const checks: Check[] = []
  for (const member of ['type', 'id', 'addressType', 'name', 'subType'] as const) {
    const texts = entry[member]
    if (texts !== undefined) checks.push(memberCheck(member, texts, [...path, member], context))
  }
  if (entry.address !== undefined) {
    const accepted = compileTexts(entry.address, ADDRESS, [...path, 'address'], context)
    checks.push(textsCheck('destination.address', accepted, (subject) => subject.addressKeys()))
  }
  if (checks.length === 0) context.findings.report(path, 'expected at least one condition')
  return checks
}

function memberCheck(
  member: DestinationMember,
  entry: Texts,
  path: Path,
  context: CompileContext,
): Check {
  const accepted = compileTexts(entry, MEMBERS[member], path, context)
  return textsCheck(`destination.${member}`, accepted, ({ tx }) =>
    member === 'type' ? destinationTexts(tx, member).map(canonical) : destinationTexts(tx, member),
  )
}

/** The 4-byte selector as the request's own call data and the decoded raw transaction have it; both must fit. */
export function contractCallCheck(
  entry: WhenClause['contractCall'],
  path: Path,
  context: CompileContext,
): Check[] {
  if (entry === undefined) return []
  const accepted = compileTexts(entry.selector, SELECTOR, [...path, 'selector'], context)
  return [textsCheck('contractCall.selector', accepted, selectorsOf)]
}

const CALL_DATA = /^(?:0x)?([0-9a-f]{8})(?:[0-9a-f]{2})*$/i

function selectorsOf({ tx, facts }: Subject): readonly Text[] {
  const selectors: Text[] = []
  const data = tx?.extraParameters?.['contractCallData']
  if (data !== undefined) selectors.push(typeof data === 'string' ? selectorOf(data) : null)
  const { rawTx } = facts
  if (rawTx.status === 'absent') return selectors
  const decoded = rawTx.facts.selector
  return decoded === undefined ? selectors : [...selectors, decoded]
}

function selectorOf(callData: string): string | undefined {
  const digits = CALL_DATA.exec(callData)?.[1]
  return digits === undefined ? undefined : `0x${digits.toLowerCase()}`
}

function canonical(type: Text): Text {
  return typeof type === 'string' ? canonicalType(type) : type
}
