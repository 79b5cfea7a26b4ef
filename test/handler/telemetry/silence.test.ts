/** A co-signer that is down, unpaired or sent elsewhere left a handler in peace for days: nothing failed, nobody looked. */
import { beforeEach, describe, expect, it } from '@jest/globals'
import { watchSilence } from '../../../handler/telemetry/silence.ts'
import { manualTime } from '../../fixtures/manual-clock.ts'
import type { ManualTime } from '../../fixtures/manual-clock.ts'

const HOUR = 3_600_000

let time: ManualTime
let logged: string[]
let alarms: number

beforeEach(() => {
  time = manualTime()
  logged = []
  alarms = 0
})

function watch(alarmMs: number | undefined) {
  const level = (name: string) => (_: object, text: string) => void logged.push(`${name} ${text}`)
  const log = { info: level('info'), warn: level('warn'), error: level('error') }
  return watchSilence(alarmMs, time.clock, log, () => {
    alarms += 1
  })
}

describe('silence', () => {
  it('is an alarm once, and a notice until a callback comes', async () => {
    const silence = watch(2 * HOUR)
    await time.advance(2 * HOUR - 1)
    await silence.look()
    expect([silence.notice(), logged, alarms]).toEqual([undefined, [], 0])
    await time.advance(1)
    await silence.look()
    await time.advance(HOUR)
    await silence.look()
    expect(silence.notice()).toBe('silence: no callback came for 3h')
    expect([logged, alarms]).toEqual([['error no callback came for 2h'], 1])
    silence.heard()
    await silence.look()
    expect([silence.notice(), silence.forMs()]).toEqual([undefined, 0])
    expect(logged.slice(1)).toEqual(['info callbacks come again'])
    await time.advance(2 * HOUR)
    await silence.look()
    expect(alarms).toBe(2)
  })

  it('begins anew with each callback', async () => {
    const silence = watch(HOUR)
    for (let at = 0; at < 5; at += 1) {
      await time.advance(HOUR - 1)
      silence.heard()
      await silence.look()
    }
    expect(alarms).toBe(0)
  })

  it('is only measured when nobody has said how long is too long', async () => {
    const silence = watch(undefined)
    await time.advance(1_000 * HOUR)
    await silence.look()
    expect([silence.notice(), logged, alarms]).toEqual([undefined, [], 0])
    expect(silence.forMs()).toBe(1_000 * HOUR)
  })
})
