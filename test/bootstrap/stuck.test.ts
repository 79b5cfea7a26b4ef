/** States that no command led out of, each headed by what had happened. */
import { readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import {
  cosignerDirectory,
  pairingJournalPath,
  userDirectory,
} from '../../bootstrap/state-paths.ts'
import { COSIGNER, createWorld, PAIRING, placeUserKey, USER, type World } from './world.ts'

// An RSA-4096 key takes seconds on a busy machine.
jest.setTimeout(180_000)

const worlds: World[] = []
const IDS = ['--cosigner-id', COSIGNER, '--api-key-id', USER] as const

async function worldWithUser(): Promise<World> {
  const world = (await createWorld()).withUser()
  worlds.push(world)
  return world
}

async function pairedWorld(): Promise<World> {
  const world = await worldWithUser()
  expect(await world.run('pair', ...IDS)).toBe(0)
  return world
}

/** A world with an API user's key and no user. */
async function emptyWorld(): Promise<World> {
  const world = await createWorld()
  worlds.push(world)
  await placeUserKey(world)
  return world
}

afterEach(() => {
  worlds.splice(0).forEach((world) => world.clean())
})

const answer = (status: number, body: unknown, headers = {}) =>
  Promise.resolve({ status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) })

const statesOf = (world: World) =>
  world.handler.status().generations.map(({ generation, state }) => `g${generation} ${state}`)

const reject = (world: World) => world.knobs({ APPROVAL_DELAY_S: 1, APPROVAL_OUTCOME: 'reject' })

/** The key of a request that had been answered 500 was sent again by every later run, and refused as spent each time. */
describe('a pairing token', () => {
  const FIRST = ['create-user', '--first-user', '--setup-type', 'SGX_MACHINE'] as const
  const isToken = ({ method, url }: { method: string; url: URL }) =>
    method === 'POST' && url.pathname.endsWith('/pairing_token')

  it('is asked for with a new key after a 5xx answer, and after a key that was spent', async () => {
    const world = await emptyWorld()
    const answers = [answer(502, '<html>'), answer(400, { message: 'key used', code: 9003 })]
    world.intercept = (request) => (isToken(request) ? answers.shift() : undefined)
    expect(await world.run(...FIRST)).toBe(0)
    const keys = world.writes.filter(({ path }) => path.includes('token')).map(({ key }) => key)
    expect([keys.length, new Set(keys).size]).toEqual([3, 3])
  })

  it('is there in the next run when the API was unwell in this one', async () => {
    const world = await emptyWorld()
    world.intercept = (request) => (isToken(request) ? answer(500, '') : undefined)
    expect(await world.run(...FIRST)).toBe(4)
    world.intercept = () => undefined
    expect(await world.run(...FIRST)).toBe(0)
    expect(readdirSync(userDirectory(world.stateDir, 'countersign'))).toContain('pairing-token')
  })

  // `up` stopped for ever, although the Console shows the token.
  it.each([404, 405])(
    'that the API does not issue (%i) does not keep `up` from pairing',
    async (status) => {
      const world = await emptyWorld()
      world.intercept = (request) => (isToken(request) ? answer(status, '') : undefined)
      expect(await world.run('up', '--first-user', '--cosigner-id', COSIGNER)).toBe(0)
      expect(world.stderr).toContain('copy the token from the Console')
    },
  )
})

/** One mistyped id was known for ever: every later command without ids said "more than one pairing is known here". */
describe('a wrong id', () => {
  const WRONG = USER.replace('7d', '8e')

  it('leaves nothing behind when the first request is refused', async () => {
    const world = await pairedWorld()
    expect(await world.run('pair', '--cosigner-id', COSIGNER, '--api-key-id', WRONG)).toBe(3)
    expect(Object.keys(world.handler.needs)).toEqual([PAIRING])
    expect(readdirSync(cosignerDirectory(world.stateDir, COSIGNER))).toEqual([`${USER}.jsonl`])
    expect(await world.run('rotate', '--yes')).toBe(0)
  })

  it('of a co-signer leaves nothing behind either, and the first generation stays the first', async () => {
    const world = await worldWithUser()
    const unknown = COSIGNER.replace('44', '55')
    expect(await world.run('pair', '--cosigner-id', unknown, '--api-key-id', USER)).toBe(3)
    expect(await world.run('pair', '--cosigner-id', COSIGNER, '--api-key-id', WRONG)).toBe(3)
    expect(await world.run('pair', ...IDS)).toBe(0)
    expect(statesOf(world)).toEqual(['g1 live'])
    expect(await world.run('status')).toBe(0)
  })

  it('that version 0.1.0 left is dropped by `forget`, which keeps its journal', async () => {
    const world = await pairedWorld()
    const left = pairingJournalPath(world.stateDir, { cosignerId: COSIGNER, apiKeyId: WRONG })
    await mkdir(dirname(left), { recursive: true })
    await writeFile(left, '', { mode: 0o600 })
    expect(await world.run('status')).toBe(2)
    expect(world.stderr).toContain(`--api-key-id ${WRONG}`)
    expect(world.stderr).toContain('`forget` drops one')
    expect(await world.run('forget', '--cosigner-id', COSIGNER, '--api-key-id', WRONG)).toBe(0)
    expect(await world.run('status')).toBe(0)
    expect(readdirSync(dirname(left)).filter((name) => name.includes('forgotten'))).toHaveLength(1)
  })

  it('is never forgotten while the API shows the pairing, or may still approve it', async () => {
    const world = await pairedWorld()
    expect(await world.run('forget', ...IDS)).toBe(7)
    const waiting = await worldWithUser()
    waiting.emulator.autoApproveMs = undefined
    expect(await waiting.run('pair', ...IDS, '--wait', '1s')).toBe(5)
    expect(await waiting.run('forget', ...IDS)).toBe(2)
    expect(waiting.handler.needs[PAIRING]).toMatchObject({ pending: 1 })
  })
})

