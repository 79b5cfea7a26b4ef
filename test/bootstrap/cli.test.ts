/** Command lines as transcripts: what is typed, what comes out where, and the exit status. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { COMMANDS, parseCli } from '../../bootstrap/cli.ts'
import { parseAddress, parseBasePath, parseConfig, parseDuration } from '../../bootstrap/config.ts'
import { BootstrapError } from '../../bootstrap/errors.ts'
import { HandlerRefusal } from '../../bootstrap/handler-socket.ts'
import { failureOf } from '../../common/errors.ts'
import { pairingJournalPath, userDirectory } from '../../bootstrap/state-paths.ts'
import { acquireLock } from '../../bootstrap/lock.ts'
import { systemClock, systemSleep } from '../../common/clock.ts'
import { COSIGNER, createWorld, PAIRING, placeUserKey, USER, type World } from './world.ts'

const worlds: World[] = []
const IDS = ['--cosigner-id', COSIGNER, '--api-key-id', USER] as const

async function pairedWorld(): Promise<World> {
  const world = (await createWorld()).withUser()
  worlds.push(world)
  expect(await world.run('pair', ...IDS)).toBe(0)
  return world
}

afterEach(() => {
  worlds.splice(0).forEach((world) => world.clean())
})

function problemsOf(options: Record<string, string | boolean>, env: Record<string, string>) {
  try {
    parseConfig({ command: 'pair', options }, env)
    return []
  } catch (error) {
    return error instanceof BootstrapError ? error.details : [String(error)]
  }
}

const ENV = {
  FIREBLOCKS_API_KEY: 'key',
  FIREBLOCKS_SECRET_KEY_PATH: '/k',
  FIREBLOCKS_BASE_PATH: 'us',
}

describe('help', () => {
  it.each(COMMANDS)('%s has options and an example', (command) => {
    let text = ''
    expect(parseCli([command, '--help'], (chunk) => (text += chunk))).toEqual({ exit: 0 })
    expect(text).toContain('Usage: countersign-bootstrap')
    expect(text).toMatch(/Examples?:/)
  })

  it('a wrong option is one line, exit 2', () => {
    expect(parseCli(['pair', '--force'], () => undefined)).toEqual({
      exit: 2,
      complaint: expect.stringContaining("unknown option '--force'"),
    })
    expect(parseCli([], () => undefined)).toMatchObject({ exit: 2 })
    expect(parseCli(['pair', 'extra'], () => undefined)).toMatchObject({ exit: 2 })
  })
})

describe('configuration', () => {
  it('takes flags before the environment, and defaults beside the handler', () => {
    const config = parseConfig(
      { command: 'pair', options: { apiKey: 'flag', stateDir: '/s' } },
      { ...ENV, HANDLER_STATE_DIR: '/other' },
    )
    expect(config).toMatchObject({
      apiKey: 'flag',
      basePath: 'https://api.fireblocks.io/v1',
      stateDir: '/s',
      handlerSocket: '/s/admin.sock',
      waitMs: 900_000,
      drainMs: 7_200_000,
      user: { name: 'countersign', role: 'SIGNER', firstUser: false },
    })
  })

  it('lists every problem at once', () => {
    const problems = problemsOf(
      {
        wait: 'soon',
        auth: 'none',
        cosignerId: '../x',
        probeVia: 'a b',
        name: '-',
        resubmit: true,
        abandon: true,
        watch: '1ms',
      },
      { FIREBLOCKS_BASE_PATH: 'http://api.test/v1', FIREBLOCKS_SECRET_KEY: 'pem' },
    )
    expect(problems).toHaveLength(11)
    expect(problems.join('\n')).not.toContain('pem`')
  })

  it.each([
    ['0', 0],
    ['500ms', 500],
    ['90s', 90_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['15', undefined],
    ['-1s', undefined],
    ['366d', undefined],
    ['1w', undefined],
  ])('reads the duration %s', (text, expected) => {
    const read = parseDuration(text)
    expect('value' in read ? read.value : undefined).toBe(expected)
  })

  it.each([
    ['sandbox', 'https://sandbox-api.fireblocks.io/v1'],
    ['eu2', 'https://eu2-api.fireblocks.io/v1'],
    ['https://api.test/v1/', 'https://api.test/v1'],
    ['http://127.0.0.1:9070/v1', 'http://127.0.0.1:9070/v1'],
    ['http://[::1]:1/v1', 'http://[::1]:1/v1'],
    ['http://localhost/v1', 'http://localhost/v1'],
    ['http://127.0.0.1.evil.test/v1', undefined],
    ['http://api.test/v1', undefined],
    ['https://api.test', undefined],
    ['https://user:pw@api.test/v1', undefined],
    ['https://api.test/v1?x=1', undefined],
    ['production', undefined],
  ])('reads the base path %s', (text, expected) => {
    const read = parseBasePath(text)
    expect('value' in read ? read.value : undefined).toBe(expected)
  })

  it.each([
    ['handler', { host: 'handler' }],
    ['10.0.0.1:8443', { host: '10.0.0.1', port: 8443 }],
    ['[::1]:8443', { host: '::1', port: 8443 }],
    ['handler:0', undefined],
    ['handler:70000', undefined],
    ['::1', undefined],
  ])('reads the address %s', (text, expected) => {
    const read = parseAddress(text)
    expect('value' in read ? read.value : undefined).toEqual(expected)
  })
})

describe('mistakes', () => {
  /** A run once went on with an unreadable key and failed in the middle with a vendor code. */
  it('a caller key that others can read stops before anything is sent', async () => {
    const world = await pairedWorld()
    const before = world.calls.length
    chmodSync(join(world.stateDir, 'caller.key'), 0o644)
    expect(await world.run('rotate', '--yes')).toBe(2)
    expect(world.stderr).toContain('can be read by other users')
    rmSync(join(world.stateDir, 'caller.key'))
    expect(await world.run('rotate', '--yes')).toBe(2)
    expect(world.stderr).toContain('there is no such file')
    expect(world.calls).toHaveLength(before)
  })

  it('a public key instead of the private one is named as such', async () => {
    const world = await pairedWorld()
    const path = join(world.stateDir, 'caller.key')
    const pem = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'
    writeFileSync(path, pem, { mode: 0o600 })
    expect(await world.run('status')).toBe(2)
    expect(world.stderr).toContain('expected a private key, found a public key')
  })

  it('a mode that is not the handler’s is refused', async () => {
    const world = await pairedWorld()
    expect(await world.run('rotate', '--yes', '--auth', 'certificate')).toBe(2)
    expect(world.stderr).toContain('HANDLER_AUTH=certificate')
  })

  it('an unknown co-signer is a refusal with the request id', async () => {
    const world = await pairedWorld()
    const unknown = COSIGNER.replace('44', '55')
    expect(await world.run('pair', '--cosigner-id', unknown, '--api-key-id', USER)).toBe(3)
    expect(world.stderr).toContain('--cosigner-id')
  })

  // Any text was sent as the id of a co-signer, and the answer to a typing error was a 404.
  it('a co-signer id that is not a UUID is a usage error', async () => {
    const world = await pairedWorld()
    expect(await world.run('pair', '--cosigner-id', 'not-a-uuid', '--api-key-id', USER)).toBe(2)
    expect(world.stderr).toContain('`--cosigner-id`: `not-a-uuid` is not a UUID')
  })

  it('without ids and without a known pairing it asks for them', async () => {
    const world = (await createWorld()).withUser()
    worlds.push(world)
    expect(await world.run('pair')).toBe(2)
    expect(world.stderr).toContain('give `--cosigner-id` and `--api-key-id`')
  })

  it('a wrong private key is exit 3 with the vendor’s code, as JSON too', async () => {
    const world = await pairedWorld()
    world.emulator.users.delete('0b9e1f6e-6c0a-4b8e-9f6a-0d3f5a1c2b3d')
    expect(await world.run('status', '--json')).toBe(3)
    expect(world.json()).toMatchObject({
      ok: false,
      exit: 3,
      error: { code: 'ERR_API_REFUSED', api: { status: 401, vendorCode: -7 } },
    })
  })

  it('a silent handler is exit 4 and nothing is sent', async () => {
    const world = await pairedWorld()
    world.handler.reachable = false
    expect(await world.run('rotate', '--yes')).toBe(4)
    expect(world.writes).toHaveLength(1)
  })

  it('a second run is refused and told who is at work', async () => {
    const world = await pairedWorld()
    const directory = join(world.stateDir, 'bootstrap')
    const lock = await acquireLock(directory, 'rotate', { clock: systemClock, sleep: systemSleep })
    expect(await world.run('pair')).toBe(9)
    expect(world.stderr).toContain('`rotate` (pid ')
    expect(await world.run('status')).toBe(0)
    await lock.release()
    expect(await world.run('pair')).toBe(0)
  })

  // Runs that were killed between making a temporary file and renaming it left it there for ever.
  it('a run removes the temporary files of runs that were killed, but not while another one is at work', async () => {
    const world = await pairedWorld()
    await placeUserKey(world)
    const directory = join(world.stateDir, 'bootstrap')
    const left = [
      join(directory, '.lock.json.0123456789ab.tmp'),
      join(userDirectory(world.stateDir, 'countersign'), '.pairing-token.0123456789ab.tmp'),
    ]
    left.forEach((path) => writeFileSync(path, ''))
    const lock = await acquireLock(directory, 'rotate', { clock: systemClock, sleep: systemSleep })
    expect(await world.run('pair', ...IDS)).toBe(9)
    expect(left.filter((path) => existsSync(path))).toEqual(left)
    await lock.release()
    expect(await world.run('pair', ...IDS)).toBe(0)
    expect(left.filter((path) => existsSync(path))).toEqual([])
  })

  it('a damaged journal is exit 10 and nothing is sent', async () => {
    const world = await pairedWorld()
    const path = pairingJournalPath(world.stateDir, { cosignerId: COSIGNER, apiKeyId: USER })
    writeFileSync(path, readFileSync(path, 'utf8').replace('"pair"', '"PAIR"'))
    expect(await world.run('rotate', '--yes')).toBe(10)
    expect(world.writes).toHaveLength(1)
  })
})

