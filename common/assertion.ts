/** Assertions as they are sent and recorded: what proves that an approver decided. */

/** A signature by a key in a file. */
export interface FileAssertion {
  /** Base64, over the bytes of the act. */
  readonly signature: string
}

/** What `navigator.credentials.get` returns; all base64url. */
export interface PasskeyAssertion {
  /** Credential id. */
  readonly id: string
  readonly authenticatorData: string
  readonly clientDataJSON: string
  readonly signature: string
}

export type Assertion = FileAssertion | PasskeyAssertion

export function isPasskeyAssertion(assertion: Assertion): assertion is PasskeyAssertion {
  return 'authenticatorData' in assertion
}
