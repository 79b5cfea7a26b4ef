/** The vendor's words that readings depend on: account types and their synonyms, operations without destinations. */

/**
 * One word for what the vendor calls differently at the top level and in `destinations`, and for the longer names of
 * its API.
 */
export function canonicalType(type: string): string {
  return SYNONYMS.get(type) ?? type
}

const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['EXCHANGE_ACCOUNT', 'EXCHANGE'],
  ['ONE_TIME_ADDRESS', 'ONE_TIME'],
  ['VAULT_ACCOUNT', 'VAULT'],
])

/** Words that stand where an account type could, and name none. */
export const NO_TYPE: ReadonlySet<string> = new Set(['MULTI_DESTINATION', 'NONE', 'UNKNOWN'])

/** Types of destinations that are named by the id of an account; the vendor knows their addresses. */
export const ACCOUNT_TYPES: ReadonlySet<string> = new Set([
  'VAULT',
  'EXCHANGE',
  'FIAT_ACCOUNT',
  'NETWORK_CONNECTION',
  'GAS_STATION',
  'END_USER_WALLET',
  'OEC_PARTNER',
])

/** Kinds of `UNMANAGED`, by the subtype of an entry. */
export const UNMANAGED_KINDS: ReadonlyMap<string, string> = new Map([
  ['INTERNAL', 'INTERNAL_WALLET'],
  ['EXTERNAL', 'EXTERNAL_WALLET'],
  ['CONTRACT', 'CONTRACT'],
])

/** Types whose entries have a subtype. */
export const SUBTYPED: ReadonlySet<string> = new Set([
  'EXCHANGE',
  'FIAT_ACCOUNT',
  'UNMANAGED',
  ...UNMANAGED_KINDS.values(),
])

/** Entries have fewer words than the top level: under each, what it may stand for there. */
export const COARSE: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    'UNMANAGED',
    new Set([...UNMANAGED_KINDS.values(), 'NETWORK_CONNECTION', 'OEC_PARTNER', 'END_USER_WALLET']),
  ],
  ['VAULT', new Set(['END_USER_WALLET'])],
])

/** Operations that move nothing to a destination of the request, unless it names one all the same. */
export const WITHOUT_DESTINATION: ReadonlySet<string> = new Set([
  'MINT',
  'BURN',
  'STAKE',
  'UNSTAKE',
  'WITHDRAW',
  'RAW',
  'TYPED_MESSAGE',
  'ENABLE_ASSET',
  'APPROVE',
  'PROGRAM_CALL',
  'SUPPLY_TO_COMPOUND',
  'REDEEM_FROM_COMPOUND',
])

/** Subtypes of exchanges, fiat accounts and unmanaged wallets (vendor: approve transactions). */
export const SUBTYPES: ReadonlySet<string> = new Set(
  `${[...UNMANAGED_KINDS.keys()].join(' ')} BLINC BINANCE BINANCEUS BITFINEX BITHUMB BITMEX BITSO BITSTAMP BITTREX BYBIT
  CIRCLE COINBASEEXCHANGE COINBASEPRO COINMETRO COINSPRO CRYPTOCOM DERIBIT GEMINI HITBTC HUOBI INDEPENDENTRESERVE KORBIT
  KRAKEN KRAKENINTL KUCOIN LIQUID OKCOIN OKEX PAXOS POLONIEX`.split(/\s+/),
)

/** The only words of `destAddressType` that say whether an address is whitelisted. */
export const ADDRESS_TYPES: ReadonlySet<string> = new Set(['WHITELISTED', 'ONE_TIME'])

/** Members of `extraInfo` by the type of a configuration change (vendor: approve configuration changes). */
export const DETAILS_OF_TYPE: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    UNMANAGED_WALLET: ['subType', 'walletName', 'walletId', 'asset', 'address', 'tag'],
    EXCHANGE: ['subType', 'accountName', 'accountId'],
    FIAT_ACCOUNT: ['subType', 'accountName', 'accountId'],
    ADD_NETWORK_CONNECTION: [
      'networkConnectionId',
      'note',
      'localNetworkID',
      'remoteTenantID',
      'routingPolicy',
    ],
    SET_NETWORK_CONNECTION_ROUTING_POLICY: ['connectionId', 'routingPolicy'],
    SET_NETWORK_ID_POLICY: ['networkID', 'routingPolicy'],
  }).map(([type, members]) => [type, new Set(members)]),
)