describe('stopping', () => {
  it('Ctrl-C while people think prints how to resume, and 130', async () => {
    const world = (await createWorld({ autoApproveMs: null })).withUser()
    worlds.push(world)
    world.onSleep = () => world.abort.abort('SIGINT')
    expect(await world.run('pair', ...IDS)).toBe(130)
    expect(world.stderr).toContain(`resume: countersign-bootstrap pair --cosigner-id ${COSIGNER}`)
    world.onSleep = () => undefined
    world.emulator.autoApproveMs = 0
    for (const request of world.emulator.requests) request.decideAt = world.nowMs
    expect(await world.run('pair')).toBe(0)
    expect(world.writes).toHaveLength(1)
  })

  it('SIGTERM while the network fails is 143, not a network failure', async () => {
    const world = await pairedWorld()
    world.onSleep = () => world.abort.abort('SIGTERM')
    world.intercept = () => Promise.resolve({ status: 503, headers: {}, body: '' })
    expect(await world.run('rotate', '--yes')).toBe(143)
  })
})

describe('status', () => {
  it('tells the whole story, and what would come next', async () => {
    const world = await pairedWorld()
    expect(await world.run('status')).toBe(0)
    expect(world.stdout).toContain('paired     generation 1')
    expect(world.stdout).toContain('pending    nothing')
    world.emulator.autoApproveMs = undefined
    expect(await world.run('rotate', '--yes', '--wait', '1s')).toBe(5)
    const before = world.writes.length
    expect(await world.run('status')).toBe(0)
    expect(world.stdout).toContain(
      'rotate from 1 to generation 2: the workspace Owner must approve',
    )
    expect(world.stdout).toContain('`rotate` would:')
    expect(world.writes).toHaveLength(before)
  })

  it('shouts when nobody is asked', async () => {
    const world = await pairedWorld()
    world.emulator.pairings.get(PAIRING)?.shown.push({ at: world.nowMs, handler: null })
    expect(await world.run('status')).toBe(7)
    expect(world.stdout).toContain('WITHOUT A CALLBACK HANDLER: the co-signer signs everything')
    world.emulator.pairings.clear()
    expect(await world.run('status', '--json')).toBe(7)
    expect(world.json()).toMatchObject({ pairing: { is: 'absent' }, drift: true })
  })

  it('knows what is paired without the handler', async () => {
    const world = await pairedWorld()
    world.handler.reachable = false
    expect(await world.run('status', '--json')).toBe(0)
    expect(world.json()).toMatchObject({ handler: null, url: 'https://handler.test:8443/g1' })
  })
})

