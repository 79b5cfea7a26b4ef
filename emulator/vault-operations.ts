/** Vault accounts of the workspace and their addresses, as the API's read-only operations list them. */
import { flatError, json, type Reply } from './message.ts'
import type { Call, Operation } from './operation.ts'

interface Address {
  readonly address: string
  readonly tag?: string
  readonly legacyAddress?: string
}

/** Account → asset → addresses. The first ones are those that the published samples pay to. */
const ACCOUNTS: Readonly<Record<string, Readonly<Record<string, readonly Address[]>>>> = {
  '0': {
    BTC_TEST: [
      {
        address: 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx',
        legacyAddress: 'mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r',
      },
    ],
    ETH_TEST5: [{ address: '0x27b1fdb04752bbc536007a920d24acb045561c26' }],
  },
  '1': {
    ETH_TEST5: [{ address: '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8' }],
    XRP_TEST: [
      { address: 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh' },
      { address: 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh', tag: '7' },
    ],
  },
  '2': {},
}

const base = { method: 'GET', adminOnly: false, idempotent: false, nestedErrors: false } as const

/** What lists the addresses of a workspace. */
export const VAULT_OPERATIONS: readonly Operation[] = [
  { ...base, path: /^\/vault\/accounts_paged$/, run: listAccounts },
  {
    ...base,
    path: /^\/vault\/accounts\/(?<vaultId>[^/]+)\/(?<assetId>[^/]+)\/addresses_paginated$/,
    run: listAddresses,
  },
]

function listAccounts({ query }: Call): Reply {
  const accounts = Object.entries(ACCOUNTS).map(([id, assets]) => ({
    id,
    name: `Vault ${id}`,
    hiddenOnUI: false,
    autoFuel: false,
    assets: Object.keys(assets).map((asset) => ({ id: asset, total: '0', available: '0' })),
  }))
  const found = pageOf(accounts, query, 500)
  if (found === undefined) return flatError(400, 'Bad request: limit or after')
  const { items, paging } = found
  return json(200, { accounts: items, paging })
}

function listAddresses({ params, query }: Call): Reply {
  const { vaultId = '', assetId = '' } = params
  const addresses = ACCOUNTS[vaultId]?.[assetId]
  if (addresses === undefined) return flatError(404, 'The vault account has no such asset', 1006)
  const found = pageOf(addresses, query, 1000)
  if (found === undefined) return flatError(400, 'Bad request: limit or after')
  const { items, paging } = found
  return json(200, {
    addresses: items.map((address) => ({
      assetId,
      description: '',
      tag: '',
      type: 'Permanent',
      ...address,
    })),
    paging,
  })
}

/** As the vendor cuts these lists: `limit`, and `after` a cursor; the last page has an empty one. */
function pageOf<T>(all: readonly T[], query: URLSearchParams, largest: number) {
  const limit = Number(query.get('limit') ?? String(largest))
  const after = Buffer.from(query.get('after') ?? '', 'base64url').toString() || '0'
  if (!Number.isInteger(limit) || limit < 1 || limit > largest || !/^\d{1,9}$/.test(after)) {
    return undefined
  }
  const end = Number(after) + limit
  const next = end < all.length ? Buffer.from(String(end)).toString('base64url') : ''
  return { items: all.slice(Number(after), end), paging: { before: '', after: next } }
}
