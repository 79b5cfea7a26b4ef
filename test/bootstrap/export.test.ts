/** `export-addresses` against the emulated API: what it prints is what a policy can name. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { policyOf } from '../handler/policy/policy.ts'
import { createWorld, type World } from './world.ts'

let world: World

beforeEach(async () => {
  world = await createWorld()
})

afterEach(() => {
  world.clean()
})

const BTC = 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'
const ALL = `# <vault id> <asset id> <address>
0 BTC_TEST ${BTC}
0 BTC_TEST mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r
0 ETH_TEST5 0x27b1fdb04752bbc536007a920d24acb045561c26
1 ETH_TEST5 0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8
1 XRP_TEST rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh
1 XRP_TEST rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh:7
`

describe('export-addresses', () => {
  it('prints every address of every vault account, as a policy reads it', async () => {
    expect(await world.run('export-addresses')).toBe(0)
    expect(world.stdout).toBe(ALL)
    const policy = policyOf(
      'vaultAddresses: { file: own.txt }',
      new Map([['own.txt', world.stdout]]),
    )
    expect(policy.doubts).toEqual([])
    // The two spellings of the Bitcoin key are two scripts; the tag does not make another address.
    expect(policy.addresses.vaultAddresses?.size).toBe(5)
  })

  it('only reads, and takes what is asked for', async () => {
    expect(await world.run('export-addresses', '--vaults', '1,9', '--assets', 'ETH_TEST5')).toBe(0)
    expect(world.stdout.split('\n')[1]).toBe(
      '1 ETH_TEST5 0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
    )
    expect(world.stdout.split('\n')).toHaveLength(3)
    expect(world.calls.every((call) => call.startsWith('GET '))).toBe(true)
    expect(world.calls.filter((call) => call.includes('/vault/accounts/'))).toHaveLength(1)
  })

  it('gives machines the same as facts', async () => {
    expect(await world.run('export-addresses', '--json', '--vaults', '2')).toBe(0)
    expect(world.json()).toMatchObject({ command: 'export-addresses', addresses: [] })
  })

  it('reads on until the last page', async () => {
    let pages = 0
    world.rewrite = (request, response) => {
      if (!request.url.pathname.endsWith('/accounts_paged')) return response
      pages += 1
      const accounts = [{ id: `${pages}`, assets: [] }]
      return {
        ...response,
        body: JSON.stringify({ accounts, paging: { after: pages < 3 ? 'x' : '' } }),
      }
    }
    expect(await world.run('export-addresses')).toBe(0)
    expect(pages).toBe(3)
  })

  it.each([
    ['no list', '{}'],
    ['an account without an id', '{"accounts":[{"assets":[]}]}'],
    ['accounts that are none', '{"accounts":[7]}'],
    ['no object', '[]'],
  ])('fails on %s: a part would pass for the whole', async (_name, body) => {
    world.rewrite = (_request, response) => ({ ...response, body })
    expect(await world.run('export-addresses')).toBe(4)
    expect(world.stdout).toBe('')
    expect(world.stderr).toContain("the API's list of vault accounts cannot be read")
  })

  it('fails on a list without an end', async () => {
    world.rewrite = (_request, response) => ({
      ...response,
      body: '{"accounts":[],"paging":{"after":"MA"}}',
    })
    expect(await world.run('export-addresses')).toBe(4)
    expect(world.stderr).toContain('does not end')
  })

  it('leaves out what would be two words or a comment in the file', async () => {
    world.rewrite = (request, response) =>
      request.url.pathname.endsWith('/addresses_paginated')
        ? {
            ...response,
            body: '{"addresses":[{"address":"a b"},{"address":"a#b"},{"address":"ok"}]}',
          }
        : response
    expect(await world.run('export-addresses', '--vaults', '0', '--assets', 'BTC_TEST')).toBe(0)
    expect(world.stdout).toBe('# <vault id> <asset id> <address>\n0 BTC_TEST ok\n')
    expect(world.stderr).toContain('left out')
  })
})
