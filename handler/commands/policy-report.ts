/** Words and facts for checks and explanations of policies. */
import type { Advice } from '../policy/compile/advice.ts'
import type { HoldTerms } from '../policy/decision.ts'
import type { Explanation, RuleExplanation } from '../policy/explain.ts'
import type { PolicyResult } from '../policy/parse.ts'

/** What `policy check --json` prints. */
export function checkFacts(result: PolicyResult, advice: readonly Advice[], ok: boolean): object {
  return result.ok
    ? {
        ok,
        digest: result.policy.digest,
        rules: result.policy.rules.length,
        tests: result.policy.tests.length,
        problems: [],
        advice,
      }
    : { ok, problems: result.problems, advice }
}

/** The decision with its reason, its conditions, and each rule. */
export function explanationLines(explanation: Explanation): string[] {
  const { evaluation, consistency, rawTx, statement, signingOnly, rules } = explanation
  const { decision, charges, hooks, singleUses, hold } = evaluation
  const lines = [`${decision.action} by \`${decision.rule}\`: ${decision.reason}`]
  for (const { check, found, answer } of consistency) {
    lines.push(`check \`${check}\` fails, answered ${answer}: ${found}`)
  }
  if (signingOnly !== undefined)
    lines.push(`stage: signing (\`signers\` says so of \`${signingOnly}\`)`)
  lines.push(`raw transaction: ${rawTx}`, `extra signature: ${statement}`)
  lines.push(...explanation.addresses.flatMap(addressLine))
  for (const { limit, key } of charges) lines.push(`if limit \`${limit}\` has room (${key})`)
  for (const { name } of singleUses) lines.push(`if \`${name}\` was not used before`)
  for (const { hook } of hooks) lines.push(`if hook \`${hook}\` allows it`)
  if (hold !== undefined) {
    const isProven = rawTx === 'verified' && consistency.every(({ answer }) => answer !== 'hold')
    const where = isProven ? ', now or at the approval stage' : ''
    lines.push(`until released by ${peopleOf(hold)}${where}`)
  }
  return [...lines, '', ...rules.map(ruleLine)]
}

function peopleOf({ approvals, people }: HoldTerms): string {
  if (people === undefined) return `${approvals} of your people`
  const { groups, barred = [] } = people
  const asked = groups.map((group) => `${group.approvals} of ${group.name}`).join(' and ')
  return barred.length === 0
    ? `${asked}, who sign`
    : `${asked}, who sign, without ${barred.join(', ')}`
}

function addressLine(
  { keys, unreadable, family = 'asset not known' }: Explanation['addresses'][number],
  index: number,
): string[] {
  const words = [...keys.map((key) => `\`${key}\``), ...(unreadable ? ['unreadable'] : [])]
  return words.length === 0 ? [] : [`address ${index + 1} (${family}): ${words.join(', ')}`]
}

function ruleLine(rule: RuleExplanation): string {
  const { id, action, answer, reading, unmet, unknown, unreleasable } = rule
  const reads = reading === 'every' ? 'every destination' : 'any destination'
  const parts = [`${answer}${PLACES[rule.outcome]}`]
  if (unmet !== undefined) {
    parts.push(`${unmet.field} is ${unmet.found}, required ${unmet.wants}`)
  }
  if (unknown.length > 0) parts.push(`unknown: ${unknown.join(', ')}`)
  if (unreleasable !== undefined) parts.push(`nobody can release it: ${unreleasable}`)
  return `  ${id} (${action}, ${reads}): ${parts.join('; ')}`
}

const PLACES: Readonly<Record<RuleExplanation['outcome'], string>> = {
  deciding: ', decides',
  passed: '',
  shadowed: ', but comes later',
  unmatched: '',
}

/** What `policy explain --json` prints. */
export function explanationFacts({ evaluation, ...rest }: Explanation): object {
  const { decision, charges, hooks, singleUses, hold, uncertainty, unreleasable } = evaluation
  return {
    decision,
    uncertainty,
    unreleasable,
    limits: charges.map(({ limit, key }) => ({ limit, key })),
    hooks: hooks.map(({ hook }) => hook),
    singleUses: singleUses.map(({ name }) => name),
    hold,
    ...rest,
  }
}
