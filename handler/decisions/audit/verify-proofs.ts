/** Checks who decided on holds that name approvers: the act is made anew from the records, and the assertion verified over it. */
import { actOf, signerOf } from '../proofs.ts'
import type { Approval, Asked } from '../proofs.ts'
import type { AskedContent, HeldContent, OperatorContent } from '../record.ts'

export interface ProofCheck {
  /** The first record says which store it is. */
  created(storeId: string): void
  /** What is wrong with the proof of an act, in words. `held`: how the hold was opened, or asked about last. */
  record(
    content: OperatorContent,
    held: HeldContent | AskedContent | undefined,
    timeMs: number,
  ): string[]
}

export function createProofCheck(): ProofCheck {
  let store = ''
  return {
    created: (storeId) => {
      store = storeId
    },
    record: ({ act, by, proof }, held, timeMs) => {
      if (act !== 'hold-approve' && act !== 'hold-reject') return []
      const people = held?.terms.people
      if (people === undefined || held === undefined) {
        return proof === undefined ? [] : ['proves who decided on a hold that names no approvers']
      }
      if (proof === undefined) return ['decides on a hold that names approvers, without a proof']
      const verdict = act === 'hold-approve' ? 'approve' : 'reject'
      const { hold: id, terms, summary, digest, rule = '', nonce = '' } = held
      const name = held.kind === 'asked' ? held.act : 'hold'
      const asked: Asked = { act: name, digest, rule, nonce }
      const text = actOf({ id, terms, summary, asked }, store, verdict)
      if (text === undefined) return ['decides on a hold that cannot be signed']
      const { key, assertion } = proof
      const found = signerOf(people, { by, assertion, timeMs }, text)
      if ('flaw' in found) return [`is not proved: ${found.flaw}`]
      return found.key === key ? [] : ['names another key than the one that signed']
    },
  }
}

/** The approval that a record tells, as the store keeps it. */
export function approvalIn({ by, proof }: OperatorContent, time: string): Approval {
  return proof === undefined ? by : { by, key: proof.key, timeMs: Date.parse(time) }
}