describe('doctor', () => {
  it('is content with a fresh pairing', async () => {
    const world = await pairedWorld()
    expect(await world.run('doctor')).toBe(0)
    expect(world.stdout).toContain('ok      pairing: generation 1: URL, key and certificate')
    expect(world.told.get(PAIRING)).toBeNull()
  })

  it.each<[string, (world: World) => void, string]>([
    [
      'no handler',
      (world) => world.emulator.pairings.get(PAIRING)?.shown.push({ at: 0, handler: null }),
      'THE CO-SIGNER SIGNS EVERYTHING',
    ],
    [
      'a foreign handler',
      (world) =>
        world.emulator.pairings.get(PAIRING)?.shown.push({
          at: 0,
          handler: { url: 'https://elsewhere.test' },
        }),
      'THE CO-SIGNER ASKS ANOTHER HANDLER',
    ],
    ['no pairing', (world) => world.emulator.pairings.clear(), 'is not paired'],
  ])('with --watch it stops with 7 on %s', async (_name, spoil, text) => {
    const world = await pairedWorld()
    let rounds = 0
    world.onSleep = () => {
      rounds += 1
      if (rounds === 3) spoil(world)
    }
    expect(await world.run('doctor', '--watch', '5m')).toBe(7)
    expect(rounds).toBe(3)
    expect(world.stderr).toContain(text)
    expect(world.told.get(PAIRING)).toContain(text)
  })

  it('finds what is wrong around a good pairing', async () => {
    const world = await pairedWorld()
    world.handler.ready = false
    world.handler.problems = ['policy does not load']
    world.seen.pin = 'AAAA'
    chmodSync(join(world.stateDir, 'bootstrap', 'lock.db'), 0o644)
    world.nowMs += 380 * 86_400_000
    expect(await world.run('doctor')).toBe(7)
    for (const text of ['policy does not load', 'shows the pin', 'has mode 644', 'expires in']) {
      expect(world.stderr).toContain(text)
    }
  })

  // A line every five minutes, whether anything was wrong or not, is read by nobody.
  it('with --watch it says only what changes', async () => {
    const world = await pairedWorld()
    const said: string[] = []
    let watched = 0
    let seen = 0
    world.onSleep = (ms) => {
      if (ms !== 300_000) return
      said.push(world.stderr.slice(seen))
      seen = world.stderr.length
      watched += 1
      if (watched === 2) world.handler.problems = ['policy does not load']
      world.handler.ready = watched !== 2 && watched !== 3
      if (watched === 4) world.handler.problems = []
      if (watched === 6) world.abort.abort('SIGINT')
    }
    expect(await world.run('doctor', '--watch', '5m')).toBe(130)
    expect(said).toEqual([
      expect.stringMatching(/watching: 0 problems; from now on only changes\n$/),
      '',
      expect.stringMatching(/^warning: .*policy does not load/),
      '',
      expect.stringMatching(/over: problem .*policy does not load/),
      '',
    ])
  })

  it('with --watch it waits out an API that is away', async () => {
    const world = await pairedWorld()
    world.intercept = () => Promise.resolve({ status: 503, headers: {}, body: '' })
    let watched = 0
    world.onSleep = (ms) => {
      if (ms === 300_000) watched += 1
      if (watched === 2) world.abort.abort('SIGINT')
    }
    expect(await world.run('doctor', '--watch', '5m')).toBe(130)
    // Whether the pairing has drifted was not seen.
    expect(world.told.has(PAIRING)).toBe(false)
  })

  it('says the same to a handler that does not know what drift is', async () => {
    const world = await pairedWorld()
    world.told.set = () => {
      throw new HandlerRefusal('ERR_NOT_FOUND', 'no such request')
    }
    expect(await world.run('doctor')).toBe(0)
  })
})

