/** What the co-signer can ask: the two endpoints, their stages, and the actions each may be answered with. */

/** The last path segment, verbatim from the wire. */
export type Endpoint = 'tx_sign_request' | 'config_change_sign_request'

/** `signing`: the answer lets the co-signer sign bytes. `approval`: it is one approver's vote. */
export type Stage = 'approval' | 'signing'

/** What an answer can say (vendor: response object). */
export type Action = 'APPROVE' | 'REJECT' | 'RETRY' | 'IGNORE'

/** IGNORE drops an approver's vote; the vendor does not support it in the signing stage, so it has no type there. */
export type ActionAt<S extends Stage> = S extends 'signing' ? Exclude<Action, 'IGNORE'> : Action

export const ENDPOINTS: readonly Endpoint[] = ['tx_sign_request', 'config_change_sign_request']
