/** What a valid policy most likely does not mean: rules that cannot be reached, lists that contradict each other, … */
import type { NamedList } from './lists.ts'
import { unreachableRules } from './coverage.ts'
import type { Policy } from './policy.ts'
import type { Rule } from './rules.ts'
import { acceptsOnly } from './rules.ts'

export interface Advice {
  /** `error`: the file says something that has no effect. `warning`: it may well be meant. */
  readonly level: 'error' | 'warning'
  /** One line, lower case. */
  readonly message: string
}

/** Everything there is to say about a policy, errors first. */
export function adviceOn(policy: Policy): Advice[] {
  return [
    ...unreachableRules(policy.rules, policy.index).map(({ rule, by }) =>
      error(`rule \`${rule.id}\` is never reached: \`${by.id}\` matches all that it matches`),
    ),
    ...conflictingLists(policy),
    ...policy.unused.map((name) => warning(`\`${name}\` is not used`)),
    ...[...policy.lists.values()]
      .filter(({ keys }) => keys.size === 0)
      .map(({ name }) => warning(`list \`${name}\` is empty, so its rules match nothing`)),
    ...policy.rules.flatMap(adviceOnRule),
  ]
}

/** A value in two lists, of which one approves and the other refuses: the order of the rules decides. */
function conflictingLists({ lists, listActions }: Policy): Advice[] {
  const approving = withAction('APPROVE')
  const refusing = withAction('REJECT')
  return approving.flatMap((left) =>
    refusing.flatMap((right) => {
      if (left === right || left.kind !== right.kind) return []
      const both = [...smaller(left, right).keys].find(
        (key) => left.keys.has(key) && right.keys.has(key),
      )
      if (both === undefined) return []
      return warning(
        `\`${both}\` is in list \`${left.name}\`, which approves, and in \`${right.name}\`, which refuses: the earlier rule wins`,
      )
    }),
  )

  function withAction(action: 'APPROVE' | 'REJECT'): NamedList[] {
    return [...lists.values()].filter(({ name }) => listActions.get(name)?.has(action))
  }
}

function smaller(left: NamedList, right: NamedList): NamedList {
  return left.keys.size < right.keys.size ? left : right
}

function adviceOnRule(rule: Rule): Advice[] {
  const advice: Advice[] = []
  if (rule.action === 'APPROVE' && rule.checks.every(({ field }) => field !== 'endpoint')) {
    advice.push(warning(`rule \`${rule.id}\` approves on both endpoints`))
  }
  const { rawTx } = rule.requirements
  if (rawTx !== undefined && !acceptsOnly(rule.checks, 'stage', 'signing')) {
    advice.push(
      warning(
        `rule \`${rule.id}\` requires a raw transaction but is not limited to \`stage: signing\`: approval requests carry none`,
      ),
    )
  }
  return advice
}

function error(message: string): Advice {
  return { level: 'error', message }
}

function warning(message: string): Advice {
  return { level: 'warning', message }
}
