/** Verdict on a store: damaged, or consistent in itself, and then whether something proves it. */

/** `consistent`: nothing contradicts anything, but whoever writes the files could have made it so. */
export type Verdict = 'intact' | 'consistent' | 'damaged'

/** What was found out about a store. */
export interface Findings {
  readonly problemCount: number
  /** Checkpoints whose signature and contents hold. */
  readonly checkpoints: number
  /** Of these, how many were kept elsewhere. */
  readonly kept: number
  /** Records up to this one are covered by a signature. */
  readonly signedUpTo: number
  /** The last record that is not a checkpoint that holds. */
  readonly lastContent: number
  /** Undefined: there were no keys to verify signatures of requests with. */
  readonly requests: { readonly signed: number; readonly unsigned: number } | undefined
  readonly hasMark: boolean
  /** Holds whose opening no record tells. */
  readonly unrecordedHolds: number
}

export interface Judgement {
  readonly verdict: Verdict
  /** Why a store that is consistent is not proved, in words. */
  readonly unproved: readonly string[]
  /** What the verdict is not about, in words. */
  readonly unchecked: readonly string[]
}

/** Judges a store by what was found. */
export function judge(findings: Findings): Judgement {
  const unproved = unprovedBy(findings)
  const consistent = unproved.length === 0 ? 'intact' : 'consistent'
  const verdict = findings.problemCount === 0 ? consistent : 'damaged'
  return { verdict, unproved, unchecked: uncheckedBy(findings) }
}

function unprovedBy({ checkpoints, signedUpTo, lastContent, requests }: Findings): string[] {
  const reasons: string[] = []
  if (checkpoints === 0) {
    reasons.push('no checkpoint signs any record: all of it could have been written anew')
  } else if (lastContent > signedUpTo) {
    const first = signedUpTo + 1
    const records =
      first === lastContent ? `record ${first} is` : `records ${first} to ${lastContent} are`
    reasons.push(
      `${records} signed by no checkpoint yet: who can write the store and its mark could have altered, added or removed records there`,
    )
  }
  const unsigned = requests?.unsigned ?? 0
  if (unsigned > 0) reasons.push(`${unsigned} requests of \`certificate\` mode: no key signed them`)
  return reasons
}

function uncheckedBy({
  kept,
  checkpoints,
  signedUpTo,
  requests,
  hasMark,
  unrecordedHolds,
}: Findings): string[] {
  const left: string[] = []
  if (requests === undefined) {
    left.push('whether the co-signers signed the requests (`--cosigner-keys`)')
  }
  if (checkpoints > 0) left.push('whose the keys are that sign the checkpoints (`--keys`)')
  if (kept === 0) {
    left.push(
      `whether there were records after ${signedUpTo} that were removed, with the mark (\`--checkpoint\`)`,
    )
  }
  if (!hasMark) left.push('the high-water mark (`--no-mark`)')
  // Before there were records of it, nothing but its row said what a hold was.
  return unrecordedHolds === 0
    ? left
    : [...left, `the terms of ${unrecordedHolds} holds of version 0.1.0`]
}
