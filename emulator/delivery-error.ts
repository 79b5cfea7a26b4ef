/** Why a callback got no usable answer: for the real co-signer each of these fails the request. */

/**
 * `CONNECT` no connection · `TLS` handshake or chain · `PIN` another certificate than the stored
 * one · `RESET` broken connection · `TIMEOUT` 30 s · `STATUS` not 200 · `ANSWER` not what an answer
 * looks like · `SIGNATURE` not signed with the stored key · `REQUEST_ID` answers another request ·
 * `ACTION` not allowed at this stage · `DISAGREE` equal requests got different answers ·
 * `NOT_LOOPBACK` the emulator does not leave this machine.
 */
export type FailureKind =
  | 'CONNECT'
  | 'TLS'
  | 'PIN'
  | 'RESET'
  | 'TIMEOUT'
  | 'STATUS'
  | 'ANSWER'
  | 'SIGNATURE'
  | 'REQUEST_ID'
  | 'ACTION'
  | 'DISAGREE'
  | 'NOT_LOOPBACK'

/** A callback that failed. */
export class DeliveryError extends Error {
  readonly kind: FailureKind
  /** HTTP status, when one was received that is not 200. */
  readonly status: number | undefined

  constructor(kind: FailureKind, message: string, status?: number) {
    super(message)
    this.name = 'DeliveryError'
    this.kind = kind
    this.status = status
  }
}