/** A rejected generation, and after `unpair` the leaked one, was paired again without a word. */
describe('a generation that was offered before', () => {
  it('is not paired again after people rejected it', async () => {
    const world = await worldWithUser()
    reject(world)
    expect(await world.run('pair', ...IDS)).toBe(6)
    world.knobs({})
    expect(await world.run('pair', ...IDS)).toBe(0)
    expect(statesOf(world)).toEqual(['g1 draining', 'g2 live'])
  })

  it('is not paired again after `unpair`, unless that is asked for', async () => {
    const world = await pairedWorld()
    expect(await world.run('unpair', '--yes')).toBe(0)
    expect(await world.run('pair', '--dry-run')).toBe(0)
    expect(world.stdout).toContain('PUT: pair generation 2')
    expect(await world.run('pair', '--keep-key')).toBe(0)
    expect(statesOf(world)).toEqual(['g1 live'])
  })
})

/** Two slots, one live and one draining: the rotation that an emergency needed was refused for two hours. */
describe('a slot', () => {
  it('is free at once when its generation was rejected and never called', async () => {
    const world = await pairedWorld()
    reject(world)
    expect(await world.run('rotate', '--yes')).toBe(6)
    expect(statesOf(world)).toEqual(['g1 live', 'g2 retired'])
    world.knobs({})
    expect(await world.run('rotate', '--yes', '--wait', '1m')).toBe(0)
    expect(statesOf(world)).toEqual(['g1 draining', 'g2 retired', 'g3 live'])
  })

  it.each(['rejected, but called', 'given up here, so that an approval may still come'])(
    'is not free when its generation was %s',
    async (how) => {
      const world = await pairedWorld()
      if (how.startsWith('rejected')) {
        reject(world)
        const stage = world.handler.stage.bind(world.handler)
        world.handler.stage = async (...args) => {
          const info = await stage(...args)
          const made = world.handler.generations.get(2)
          const hits = { total: 1, lastAt: null, bySigner: {} }
          if (made !== undefined) Object.assign(made, { info: { ...made.info, hits } })
          return info
        }
        expect(await world.run('rotate', '--yes')).toBe(6)
      } else {
        world.emulator.autoApproveMs = undefined
        expect(await world.run('rotate', '--yes', '--wait', '1s')).toBe(5)
        expect(await world.run('rotate', '--abandon', '--yes')).toBe(0)
      }
      expect(statesOf(world)).toEqual(['g1 live', 'g2 draining'])
    },
  )

  it('that still drains is given back in an emergency, with what that breaks', async () => {
    const world = await pairedWorld()
    expect(await world.run('rotate', '--yes')).toBe(0)
    expect(await world.run('rotate', '--yes', '--wait', '1s')).toBe(5)
    expect(world.stderr).toContain('no slot is free')
    expect(await world.run('rotate', '--retire-now')).toBe(2)
    expect(world.stderr).toContain('generation 1 still drains')
    expect(await world.run('rotate', '--retire-now', '--yes')).toBe(0)
    expect(statesOf(world)).toEqual(['g1 retired', 'g2 draining', 'g3 live'])
  })
})

/**
 * Six waits of ten minutes passed between the probe and its PATCH: a change was accepted 1,800 s after the probe that
 * justified it.
 */
