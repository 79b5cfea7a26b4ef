/** `pair`, `rotate` and `unpair` as the operator sees them, against the emulated custody API. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { COSIGNER, createWorld, PAIRING, USER, type World, type WorldOptions } from './world.ts'

const worlds: World[] = []

async function worldWithUser(options?: WorldOptions): Promise<World> {
  const world = (await createWorld(options)).withUser()
  worlds.push(world)
  return world
}

afterEach(() => {
  worlds.splice(0).forEach((world) => world.clean())
})

const IDS = ['--cosigner-id', COSIGNER, '--api-key-id', USER] as const

describe('pair', () => {
  it('sends URL, key and certificate of generation 1, follows the approval and reads back', async () => {
    const world = await worldWithUser()
    expect(await world.run('pair', ...IDS, '--json')).toBe(0)
    expect(world.json()).toMatchObject({
      ok: true,
      paired: 'ours',
      generation: 1,
      url: 'https://handler.test:8443/g1',
      changed: true,
    })
    expect(world.writes).toHaveLength(1)
    const body = JSON.parse(world.writes[0]?.body ?? '') as { callbackHandler: object }
    expect(Object.keys(body.callbackHandler)).toEqual(['url', 'publicKey', 'cert'])
    expect(world.handler.needs).toEqual({
      [PAIRING]: { live: 1, pending: null, drainMs: 7_200_000 },
    })
  })

  it('has nothing to do the second time', async () => {
    const world = await worldWithUser()
    await world.run('pair', ...IDS)
    const before = world.writes.length
    expect(await world.run('pair', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ paired: 'ours', generation: 1, changed: false })
    expect(world.writes).toHaveLength(before)
  })

  it('shows the plan and sends nothing with --dry-run', async () => {
    const world = await worldWithUser()
    expect(await world.run('pair', ...IDS, '--dry-run')).toBe(0)
    expect(world.stdout).toContain('PUT: pair generation 1')
    expect(world.writes).toEqual([])
    expect(world.handler.needs).toEqual({})
  })

  it('exits 5 while people think, and the same command resumes', async () => {
    const world = await worldWithUser({ autoApproveMs: null })
    expect(await world.run('pair', ...IDS, '--wait', '30s')).toBe(5)
    expect(world.stderr).toContain('the workspace Owner')
    expect(world.stderr).toContain('resume: countersign-bootstrap pair')
    world.emulator.autoApproveMs = 0
    for (const request of world.emulator.requests) request.decideAt = world.nowMs
    expect(await world.run('pair', ...IDS, '--wait', '30s')).toBe(0)
    expect(world.writes).toHaveLength(1)
  })

  it('exits 5 while the approvers of the handler think, and the same command resumes', async () => {
    const world = await worldWithUser()
    const resumes = async (...argv: string[]) => {
      world.handler.asksPeople = true
      expect(await world.run(...argv, '--wait', '30s')).toBe(5)
      expect(world.stderr).toContain('the handler waits for approvers of its policy')
      world.handler.asksPeople = false
      expect(await world.run(...argv, '--wait', '30s')).toBe(0)
    }
    await resumes('pair', ...IDS)
    expect(world.writes).toHaveLength(1)
    await resumes('rotate', ...IDS, '--yes')
    expect(world.handler.needs[PAIRING]).toMatchObject({ live: 2 })
    await resumes('unpair', ...IDS, '--yes')
    expect(world.handler.needs).toEqual({})
  })

  it('exits 6 when the request is rejected, and a new run asks anew', async () => {
    const world = await worldWithUser()
    world.knobs({ APPROVAL_DELAY_S: 1, APPROVAL_OUTCOME: 'reject' })
    expect(await world.run('pair', ...IDS)).toBe(6)
    expect(world.handler.needs[PAIRING]).toMatchObject({ live: null, pending: null })
    world.knobs({})
    expect(await world.run('pair', ...IDS)).toBe(0)
    expect(world.writes).toHaveLength(2)
  })

  it('sends nothing when the wire shows another certificate', async () => {
    const world = await worldWithUser()
    world.seen.pin = 'AAAA'
    expect(await world.run('pair', ...IDS)).toBe(7)
    expect(world.writes).toEqual([])
  })

  it('sends nothing when an unsigned request is not answered 401', async () => {
    const world = await worldWithUser()
    world.seen.status = 200
    expect(await world.run('pair', ...IDS)).toBe(7)
    expect(world.writes).toEqual([])
  })

  it('configures a user that was paired on the host without a handler', async () => {
    const world = await worldWithUser()
    world.emulator.pairings.set(PAIRING, {
      cosignerId: COSIGNER,
      apiKeyId: USER,
      shown: [{ at: 0, handler: null }],
      used: [],
      lastSeen: undefined,
    })
    expect(await world.run('pair', ...IDS)).toBe(0)
    expect(world.writes.map(({ method }) => method)).toEqual(['PATCH'])
  })

  it('refuses to take the place of a stranger unless it is told to', async () => {
    const world = await worldWithUser()
    world.emulator.pairings.set(PAIRING, {
      cosignerId: COSIGNER,
      apiKeyId: USER,
      shown: [{ at: 0, handler: { url: 'https://elsewhere.test' } }],
      used: [],
      lastSeen: undefined,
    })
    expect(await world.run('pair', ...IDS)).toBe(7)
    expect(await world.run('pair', ...IDS, '--replace')).toBe(2)
    expect(await world.run('pair', ...IDS, '--replace', '--yes')).toBe(0)
  })
})

describe('rotate', () => {
  it('moves to generation 2 in the other slot with one PATCH, and the old one drains', async () => {
    const world = await worldWithUser()
    await world.run('pair', ...IDS)
    expect(await world.run('rotate', '--yes', '--json')).toBe(0)
    expect(world.json()).toMatchObject({
      generation: 2,
      url: 'https://handler.test:8444/g2',
    })
    expect(world.writes.map(({ method }) => method)).toEqual(['PUT', 'PATCH'])
    const states = world.handler.status().generations.map(({ state }) => state)
    expect(states).toEqual(['draining', 'live'])
  })

  it('waits for a slot that still drains, and says so', async () => {
    const world = await worldWithUser()
    await world.run('pair', ...IDS)
    await world.run('rotate', '--yes')
    expect(await world.run('rotate', '--yes', '--wait', '10m')).toBe(5)
    expect(world.stderr).toContain('an older generation still drains')
    const first = world.handler.generations.get(1)
    if (first !== undefined) first.retired = true
    expect(await world.run('rotate', '--yes', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ generation: 3, url: 'https://handler.test:8443/g3' })
  })

  it('leaves generation 1 untouched when cancelled, and the next one takes a new number', async () => {
    const world = await worldWithUser()
    await world.run('pair', ...IDS)
    world.knobs({ APPROVAL_DELAY_S: 1, APPROVAL_OUTCOME: 'cancel' })
    expect(await world.run('rotate', '--yes')).toBe(6)
    expect(world.handler.needs[PAIRING]).toMatchObject({ live: 1, pending: null })
    expect(await world.run('status', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ pairing: { is: 'ours', generation: 1 } })
    world.knobs({})
    const second = world.handler.generations.get(2)
    if (second !== undefined) second.retired = true
    expect(await world.run('rotate', '--yes', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ generation: 3 })
  })

  it('refuses a new key for a pin on one URL, and renews the certificate instead', async () => {
    const world = await worldWithUser({ slots: ['https://handler.test:8443'] })
    await world.run('pair', ...IDS)
    expect(await world.run('rotate', '--yes')).toBe(2)
    expect(await world.run('rotate', '--yes', '--renew-certificate', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ generation: 2 })
    const [one, two] = world.handler.status().generations
    expect(two?.kid).toBe(one?.kid)
    expect(two?.fingerprint).not.toBe(one?.fingerprint)
  })

  it('rotates a pin on one URL when the gap is accepted', async () => {
    const world = await worldWithUser({ slots: ['https://handler.test:8443'] })
    await world.run('pair', ...IDS)
    expect(await world.run('rotate', '--yes', '--accept-gap', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ generation: 2 })
  })

  it('asks on a terminal, and takes no for an answer', async () => {
    const world = await worldWithUser()
    await world.run('pair', ...IDS)
    world.answer = false
    expect(await world.run('rotate')).toBe(2)
    expect(world.writes).toHaveLength(1)
    world.answer = true
    expect(await world.run('rotate')).toBe(0)
  })

  it('never sends a second PATCH by itself when the answer to the first was lost', async () => {
    const world = await worldWithUser({ autoApproveMs: null })
    world.emulator.autoApproveMs = 0
    await world.run('pair', ...IDS)
    world.emulator.autoApproveMs = undefined
    world.intercept = ({ method }) => {
      if (method !== 'PATCH') return undefined
      world.intercept = () => undefined
      return Promise.resolve({ status: 502, headers: {}, body: '<html>Bad Gateway</html>' })
    }
    expect(await world.run('rotate', '--yes', '--wait', '1m')).toBe(5)
    expect(world.stderr).toContain('--resubmit')
    expect(await world.run('rotate', '--yes', '--wait', '1m')).toBe(5)
    const patches = () => world.writes.filter(({ method }) => method === 'PATCH')
    expect(patches()).toHaveLength(1)
    world.emulator.autoApproveMs = 0
    expect(await world.run('rotate', '--yes', '--resubmit')).toBe(0)
    expect(patches()).toHaveLength(2)
    expect(patches()[0]?.body).toBe(patches()[1]?.body)
  })

  it('can be given up, and a late approval is then seen for what it is', async () => {
    const world = await worldWithUser({ autoApproveMs: null })
    world.emulator.autoApproveMs = 0
    await world.run('pair', ...IDS)
    world.emulator.autoApproveMs = undefined
    expect(await world.run('rotate', '--yes', '--wait', '5s')).toBe(5)
    expect(await world.run('rotate', '--yes', '--abandon')).toBe(0)
    expect(world.handler.status().generations.map(({ state }) => state)).toEqual([
      'live',
      'draining',
    ])
    for (const request of world.emulator.requests) {
      if (request.status === 'WAITING_FOR_APPROVAL') request.decideAt = world.nowMs
    }
    world.nowMs += 10_000
    expect(await world.run('pair', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ generation: 2 })
    expect(world.handler.needs[PAIRING]).toMatchObject({ live: 2, pending: null })
  })
})

describe('unpair', () => {
  it('warns loudest, asks, and forgets the pairing in the handler', async () => {
    const world = await worldWithUser()
    await world.run('pair', ...IDS)
    world.answer = true
    expect(await world.run('unpair')).toBe(0)
    expect(world.stderr).toContain('SIGNS EVERYTHING')
    expect(world.handler.needs).toEqual({})
    expect(await world.run('unpair', '--yes')).toBe(0)
    expect(world.writes.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  })

  it('does not act without a terminal and without --yes', async () => {
    const world = await worldWithUser()
    await world.run('pair', ...IDS)
    expect(await world.run('unpair')).toBe(2)
    expect(world.writes).toHaveLength(1)
  })
})
