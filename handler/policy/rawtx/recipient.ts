/** Who is paid where the request leaves it open, as the bytes have it. */
export interface Recipient {
  /** Position in `destinations`; 0 when the top level is the only destination. */
  readonly index: number
  /** In the chain's own spelling. */
  readonly address: string
}