describe('a probe', () => {
  it.each(['PUT', 'PATCH'])(
    'is less than ten minutes old whenever its %s is sent',
    async (method) => {
      const world = method === 'PUT' ? await worldWithUser() : await pairedWorld()
      const sentS: number[] = []
      let first = 0
      world.intercept = (request) => {
        if (request.method !== method) return undefined
        first ||= world.nowMs
        sentS.push((world.nowMs - first) / 1_000)
        return answer(429, { message: 'slow down', code: -1 }, { 'retry-after': '290' })
      }
      const argv = method === 'PUT' ? ['pair', ...IDS] : ['rotate', '--yes']
      expect(await world.run(...argv, '--wait', '2h')).toBe(4)
      expect(sentS.map(Math.round)).toEqual([0, 290, 580])
      world.intercept = () => undefined
      expect(await world.run(...argv)).toBe(0)
    },
  )

  // Reading back waited for the API, too: then the change was sent once more, or as another one.
  it.each([
    ['is answered 500', 'PUT', 500],
    ['is answered 404, so that it would be paired instead', 'PATCH', 404],
  ])('is too old after a long look at what became of a change that %s', async (_, method, code) => {
    const world = method === 'PUT' ? await worldWithUser() : await pairedWorld()
    let isAnswered = false
    let waits = 1
    world.intercept = (request) => {
      if (request.method === method && !isAnswered) {
        isAnswered = true
        return answer(code, { message: 'no', code: -1 })
      }
      if (!isAnswered || request.method !== 'GET') return undefined
      if (waits > 0) {
        waits -= 1
        return answer(429, {}, { 'retry-after': '600' })
      }
      return request.url.pathname.endsWith(`/api_keys/${USER}`) && method === 'PATCH'
        ? answer(404, { message: 'not found', code: -1 })
        : undefined
    }
    const before = world.writes.length
    const argv = method === 'PUT' ? ['pair', ...IDS] : ['rotate', '--yes']
    expect(await world.run(...argv, '--wait', '2h')).toBe(7)
    expect(world.stderr).toContain('the last probe is too old to justify a change')
    expect(world.writes.slice(before).map((write) => write.method)).toEqual([method])
  })

  it('that is too old when its change is due is made anew by the next run', async () => {
    const world = await pairedWorld()
    world.intercept = ({ method }) =>
      method === 'PATCH' ? answer(429, {}, { 'retry-after': '600' }) : undefined
    expect(await world.run('rotate', '--yes', '--wait', '2h')).toBe(4)
    expect(world.writes.filter(({ method }) => method === 'PATCH')).toHaveLength(1)
    world.intercept = () => undefined
    world.nowMs += 3_600_000
    expect(await world.run('rotate', '--yes')).toBe(0)
    expect(world.stderr).toContain('probed generation 2')
  })
})

/** `--wait 2s` took 62 s: reading back had a minute of its own. */
it('`--wait` bounds reading back, too', async () => {
  const world = await pairedWorld()
  const began = world.nowMs
  let shown = ''
  // A read model that is half a minute behind.
  world.rewrite = (request, response) => {
    if (request.method !== 'GET' || !request.url.pathname.endsWith(`/api_keys/${USER}`)) {
      return response
    }
    shown ||= response.body
    return world.nowMs - began < 30_000 ? { ...response, body: shown } : response
  }
  expect(await world.run('rotate', '--yes', '--wait', '12s')).toBe(5)
  expect(world.nowMs - began).toBeLessThan(15_000)
  expect(world.stderr).toContain('the API does not show the change yet')
  expect(await world.run('rotate', '--yes')).toBe(0)
  expect(statesOf(world)).toEqual(['g1 draining', 'g2 live'])
})

/** Rotating from a timer had to know when: `rotate` made a new key each time it was called. */
describe('`rotate --if-due`', () => {
  it('does nothing until the certificate is near its end', async () => {
    const world = await pairedWorld()
    const before = world.writes.length
    expect(await world.run('rotate', '--if-due', '30d', '--yes')).toBe(0)
    expect(world.stderr).toContain('not due: the certificate of generation 1 is valid until')
    expect(world.writes).toHaveLength(before)
    world.nowMs = Date.parse('2027-11-10T00:00:00Z')
    expect(await world.run('rotate', '--if-due', '30d', '--yes')).toBe(0)
    expect(statesOf(world)).toEqual(['g1 draining', 'g2 live'])
  })

  it('goes on with a rotation that is under way', async () => {
    const world = await pairedWorld()
    world.emulator.autoApproveMs = undefined
    expect(await world.run('rotate', '--yes', '--wait', '1s')).toBe(5)
    expect(await world.run('rotate', '--if-due', '30d', '--yes', '--wait', '1s')).toBe(5)
    world.knobs({ APPROVAL_DELAY_S: 1 })
  })
})

/** `users[].id` = `../../../../escaped` made `up` write outside of the state directory. */
it('an id from the API never becomes a path', async () => {
  const world = await emptyWorld()
  world.rewrite = (request, response) =>
    request.url.pathname.endsWith('/management/api_users') && request.method === 'GET'
      ? {
          ...response,
          body: response.body.replaceAll(/"id":"[^"]*"/g, '"id":"../../../../escaped"'),
        }
      : response
  expect(await world.run('up', '--cosigner-id', COSIGNER)).toBe(4)
  expect(world.stderr).toContain('with an id that is none')
  expect(readdirSync(join(world.stateDir, 'bootstrap'))).not.toContain('pairings')
})
