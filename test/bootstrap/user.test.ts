/** `create-user` and `up`: exactly one API user from one key, whatever happens on the way. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { userDirectory } from '../../bootstrap/state-paths.ts'
import { COSIGNER, createWorld, placeUserKey, type World, type WorldOptions } from './world.ts'

const worlds: World[] = []

async function emptyWorld(options?: WorldOptions): Promise<World> {
  const world = await createWorld(options)
  worlds.push(world)
  await placeUserKey(world)
  return world
}

afterEach(() => {
  worlds.splice(0).forEach((world) => world.clean())
})

const users = ({ emulator }: World) =>
  Array.from(emulator.users.values()).filter(({ name }) => name.startsWith('countersign-'))
const posts = ({ writes }: World) => writes.filter(({ method }) => method === 'POST')

describe('create-user', () => {
  it('makes its own RSA-4096 key when there is none, and keeps it private', async () => {
    const world = await createWorld()
    worlds.push(world)
    expect(await world.run('create-user', '--name', 'treasury signer', '--json')).toBe(0)
    const facts = world.json()
    expect(facts).toMatchObject({ ok: true, proven: true })
    expect(facts['name']).toMatch(/^treasury sign-[0-9a-f]{16}$/)
    const path = String(facts['privateKeyPath'])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const pem = await readFile(path, 'utf8')
    expect(world.stdout + world.stderr).not.toContain(pem.split('\n')[1])
  })

  it('creates the user once and proves that its key signs, and then has nothing to do', async () => {
    const world = await emptyWorld()
    expect(await world.run('create-user', '--json')).toBe(0)
    const first = world.json()
    expect(await world.run('create-user', '--json')).toBe(0)
    expect(world.json()).toEqual(first)
    expect(users(world)).toHaveLength(1)
    expect(posts(world)).toHaveLength(1)
  })

  it('adopts a user of its name that exists already', async () => {
    const world = await emptyWorld()
    await world.run('create-user')
    await readFile(join(userDirectory(world.stateDir, 'countersign'), 'journal.jsonl'))
    const again = await emptyWorld()
    for (const [id, user] of world.emulator.users) again.emulator.users.set(id, user)
    expect(await again.run('create-user')).toBe(0)
    expect(posts(again)).toEqual([])
  })

  it('never chooses between two users of its name', async () => {
    const world = await emptyWorld()
    await world.run('create-user')
    const [user] = users(world)
    if (user !== undefined) world.emulator.users.set('second', { ...user, id: 'second' })
    expect(await world.run('create-user')).toBe(8)
    expect(world.stderr).toContain('`second`')
  })

  it('exits 7 when the user of its name has another key', async () => {
    const world = await emptyWorld()
    world.emulator.autoApproveMs = undefined
    expect(await world.run('create-user', '--wait', '1s')).toBe(5)
    const name = /API user `([^`]+)`/.exec(world.stderr)?.[1] ?? ''
    const stranger = world.withUser('stranger').emulator.users.get('stranger')
    if (stranger !== undefined) world.emulator.users.set('stranger', { ...stranger, name })
    expect(await world.run('create-user')).toBe(7)
    expect(world.stderr).toContain('does not accept our key')
  })

  it('exits 7 when the user of its name has another role', async () => {
    const world = await emptyWorld()
    await world.run('create-user')
    expect(await world.run('create-user', '--role', 'EDITOR')).toBe(7)
  })

  it('asks again with the same key when the answer was lost', async () => {
    const world = await emptyWorld()
    let lost = 0
    world.knobs({})
    const keys = () => new Set(posts(world).map(({ key }) => key)).size
    world.intercept = ({ method }) => {
      if (method === 'POST') lost += 1
      world.knobs(method === 'POST' && lost < 3 ? { LOST_REPLY_PCT: 100 } : {})
      return undefined
    }
    expect(await world.run('create-user')).toBe(0)
    expect(lost).toBe(3)
    expect(keys()).toBe(1)
    expect(users(world)).toHaveLength(1)
  })

  it('does not ask again by itself after a 5xx answer, which may have come after the deed', async () => {
    const world = await emptyWorld({ autoApproveMs: null })
    world.knobs({ HTTP_502_AFTER_COMMIT_PCT: 100 })
    expect(await world.run('create-user', '--wait', '1m')).toBe(5)
    expect(world.stderr).toContain('--resubmit')
    world.knobs({})
    expect(await world.run('create-user', '--wait', '1m')).toBe(5)
    expect(posts(world)).toHaveLength(1)
    for (const request of world.emulator.requests) request.decideAt = world.nowMs
    expect(await world.run('create-user')).toBe(0)
    expect(users(world)).toHaveLength(1)
  })

  it('refuses to go on when the private key is gone', async () => {
    const world = await emptyWorld()
    await world.run('create-user')
    const { rm } = await import('node:fs/promises')
    await rm(join(userDirectory(world.stateDir, 'countersign'), 'key'), { recursive: true })
    expect(await world.run('create-user')).toBe(10)
    expect(posts(world)).toHaveLength(1)
  })

  it('puts a pairing token for a first user into a private file and shows its hour', async () => {
    const world = await emptyWorld()
    expect(await world.run('create-user', '--first-user', '--setup-type', 'SGX_MACHINE')).toBe(0)
    const path = join(userDirectory(world.stateDir, 'countersign'), 'pairing-token')
    const token = (await readFile(path, 'utf8')).trim()
    expect(token.split('.')).toHaveLength(3)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(world.stdout + world.stderr).not.toContain(token)
    expect(world.stdout).toContain('./cosigner setup')
    expect(JSON.parse(posts(world)[0]?.body ?? '')).toMatchObject({
      coSignerSetupType: 'SGX_MACHINE',
      coSignerSetupIsFirstUser: true,
    })
    const before = posts(world).length
    expect(await world.run('create-user', '--first-user')).toBe(0)
    expect(posts(world)).toHaveLength(before)
    world.nowMs += 3_700_000
    expect(await world.run('create-user', '--first-user')).toBe(0)
    expect(posts(world)).toHaveLength(before + 1)
  })
})

describe('up', () => {
  it('creates the user, pairs it, and has nothing to do the second time', async () => {
    const world = await emptyWorld()
    expect(await world.run('up', '--cosigner-id', COSIGNER, '--json')).toBe(0)
    expect(world.json()).toMatchObject({ command: 'up', paired: 'ours', generation: 1 })
    const before = world.writes.length
    expect(await world.run('up', '--cosigner-id', COSIGNER)).toBe(0)
    expect(world.writes).toHaveLength(before)
  })

  it('only tells its plan with --dry-run', async () => {
    const world = await emptyWorld()
    expect(await world.run('up', '--cosigner-id', COSIGNER, '--dry-run')).toBe(0)
    expect(world.stdout).toContain('POST: ask for the API user')
    expect(world.writes).toEqual([])
  })

  it('wants to know the co-signer', async () => {
    const world = await emptyWorld()
    expect(await world.run('up')).toBe(2)
    expect(world.stderr).toContain('--cosigner-id')
  })
})
