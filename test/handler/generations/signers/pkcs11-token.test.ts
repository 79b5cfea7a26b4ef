/** The sessions of a token, lost under the feet of whoever signs: opened again once, for all who lost theirs. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { PIN, softHsm, softHsmLacks } from '../../../fixtures/soft-hsm.ts'

const describeHere = softHsmLacks() === undefined ? describe : describe.skip

describeHere('a token whose sessions are lost', () => {
  it('is opened once more, and signs for everybody who waits', async () => {
    const { uri, env } = await softHsm()
    const script = join(import.meta.dirname, 'lost-sessions.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, [script, uri, PIN], { env })
    // Nine signatures with one login, nine more with a second one, and an end when the module itself is gone.
    expect(JSON.parse(stdout)).toEqual({ before: [9, 1], after: [9, 2], gone: 'refused' })
  })
})
