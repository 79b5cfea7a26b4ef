/** What both programs say about a failure: never a secret, one line, with a remedy where there is one. */

/** An expected failure: somebody outside the program can mend it. Anything else is a bug. */
export class CountersignError extends Error {
  /** What to do about it, in the imperative; printed after `hint:`. */
  readonly hint: string | undefined

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.hint = options.hint
  }
}

/** Key or certificate material that cannot be used; the message names the file, never its contents. */
export class KeyMaterialError extends CountersignError {}

/** A file or directory whose owner, mode, type or contents is not safe to use. */
export class UnsafeFileError extends CountersignError {}

/** The system error code (`ENOENT`, `EACCES`, …) of a caught value, if it has one. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** One line that says what went wrong, for logs and messages. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