describe('errors', () => {
  it('have exit statuses', () => {
    const exitOf = (error: unknown) => failureOf(error, 'ERR_STATE_DAMAGED').exit
    expect(exitOf(new BootstrapError('ERR_DRIFT', 'x'))).toBe(7)
    expect(exitOf(Object.assign(new Error('full'), { code: 'ENOSPC' }))).toBe(10)
    expect(exitOf(new TypeError('x is not a function'))).toBe(70)
  })

  it('of our own making show where they come from, and ask to be reported', async () => {
    const world = await pairedWorld()
    world.intercept = () => {
      throw new TypeError('x is not a function')
    }
    expect(await world.run('status')).toBe(70)
    expect(world.stderr).toContain('this is a bug: x is not a function')
    expect(world.stderr).toContain('cli.test.ts')
  })
})

describe('secrets', () => {
  it('never reach stdout, stderr or the journals', async () => {
    const world = await createWorld()
    worlds.push(world)
    await placeUserKey(world)
    expect(await world.run('up', '--cosigner-id', COSIGNER, '--json')).toBe(0)
    const key = readFileSync(join(world.stateDir, 'caller.key'), 'utf8').split('\n')[1] ?? '?'
    const said = world.stdout + world.stderr
    expect(said).not.toContain(key)
    expect(said).not.toContain('Bearer')
    expect(said).not.toContain('PRIVATE KEY')
  })
})
