/**
 * Two changes approved within seconds of each other, an abandoned rotation and the one after it, each with a switch of
 * its own within ten seconds: the emulated co-signer ended with the older one while the API showed the newer, for ever.
 * No co-signer that carries out its changes one after the other does that, and no client could mend it.
 */
import { describe, expect, it } from '@jest/globals'
import { decide, settle } from '../../emulator/approvals.ts'
import { createChaos } from '../../emulator/chaos.ts'
import { CALM } from '../../emulator/knobs.ts'
import { createState, heldAt } from '../../emulator/state.ts'
import type { ChangeRequest } from '../../emulator/state.ts'

const NOW = Date.parse('2026-11-02T09:00:00Z')

function change(url: string): ChangeRequest {
  return {
    id: url,
    type: 'UPDATE_CALLBACK_HANDLER',
    requestedAt: NOW,
    status: 'WAITING_FOR_APPROVAL',
    decideAt: undefined,
    outcome: 'approve',
    completesAt: undefined,
    switchesAt: [],
    forgotten: false,
    target: { cosignerId: 'co-signer', apiKeyId: 'user', handler: { url } },
    user: undefined,
  }
}

describe('two changes approved within seconds of each other', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('end with the later one everywhere (seed %i)', (seed) => {
    const chaos = createChaos(seed)
    chaos.knobs = { ...CALM, COMPLETION_DELAY_MS: [0, 20_000], SWITCH_SKEW_MS: [-10_000, 10_000] }
    const state = createState(chaos, [], [])
    const [older, newer] = [change('https://handler.test/g2'), change('https://handler.test/g3')]
    state.requests.push(older, newer)
    decide(state, older, 'approve', NOW)
    decide(state, newer, 'approve', NOW + 3_000)
    const end = NOW + 3_600_000
    settle(state, end)
    const [pairing] = state.pairings.values()
    const held = [pairing?.shown ?? [], ...(pairing?.used ?? [])].map((one) => heldAt(one, end))
    expect(held.map((handler) => handler?.url)).toEqual(held.map(() => 'https://handler.test/g3'))
    expect([older.status, newer.status]).toEqual(['COMPLETED', 'COMPLETED'])
  })
})
