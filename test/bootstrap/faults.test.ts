/** Answers that nobody documents, and lies: what the bootstrapper makes of them. */
import { afterEach, describe, expect, it } from '@jest/globals'
import {
  COSIGNER,
  createWorld,
  PAIRING,
  placeUserKey,
  USER,
  type World,
  type WorldOptions,
} from './world.ts'

const worlds: World[] = []
const IDS = ['--cosigner-id', COSIGNER, '--api-key-id', USER] as const

async function worldWithUser(options?: WorldOptions): Promise<World> {
  const world = (await createWorld(options)).withUser()
  worlds.push(world)
  return world
}

afterEach(() => {
  worlds.splice(0).forEach((world) => world.clean())
})

const answer = (status: number, body: unknown, headers = {}) =>
  Promise.resolve({ status, headers, body: JSON.stringify(body) })

/** Answers the first request of a method itself, and leaves the rest to the emulator. */
function once(world: World, method: string, ...answers: ReturnType<typeof answer>[]): void {
  world.intercept = (request) => (request.method === method ? answers.shift() : undefined)
}

describe('a change', () => {
  it('is followed by reading back when its Location is of another origin', async () => {
    const world = await worldWithUser()
    const real = world.emulator
    world.intercept = () => undefined
    expect(await world.run('pair', ...IDS, '--dry-run')).toBe(0)
    world.intercept = ({ method }) => {
      if (method !== 'PUT') return undefined
      real.pairings.set(PAIRING, {
        cosignerId: COSIGNER,
        apiKeyId: USER,
        shown: [],
        used: [],
        lastSeen: undefined,
      })
      return answer(202, { id: USER }, { location: 'https://evil.test/v1/x/1' })
    }
    world.onSleep = () => {
      const body = JSON.parse(world.writes[0]?.body ?? '{}') as { callbackHandler: { url: string } }
      real.pairings.get(PAIRING)?.shown.push({ at: 0, handler: body.callbackHandler })
    }
    expect(await world.run('pair', ...IDS)).toBe(0)
    expect(world.stderr).toContain('of another origin')
    expect(world.calls.join(' ')).not.toContain('evil')
  })

  it('may be reported as made and still not be shown: that is drift, not success', async () => {
    const world = await worldWithUser()
    world.intercept = ({ method, url }) => {
      if (method === 'PUT') return answer(202, { id: USER }, { location: '/v1/x/api_keys/y/77' })
      return url.pathname.endsWith('/77') ? answer(200, { status: 'COMPLETED' }) : undefined
    }
    expect(await world.run('pair', ...IDS)).toBe(7)
    expect(world.stderr).toContain('the API shows no pairing')
    expect(world.handler.needs[PAIRING]).toMatchObject({ pending: 1 })
  })

  it('may be reported as rejected and be shown: that is drift too', async () => {
    const world = await worldWithUser()
    await world.run('pair', ...IDS)
    let polls = 0
    world.intercept = ({ method, url }) => {
      if (method !== 'GET' || !/\/\d+$/.test(url.pathname)) return undefined
      polls += 1
      return answer(200, { status: polls < 6 ? 'WAITING_FOR_APPROVAL' : 'REJECTED' })
    }
    expect(await world.run('rotate', '--yes')).toBe(7)
    expect(world.stderr).toContain('rejected, yet the API shows generation 2')
    expect(world.handler.needs[PAIRING]).toMatchObject({ live: 1, pending: 2 })
  })

  it('that is refused clearly can be asked again, as a new request', async () => {
    const world = await worldWithUser()
    once(world, 'PUT', answer(403, { error: { type: 'FORBIDDEN', message: 'no' } }))
    expect(await world.run('pair', ...IDS)).toBe(3)
    expect(await world.run('pair', ...IDS)).toBe(0)
    expect(world.writes).toHaveLength(2)
    expect(world.writes[0]?.key).not.toBe(world.writes[1]?.key)
  })

  it('takes a new idempotency key after a 5xx answer, never the spent one', async () => {
    const world = await worldWithUser()
    once(world, 'PUT', answer(500, { message: 'x' }), answer(400, { message: 'y', code: 9003 }))
    expect(await world.run('pair', ...IDS)).toBe(0)
    const keys = world.writes.map(({ key }) => key)
    expect(new Set(keys).size).toBe(3)
    expect(world.writes[2]?.body).toBe(world.writes[0]?.body)
  })

  it('gives up after a few 5xx answers, with exit 4', async () => {
    const world = await worldWithUser()
    world.intercept = ({ method }) => (method === 'PUT' ? answer(502, {}) : undefined)
    expect(await world.run('pair', ...IDS)).toBe(4)
    expect(world.writes).toHaveLength(4)
  })

  it('is believed to be pending when the API says so after a lost answer', async () => {
    const world = await worldWithUser({ autoApproveMs: null })
    world.knobs({ SECOND_CHANGE: 'conflict', HTTP_502_AFTER_COMMIT_PCT: 100 })
    world.onSleep = () => world.knobs({ SECOND_CHANGE: 'conflict' })
    expect(await world.run('pair', ...IDS, '--wait', '1m')).toBe(5)
    expect(world.writes).toHaveLength(2)
    expect(world.emulator.requests).toHaveLength(1)
    for (const request of world.emulator.requests) request.decideAt = world.nowMs
    expect(await world.run('pair', ...IDS)).toBe(0)
    expect(world.writes).toHaveLength(2)
  })

  it('whose request the API has forgotten waits for --resubmit', async () => {
    const world = await worldWithUser({ autoApproveMs: null })
    await world.run('pair', ...IDS, '--wait', '0')
    for (const request of world.emulator.requests) {
      request.forgotten = true
      request.status = 'CANCELLED'
    }
    expect(await world.run('pair', ...IDS, '--wait', '1m')).toBe(5)
    world.emulator.autoApproveMs = 0
    expect(await world.run('pair', ...IDS, '--resubmit')).toBe(0)
    expect(world.writes).toHaveLength(2)
  })

  it('with another body is refused while the fate of the first is unknown', async () => {
    const world = await worldWithUser()
    once(world, 'PUT', answer(502, {}), answer(502, {}), answer(502, {}), answer(502, {}))
    expect(await world.run('pair', ...IDS)).toBe(4)
    world.handler.auth = 'public-key'
    expect(await world.run('pair', ...IDS)).toBe(2)
    expect(world.stderr).toContain('its body differs')
    expect(world.writes).toHaveLength(4)
  })

  it('says that a co-signer is slow to act after the approval', async () => {
    const world = await worldWithUser()
    world.knobs({ COMPLETION_DELAY_MS: 3_600_000 })
    expect(await world.run('pair', ...IDS, '--wait', '10m')).toBe(5)
    expect(world.stderr).toContain('is it online, and new enough?')
  })

  it('of an archived co-signer is not begun', async () => {
    const world = await worldWithUser()
    world.intercept = ({ url }) =>
      url.pathname.endsWith(COSIGNER) ? answer(200, { id: COSIGNER, archived: true }) : undefined
    expect(await world.run('pair', ...IDS)).toBe(2)
    expect(world.stderr).toContain('is archived')
  })
})

