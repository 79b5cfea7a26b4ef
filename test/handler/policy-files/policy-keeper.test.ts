/** What the log hears of a policy that changes. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { loadPolicy } from '../../../handler/policy-files/policy-file.ts'
import { createPolicyKeeper } from '../../../handler/policy-files/policy-keeper.ts'
import { followPolicy, taken } from '../../../handler/policy-files/policy-source.ts'
import { settableClock } from '../../fixtures/settable-clock.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { until } from '../../fixtures/until.ts'

describe('a look at the policy files', () => {
  // A handler that was told to stop while it read a policy of 10,000 rules did not stop before it had read it.
  it('is waited for by nothing, and its outcome is in the log', async () => {
    const file = join(await temporaryDirectory(), 'policy.yaml')
    await writeFile(file, 'version: 1\n')
    const loaded = await loadPolicy(file)
    if (!loaded.ok) throw new Error('the policy is good')
    const clock = settableClock()
    const policies = followPolicy(file, taken(loaded.policy, clock.now()), clock)
    const lines: string[] = []
    let refused = 0
    const log = (_details: object, message: string) => void lines.push(message)
    const logger = { info: log, warn: log, error: log }
    const keeper = createPolicyKeeper({
      policies,
      shadow: undefined,
      logger,
      refused: () => {
        refused += 1
      },
    })
    const lookUntil = (line: string) =>
      until(() => {
        keeper.look()
        return lines.includes(line)
      })
    await writeFile(file, 'version: 1\ndefault: RETRY\n')
    expect(keeper.look()).toBeUndefined()
    expect(policies.current().policy.defaultAction).toBe('REJECT')
    await lookUntil('policy taken over')
    expect(policies.current().policy.defaultAction).toBe('RETRY')
    await writeFile(file, 'version: 3\n')
    await lookUntil('the policy file is wrong: the old one stays')
    expect([refused, policies.current().policy.defaultAction]).toEqual([1, 'RETRY'])
  })
})
