/** The answers to consistency checks that a file gives. */
import { CHECKS } from '../decision.ts'
import type { CheckName, ConsistencyAnswer, ConsistencyAnswers } from '../decision.ts'
import type { ConsistencyEntry } from '../file/terms-schema.ts'
import { termsOf } from './rules.ts'

export function compileConsistency(entry: ConsistencyEntry = {}): ConsistencyAnswers {
  return new Map(
    CHECKS.flatMap((check): [CheckName, ConsistencyAnswer][] => {
      const written = entry[check]
      if (written === undefined) return []
      if (typeof written === 'object') return [[check, { answer: 'hold', hold: termsOf(written) }]]
      if (written === 'hold') return [[check, { answer: 'hold', hold: termsOf({}) }]]
      return [[check, { answer: written }]]
    }),
  )
}
