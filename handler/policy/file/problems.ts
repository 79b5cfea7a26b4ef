/** Problems of a policy file, each with its line and column. */

/** One problem of a policy file. */
export interface PolicyProblem {
  /** The policy file, or one of its list files. */
  readonly file: string
  /** 1-based. */
  readonly line: number
  /** 1-based, in UTF-16 units. */
  readonly column: number
  /** Where in the policy, e.g. `rules[2].when.amount.max`; empty for the file as a whole. */
  readonly path: string
  /** One line, lower case. */
  readonly message: string
}

/** Steps from the top of the file to a value. */
export type Path = readonly (string | number)[]

/** A problem before its place in the text is known. */
export interface Finding {
  readonly path: Path
  readonly message: string
  /** The key itself is at fault (an unknown key), not its value. */
  readonly key?: string
  /** Version 0.1.0 accepted it: a file of version 1 that was in force then goes on being so. */
  readonly isNew?: true
}

/** `rules[2].when.amount.max`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}

/** `policy.yaml:12:7: rules[2].when: unknown key …`, one line. */
export function formatProblem(problem: PolicyProblem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`
  return problem.path === ''
    ? `${where}: ${problem.message}`
    : `${where}: ${problem.path}: ${problem.message}`
}
