/** What a valid policy most likely does not mean: rules that cannot be reached, lists that contradict each other, … */
import { partsOf, shownKey } from '../chains/address.ts'
import { TAGGED } from '../chains/address-families.ts'
import { formatPath } from '../file/problems.ts'
import {
  boundsFee,
  hasLeastFee,
  isAboutTransactions,
  isBound,
  listedFor,
  mayAccept,
  mayAcceptOthers,
} from './advice-bounds.ts'
import type { Check } from './check.ts'
import type { NamedList } from './lists.ts'
import { unreachableRules } from './coverage.ts'
import type { PeopleTerms } from '../approvals/people.ts'
import { expiredAt } from './people.ts'
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
    ...policy.misspelt.map(({ path, message }) => warning(`${formatPath(path)}: ${message}`)),
    ...conflictingLists(policy),
    ...policy.unused.map((name) => warning(`\`${name}\` is not used`)),
    ...[...policy.lists.values()]
      .filter(({ keys }) => keys.size === 0)
      .map(({ name }) => warning(`list \`${name}\` is empty, so its rules match nothing`)),
    ...policy.doubts.map(({ file, line, message }) =>
      warning(`${file}:${line}: ${message}: it is compared as it is`),
    ),
    ...adviceOnTags(policy),
    ...adviceOnLabels(policy),
    ...policy.rules.flatMap((rule) => [...adviceOnRule(rule), ...adviceOnProof(rule, policy)]),
    ...adviceOnReleasedFees(policy),
    ...(policy.rules.length > 0 && policy.tests.length === 0
      ? [warning('the policy has no tests')]
      : []),
  ]
}

/** What people release before a fee is known is signed with any fee that no rule minds. */
function adviceOnReleasedFees({ rules }: Policy): Advice[] {
  const minding = rules.findIndex(mindsFee)
  return rules
    .slice(0, minding < 0 ? rules.length : minding)
    .filter(
      (rule) =>
        rule.hold !== undefined &&
        movesSomething(rule) &&
        !acceptsOnly(rule.checks, 'stage', 'signing') &&
        !boundsFee(rule.checks),
    )
    .map(({ id }) =>
      warning(
        `rule \`${id}\` lets people release at the approval stage what is then signed with any fee: bound it with \`fee.max\` for \`stage: signing\`, or refuse a high one above`,
      ),
    )
}

/** Refuses or holds what costs more than some fee. */
function mindsFee({ reading, checks }: Rule): boolean {
  return reading === 'any' && hasLeastFee(checks)
}

/** Keys of approvers that have ended at that time. */
export function adviceOnKeys(policy: Policy, now: Date): Advice[] {
  return expiredAt(askedIn(policy), now.getTime()).map(error)
}

/** Whoever is asked for something. */
function askedIn({ rules, acts, consistency }: Policy): PeopleTerms[] {
  const held = [...consistency.values()].flatMap((each) =>
    each.answer === 'hold' ? each.hold : [],
  )
  const terms = [...rules.flatMap(({ hold }) => hold ?? []), ...held]
  return [...terms.flatMap(({ people }) => people ?? []), ...acts.values()]
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
        `\`${shownKey(both)}\` is in list \`${left.name}\`, which approves, and in \`${right.name}\`, which refuses: the earlier rule wins`,
      )
    }),
  )

  function withAction(action: 'APPROVE' | 'REJECT'): NamedList[] {
    return [...lists.values()].filter(({ name }) => listActions.get(name)?.has(action))
  }
}

/** A vault account is what the request calls it, until the policy says which addresses are its own. */
function adviceOnLabels({ rules, addresses: { vaultAddresses } }: Policy): Advice[] {
  if (vaultAddresses !== undefined) return []
  return rules
    .filter(({ action, checks }) => action === 'APPROVE' && goesToVault(checks))
    .map(({ id }) =>
      warning(
        `rule \`${id}\` approves because a destination is called a vault account; \`vaultAddresses\` says which addresses are its own`,
      ),
    )
}

function goesToVault(checks: readonly Check[]): boolean {
  return (
    mayAccept(checks, 'destination.type', ['VAULT']) &&
    isBound(checks, ['destination.type']) &&
    !isBound(checks, ['destination.address']) &&
    // Before it is signed a transfer to a vault account names no address.
    !acceptsOnly(checks, 'stage', 'approval')
  )
}

/** An absent tag is unknown until the policy says that co-signers send tags. */
function adviceOnTags({ rules, addresses: { tagsSent } }: Policy): Advice[] {
  if (tagsSent) return []
  return rules.flatMap(({ id, checks }) => {
    const key = listedWithTag(checks)
    if (key === undefined) return []
    return warning(
      `rule \`${id}\` lists \`${shownKey(key)}\`, of a chain with tags: where a request has no member for them, the tag is unknown. Say \`tags: sent\` if all your co-signers are of 2026.07.20 or later, or list it with \`:*\``,
    )
  })
}

