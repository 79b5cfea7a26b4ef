/** The answers to consistency checks that a file gives. */
import { CHECKS } from '../decision.ts'
import type { CheckName, ConsistencyAnswer, ConsistencyAnswers } from '../decision.ts'
import type { ConsistencyEntry } from '../file/terms-schema.ts'
import type { RuleContext } from './requirements.ts'
import { namedPeople, termsOf } from './rules.ts'

export function compileConsistency(
  entry: ConsistencyEntry = {},
  context: Pick<RuleContext, 'people' | 'findings'>,
): ConsistencyAnswers {
  return new Map(
    CHECKS.flatMap((check): [CheckName, ConsistencyAnswer][] => {
      const written = entry[check]
      if (written === undefined) return []
      if (typeof written === 'object') {
        const people = namedPeople(written, ['consistency', check, 'approvals'], context)
        return [[check, { answer: 'hold', hold: termsOf(written, people) }]]
      }
      if (written === 'hold') return [[check, { answer: 'hold', hold: termsOf({}, undefined) }]]
      return [[check, { answer: written }]]
    }),
  )
}
