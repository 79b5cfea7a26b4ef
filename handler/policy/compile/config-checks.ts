/** Conditions on what a configuration change changes: members of its `extraInfo`. */
import { taggedKey } from '../chains/address.ts'
import { textCheck } from './check.ts'
import type { Accepted, Check } from './check.ts'
import { ADDRESS, DETAIL_FIELDS, detailText, keysOf } from './fields.ts'
import type { Path } from '../file/problems.ts'
import type { WhenClause } from '../file/schema.ts'
import { compileTexts } from './texts.ts'
import type { CompileContext } from './texts.ts'

export function detailChecks(
  entry: WhenClause['details'],
  path: Path,
  context: CompileContext,
): Check[] {
  if (entry === undefined) return []
  const checks: Check[] = []
  for (const name of keysOf(DETAIL_FIELDS)) {
    const texts = entry[name]
    if (texts === undefined) continue
    const accepted = compileTexts(texts, DETAIL_FIELDS[name], [...path, name], context)
    checks.push(textCheck(`details.${name}`, accepted, ({ config }) => detailText(config, name)))
  }
  if (entry.address !== undefined) {
    const accepted = compileTexts(entry.address, ADDRESS, [...path, 'address'], context)
    checks.push(addressCheck(accepted, entry.tag !== undefined))
  }
  if (checks.length === 0) context.findings.report(path, 'expected at least one condition')
  return checks
}

/** The tag is part of the address, unless the rule has a condition of its own on it. */
function addressCheck(accepted: Accepted, tagIsChecked: boolean): Check {
  const check = textCheck('details.address', accepted, ({ config }) => {
    const address = detailText(config, 'address')
    if (typeof address !== 'string') return address
    return taggedKey(address, tagIsChecked ? undefined : detailText(config, 'tag'))
  })
  // The two readings differ, so that their sets must not be compared with each other.
  return tagIsChecked ? { ...check, shape: { kind: 'other', text: accepted.key } } : check
}
