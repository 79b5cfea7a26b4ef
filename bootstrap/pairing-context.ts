/** What the steps of one pairing share, and the few questions they all ask. */
import type { AuthMode } from '../common/admin-api.ts'
import type { Pairing } from './compare.ts'
import type { Journal } from './journal.ts'
import { rememberPairing } from './memory.ts'
import type { Operation } from './memory.ts'
import type { PairingIds } from './observe.ts'
import type { Session } from './session.ts'

export interface PairingContext extends Session {
  readonly ids: PairingIds
  readonly journal: Journal
  readonly basePath: string
  readonly auth: AuthMode
  /** Quiet time before a generation nobody needs is retired, in milliseconds. */
  readonly drainMs: number
}

/** What is paired, in words for the middle of a sentence. */
export function inWords(paired: Pairing): string {
  switch (paired.is) {
    case 'absent':
      return 'no pairing'
    case 'no-handler':
      return 'a pairing without a callback handler'
    case 'ours':
      return `generation ${paired.generation}`
    case 'mismatch':
      return `the URL of generation ${paired.generation} with another ${paired.fields.join(' and ')}`
    case 'foreign':
    default:
      return `the foreign URL \`${paired.url}\``
  }
}

/** True when the API shows this generation, or no pairing when that is what is wanted. */
export function isThere(paired: Pairing, generation: number | null): boolean {
  if (generation === null) return paired.is === 'absent'
  return paired.is === 'ours' && paired.generation === generation
}

/** The operation under way; every step runs inside one. */
export function operationOf({ journal }: PairingContext): Operation {
  const { operation } = rememberPairing(journal.records())
  if (operation === null) throw new Error('no operation is under way')
  return operation
}