describe('the other family of paths', () => {
  it('is used throughout with --api-family', async () => {
    const world = await worldWithUser()
    expect(await world.run('pair', ...IDS, '--api-family', 'api_users')).toBe(0)
    expect(world.calls.some((call) => call.includes('/api_keys/'))).toBe(false)
  })
})

describe('each mode', () => {
  it.each(['public-key', 'certificate'] as const)('%s pairs and rotates', async (auth) => {
    const world = await worldWithUser({ auth })
    if (auth === 'certificate') world.seen.status = 403
    expect(await world.run('pair', ...IDS)).toBe(0)
    expect(await world.run('rotate', '--yes')).toBe(0)
    const fields = world.writes.map(({ body }) => {
      const { callbackHandler } = JSON.parse(body) as { callbackHandler: object }
      return Object.keys(callbackHandler)
    })
    const field = auth === 'certificate' ? 'cert' : 'publicKey'
    expect(fields).toEqual([
      ['url', field],
      ['url', field],
    ])
  })
})

describe('a new user', () => {
  async function emptyWorld(): Promise<World> {
    const world = await createWorld()
    worlds.push(world)
    await placeUserKey(world)
    return world
  }

  it('whose proof is refused while it is pending is not ours yet, and not foreign either', async () => {
    const world = await emptyWorld()
    world.intercept = ({ method, url }) =>
      method === 'GET' && url.search === '?pageSize=1'
        ? answer(401, { message: 'unknown key', code: -7 })
        : undefined
    expect(await world.run('create-user', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ proven: false })
    world.intercept = () => undefined
    expect(await world.run('create-user', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ proven: true })
  })

  it.each([
    ['a role that may not', 401, { message: 'x', code: -8 }],
    ['a role that may not, in the nested shape', 401, { error: { type: 'AUTHORIZATION' } }],
    ['a forbidden path', 403, { message: 'x' }],
  ])('is proved by %s', async (_name, status, body) => {
    const world = await emptyWorld()
    world.intercept = ({ method, url }) =>
      method === 'GET' && url.search === '?pageSize=1' ? answer(status, body) : undefined
    expect(await world.run('create-user', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ proven: true })
  })

  it('that needs no pairing token any more gets none', async () => {
    const world = await emptyWorld()
    world.intercept = ({ url }) =>
      url.pathname.endsWith('/pairing_token') ? answer(409, { message: 'active' }) : undefined
    expect(await world.run('create-user', '--first-user')).toBe(0)
    expect(world.stderr).toContain('needs no pairing token')
  })

  it('without a token in the answer is a failing API', async () => {
    const world = await emptyWorld()
    world.intercept = ({ url }) =>
      url.pathname.endsWith('/pairing_token') ? answer(201, {}) : undefined
    expect(await world.run('create-user', '--first-user')).toBe(4)
  })

  it('cannot be found in a list that is none', async () => {
    const world = await emptyWorld()
    world.intercept = ({ method }) => (method === 'GET' ? answer(200, { hello: 1 }) : undefined)
    expect(await world.run('create-user')).toBe(4)
    expect(world.writes).toEqual([])
  })
})
