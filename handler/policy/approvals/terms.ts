/** The terms of a hold as an act names them. */
import { sha256 } from '../../protocol/digest.ts'
import type { HoldTerms } from '../decision.ts'
import { peopleDigest } from './people.ts'

/** Hex SHA-256 of who must approve with which keys, for how long it waits, and of what then. */
export function termsDigest({
  approvals,
  expiresMs,
  onExpiry,
  boundTo = '',
  people,
}: HoldTerms): string {
  const who = people === undefined ? '' : peopleDigest(people)
  const all = ['countersign terms', approvals, expiresMs, onExpiry, boundTo, who]
  return sha256(JSON.stringify(all))
}