/** An address that is compared with its tag; what is listed with whatever tag needs none. */
function listedWithTag(checks: readonly Check[]): string | undefined {
  for (const { parts, alternatives = [] } of checks) {
    for (const { field, shape } of parts) {
      if (field !== 'destination.address' || shape.kind !== 'set') continue
      for (const set of shape.sets) {
        for (const key of set) if (isOfTaggedChain(key)) return key
      }
    }
    for (const block of alternatives) {
      const key = listedWithTag(block)
      if (key !== undefined) return key
    }
  }
  return undefined
}

/** An address of a chain whose form says so: names of EOS have no form of their own, and Hedera's may be EVM's. */
function isOfTaggedChain(key: string): boolean {
  const { bare, tag } = partsOf(key)
  return tag !== undefined && tag !== '*' && TAGGED.some((family) => family.read(bare) === bare)
}

function smaller(left: NamedList, right: NamedList): NamedList {
  return left.keys.size < right.keys.size ? left : right
}

function adviceOnRule(rule: Rule): Advice[] {
  const advice = rule.action === 'APPROVE' ? adviceOnApproval(rule) : []
  const { rawTx, limits, isUnlimited } = rule.requirements
  if (rule.hold !== undefined && limits.length === 0 && !isUnlimited && movesSomething(rule)) {
    advice.push(
      warning(
        `rule \`${rule.id}\` lets people release transactions without \`limits\` (\`limits: none\` says that none are meant)`,
      ),
    )
  }
  if (rawTx !== undefined && !acceptsOnly(rule.checks, 'stage', 'signing')) {
    advice.push(
      warning(
        `rule \`${rule.id}\` requires a raw transaction but is not limited to \`stage: signing\`: approval requests carry none`,
      ),
    )
  }
  return advice
}

/** About transactions, and not only about those that sign content alone. */
function movesSomething({ checks }: Rule): boolean {
  return isAboutTransactions(checks) && (!isBound(checks, ['operation']) || mayAcceptOthers(checks))
}

/** Bytes that the rule asks for, and that its assets and destinations cannot give. */
function adviceOnProof(rule: Rule, { assets, addresses, version }: Policy): Advice[] {
  const { id, checks, requirements, settles } = rule
  if (requirements.rawTx === undefined) return []
  const { tolerated } = requirements.rawTx
  const advice: Advice[] = []
  const bitcoinLike = listedFor(checks, 'asset').filter(
    (each) => assets.get(each)?.family === 'utxo',
  )
  const [example] = bitcoinLike
  if (tolerated.has('fee') && !boundsFee(checks)) {
    advice.push(warning(`rule \`${id}\` tolerates a fee that is not proven, without \`fee.max\``))
  }
  if (!tolerated.has('fee') && example !== undefined) {
    advice.push(
      warning(
        `rule \`${id}\` requires a proven fee: \`${example}\` transactions with legacy or taproot inputs wait unless a PSBT proves it; \`tolerate: [fee]\` with \`fee.max\` says less`,
      ),
    )
  }
  const isSettled =
    addresses.vaultAddresses !== undefined ||
    tolerated.has('vault-address') ||
    settles.has('vault-address')
  if (mayAccept(checks, 'destination.type', ['VAULT']) && !isSettled) {
    advice.push(
      warning(
        `rule \`${id}\` requires proven addresses of own vaults and names none: bind them with \`vaultAddresses\` or \`destination.address\`, or \`tolerate: [vault-address]\``,
      ),
    )
  }
  if (version === 1 && tolerated.size === 0) {
    advice.push(
      warning(
        `rule \`${id}\`: \`rawTx: verified\` means fee and own vault addresses as well, and answers RETRY where they are not proven`,
      ),
    )
  }
  return advice
}

/** Bounds that an approval most likely should have. */
function adviceOnApproval({ id, checks, requirements }: Rule): Advice[] {
  const rule = `rule \`${id}\``
  if (!isBound(checks, ['endpoint'])) return [warning(`${rule} approves on both endpoints`)]
  if (!isAboutTransactions(checks)) return []
  const advice: Advice[] = []
  const signsContent = mayAccept(checks, 'operation', ['RAW', 'TYPED_MESSAGE'])
  const isContentOnly = isBound(checks, ['operation']) && !mayAcceptOthers(checks)
  if (!isBound(checks, ['source.', 'destination.', 'amount'])) {
    advice.push(warning(`${rule} approves without a bound on source, destination or amount`))
  }
  if (isBound(checks, ['amount', 'requestedAmount']) && !isBound(checks, ['asset'])) {
    advice.push(warning(`${rule} bounds an amount without naming the asset`))
  }
  if (!isContentOnly && !boundsFee(checks)) {
    advice.push(warning(`${rule} approves at signing without \`fee.max\``))
  }
  const isVouchedFor = requirements.extraSignature !== undefined
  if (
    signsContent &&
    isBound(checks, ['operation']) &&
    !isVouchedFor &&
    !isBound(checks, ['extraParameters.', 'typedData.'])
  ) {
    advice.push(warning(`${rule} approves RAW or TYPED_MESSAGE whatever their content`))
  }
  return advice
}

function error(message: string): Advice {
  return { level: 'error', message }
}

function warning(message: string): Advice {
  return { level: 'warning', message }
}
