import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Stage } from '../../../handler/protocol/endpoints.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import {
  approve,
  draftOf,
  possibleAt,
  refusalOf,
  refuse,
} from '../../../handler/callback/response.ts'
import type { AnswerClaims, Approval, Proof } from '../../../handler/callback/response.ts'

const request: CallbackRequest = {
  endpoint: 'config_change_sign_request',
  stage: 'approval',
  requestId: 'r-1',
  signerId: undefined,
  unknownMembers: [],
  type: 'ADD_USER',
  extraInfo: undefined,
}
const yes = { action: 'APPROVE', rule: 'rule-1', reason: 'for us only' } as const
const no = { action: 'REJECT', rule: 'rule-2', reason: 'NO' } as const

describe('approve', () => {
  it.each<[string, Proof]>([
    [
      'a receipt',
      { kind: 'recorded', receipt: { seq: 1, hash: 'h', decision: yes }, policyDigest: 'p' },
    ],
    ['an earlier record', { kind: 'decided', seq: 1, decision: yes }],
  ])('says no more than APPROVE and the id, given %s', (_, proof) => {
    const claims = approve(request, proof)
    expect(JSON.stringify(claims)).toBe('{"action":"APPROVE","requestId":"r-1"}')
    expect(Object.isFrozen(claims)).toBe(true)
  })

  it.each<[string, Proof]>([
    [
      'a receipt',
      { kind: 'recorded', receipt: { seq: 1, hash: 'h', decision: no }, policyDigest: 'p' },
    ],
    ['an earlier record', { kind: 'decided', seq: 1, decision: no }],
  ])('throws when %s says something else', (_, proof) => {
    expect(() => approve(request, proof)).toThrow('the record does not say APPROVE')
  })

  it('cannot be gone round: these do not compile', () => {
    // @ts-expect-error an approval by hand lacks the mark that only `approve` can make
    const byHand: Approval = { action: 'APPROVE', requestId: 'r' }
    // @ts-expect-error a draft is no answer
    const draft: AnswerClaims = draftOf('r', yes)
    // @ts-expect-error a refusal cannot approve
    const refusal = () => refuse('r', 'approval', 'APPROVE', '')
    const receipt = { seq: 1, hash: 'h', decision: yes }
    // @ts-expect-error the proof needs the policy
    const unproved = () => approve(request, { kind: 'recorded', receipt })
    // @ts-expect-error another's refusal proves nothing
    const sibling = () => approve(request, { kind: 'rejected-sibling', seq: 1, decision: yes })
    expect([byHand, draft, refusal, unproved, sibling]).toHaveLength(5)
  })
})

describe('refuse', () => {
  it('gives the reason, and leaves it out when there is none', () => {
    expect(refuse('r', 'signing', 'REJECT', 'NO')).toEqual({
      action: 'REJECT',
      requestId: 'r',
      rejectionReason: 'NO',
    })
    expect(refuse('r', 'signing', 'RETRY', '')).toEqual({ action: 'RETRY', requestId: 'r' })
    expect(refuse('r', 'approval', 'IGNORE', ' \n')).toEqual({ action: 'IGNORE', requestId: 'r' })
  })

  it('does not compile for IGNORE unless the stage is surely approval', () => {
    // @ts-expect-error IGNORE is not known in the signing stage
    const signing = () => refuse('r', 'signing', 'IGNORE', '')
    // @ts-expect-error nor where the stage is not known
    const unknown = (stage: Stage) => refuse('r', stage, 'IGNORE', '')
    expect([signing, unknown]).toHaveLength(2)
  })

  it('keeps the reason printable and short, whatever a policy says', () => {
    expect(
      refuse('r', 'signing', 'REJECT', 'a\u0000\u001b[31m\u202eb\u2028c\ufeffd\ud800e'),
    ).toMatchObject({
      rejectionReason: 'a [31m b c d e',
    })
    expect(refuse('r', 'signing', 'REJECT', 'braucht Prüfung: größer')).toMatchObject({
      rejectionReason: 'braucht Prüfung: größer',
    })
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (reason) => {
        const { rejectionReason = '' } = refuse('r', 'signing', 'REJECT', reason)
        expect(rejectionReason).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
        expect(Array.from(rejectionReason).length).toBeLessThanOrEqual(256)
      }),
    )
    expect(refuse('r', 'signing', 'REJECT', '😀'.repeat(300)).rejectionReason).toBe(
      '😀'.repeat(256),
    )
  })
})

describe('IGNORE', () => {
  const ignore = { action: 'IGNORE', rule: 'rule-3', reason: 'not ours' } as const
  const rejected = { action: 'REJECT', rule: 'rule-3', reason: 'IGNORE_NOT_POSSIBLE_WHEN_SIGNING' }

  it('stays in the approval stage', () => {
    expect(possibleAt('approval', ignore)).toBe(ignore)
    expect(refusalOf('r', 'approval', 'IGNORE', 'not ours')).toEqual({
      action: 'IGNORE',
      requestId: 'r',
      rejectionReason: 'not ours',
    })
  })

  it('becomes a refusal in the signing stage', () => {
    expect(possibleAt('signing', ignore)).toEqual(rejected)
    expect(possibleAt('signing', yes)).toBe(yes)
    expect(refusalOf('r', 'signing', 'IGNORE', 'not ours')).toEqual({
      action: 'REJECT',
      requestId: 'r',
      rejectionReason: 'IGNORE_NOT_POSSIBLE_WHEN_SIGNING',
    })
    expect(refusalOf('r', 'signing', 'RETRY', 'later')).toMatchObject({ action: 'RETRY' })
  })
})

describe('draftOf', () => {
  it('has the bytes of the answer that it foresees', () => {
    const proof = { kind: 'decided', seq: 1, decision: yes } as const
    expect(JSON.stringify(draftOf('r-1', yes))).toBe(JSON.stringify(approve(request, proof)))
    expect(JSON.stringify(draftOf('r-1', no))).toBe(
      JSON.stringify(refuse('r-1', 'signing', 'REJECT', 'NO')),
    )
    expect(JSON.stringify(draftOf('r-1', { ...no, reason: '' }))).toBe(
      '{"action":"REJECT","requestId":"r-1"}',
    )
  })
})
