/**
 * Text from the API never reaches a terminal raw, in any command: each is run against an API whose answers are full of what
 * terminals act on. A hostile URL cleared the screen and wrote `ok pairing` over THE CO-SIGNER ASKS ANOTHER HANDLER.
 */
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { parseCli } from '../../bootstrap/cli.ts'
import type { HttpRequest, HttpResponse } from '../../bootstrap/api/transport.ts'
import { actingIn, HOSTILE } from '../fixtures/hostile-text.ts'
import { COSIGNER, createWorld, placeUserKey, USER } from './world.ts'
import type { World } from './world.ts'

jest.setTimeout(60_000)

const IDS = ['--cosigner-id', COSIGNER, '--api-key-id', USER] as const

const worlds: World[] = []

afterEach(() => {
  worlds.splice(0).forEach((world) => world.clean())
})

async function worldOf(isPaired: boolean): Promise<World> {
  const world = (await createWorld()).withUser()
  worlds.push(world)
  await placeUserKey(world)
  if (isPaired) expect(await world.run('pair', ...IDS)).toBe(0)
  return world
}

/** Each command, and whether a pairing stands before it. */
const COMMANDS: Readonly<Record<string, readonly [isPaired: boolean, ...string[]]>> = {
  up: [false, 'up', '--cosigner-id', COSIGNER],
  'create-user': [false, 'create-user', '--first-user', '--setup-type', 'SGX_MACHINE'],
  pair: [false, 'pair', ...IDS],
  rotate: [true, 'rotate', '--yes', '--wait', '1m'],
  status: [true, 'status'],
  unpair: [true, 'unpair', '--yes', '--wait', '1m'],
  forget: [true, 'forget', '--yes', ...IDS],
  doctor: [true, 'doctor'],
  'export-addresses': [false, 'export-addresses'],
}

type Rewrite = (request: HttpRequest, response: HttpResponse) => HttpResponse

/** Members without which nothing goes on, so that more of a command is reached when they stay as they are. */
const NEEDED = new Set(['id', 'status', 'requestId', 'pairingToken'])

/** Every text of every answer, or all but what is needed to go on, ends in hostile text. */
function spoilt(needed: ReadonlySet<string>): Rewrite {
  const spoil = (value: unknown, name = ''): unknown => {
    if (typeof value === 'string') return needed.has(name) ? value : `${value}${HOSTILE}`
    if (Array.isArray(value)) return value.map((each) => spoil(each, name))
    if (typeof value !== 'object' || value === null) return value
    const members = Object.entries(value).map(([key, each]) => [key, spoil(each, key)])
    return { ...Object.fromEntries(members), [HOSTILE]: HOSTILE }
  }
  return (_, response) => {
    const headers = { ...response.headers, 'x-request-id': HOSTILE }
    try {
      return { ...response, headers, body: JSON.stringify(spoil(JSON.parse(response.body))) }
    } catch {
      return { ...response, headers, body: `${response.body}${HOSTILE}` }
    }
  }
}

const fails =
  (status: number, body: unknown): Rewrite =>
  () => ({
    status,
    headers: { 'x-request-id': HOSTILE, 'content-type': HOSTILE, location: HOSTILE },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

const REWRITES: Readonly<Record<string, Rewrite>> = {
  'every text': spoilt(new Set()),
  'every text but ids': spoilt(NEEDED),
  'a refusal': fails(400, { message: HOSTILE, code: 7, [HOSTILE]: HOSTILE }),
  'a nested refusal': fails(403, { error: { type: HOSTILE, message: HOSTILE }, code: HOSTILE }),
  'no JSON': fails(404, HOSTILE),
  'a success that is none': fails(200, HOSTILE),
  'a list of it': fails(200, [HOSTILE, { id: HOSTILE, name: HOSTILE, status: HOSTILE }]),
}

describe.each(Object.keys(COMMANDS))('what the API says to `%s`', (name) => {
  it.each(Object.keys(REWRITES))('is no more than text: %s', async (kind) => {
    const [isPaired, ...argv] = COMMANDS[name] ?? [false]
    for (const more of kind === 'every text but ids' ? [[], ['--json']] : [[]]) {
      const world = await worldOf(isPaired)
      world.rewrite = REWRITES[kind] ?? world.rewrite
      await world.run(...argv, ...more)
      const shown = world.stdout + world.stderr
      expect(shown).not.toBe('')
      expect(actingIn(shown)).toEqual([])
    }
  })
})

it('every command is tried', () => {
  let help = ''
  parseCli(['--help'], (text) => (help += text))
  const listed = [...help.matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map(([, name]) => name)
  expect(new Set(listed)).toEqual(new Set(Object.keys(COMMANDS)))
})

/** `..` as a vault account or an asset would have been taken for a step up in the address that is asked next. */
it.each(['..', '.', '../../users', 'a/b', '%2e%2e', '?x', '#x'])(
  'the id %j from the API leads to no other path',
  async (id) => {
    const world = await worldOf(false)
    world.rewrite = ({ url }, response) =>
      url.pathname.endsWith('/accounts_paged')
        ? { ...response, body: JSON.stringify({ accounts: [{ id, assets: [{ id }] }] }) }
        : response
    await world.run('export-addresses')
    const { pathname } = new URL(`http://localhost/v1/vault/accounts/${encodeURIComponent(id)}/`)
    const asked = world.calls.filter((call) => !call.includes('/accounts_paged'))
    expect(asked.filter((call) => !call.startsWith(`GET ${pathname}`))).toEqual([])
    if (/^\.+$/.test(id)) {
      expect(asked).toEqual([])
      expect(world.stderr).toContain(`the API names \`${id}\`, which is not an id`)
    }
    expect(actingIn(world.stdout + world.stderr)).toEqual([])
  },
)
