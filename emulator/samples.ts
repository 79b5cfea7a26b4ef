/**
 * Realistic callback payloads with fresh ids. The transactions are those of the vendor's published
 * samples (reference/validate-eth-raw-transactions, github.com/fireblocks/btc_tx_validation), so
 * the raw bytes, hashes and fees agree with the summary; configuration changes have no published
 * sample and follow the field tables.
 */

/** What a payload can be made of. */
export const SAMPLES = [
  'eth-transfer',
  'eth-approval',
  'btc-transfer',
  'eth-gross',
  'eth-exchange',
  'eth-two',
  'whitelisting',
  'add-user',
] as const

/** Name of a sample. */
export type Sample = (typeof SAMPLES)[number]

/** The endpoint that a sample belongs to. */
export function sampleEndpoint(sample: Sample): 'tx_sign_request' | 'config_change_sign_request' {
  return sample === 'whitelisting' || sample === 'add-user'
    ? 'config_change_sign_request'
    : 'tx_sign_request'
}

/** The payload text. Amounts keep their trailing zeros, as in the published tokens. */
export function samplePayload(sample: Sample, requestId: string, signerId: string): string {
  return PAYLOADS[sample](requestId, signerId)
}

const PAYLOADS: Readonly<Record<Sample, (requestId: string, signerId: string) => string>> = {
  'eth-transfer': (id, signer) => transfer(id, signer, { ...ETH, ...ETH_SIGNING }),
  'eth-approval': (id, signer) => transfer(id, signer, { ...ETH, destinations: [ETH_DESTINATION] }),
  'btc-transfer': (id, signer) => transfer(id, signer, BTC),
  'eth-gross': (id, signer) => transfer(id, signer, GROSS),
  'eth-exchange': (id, signer) => transfer(id, signer, EXCHANGE),
  'eth-two': (id, signer) => transfer(id, signer, TWO),
  whitelisting: (requestId, signerId) =>
    JSON.stringify({ requestId, type: 'UNMANAGED_WALLET', extraInfo: ADDRESS, signerId }),
  'add-user': (requestId, signerId) => JSON.stringify({ requestId, type: 'ADD_USER', signerId }),
}

function transfer(requestId: string, signerId: string, summary: object): string {
  const head = { txId: requestId, operation: 'TRANSFER' }
  return keepZeros({ ...head, ...summary, players: PLAYERS, requestId, signerId })
}

/** Writes the deprecated number members with eight decimals: parsers must not care. */
function keepZeros(payload: object): string {
  return JSON.stringify(payload).replaceAll(
    /"(amount|requestedAmount|amountNative)":(0\.\d+)/g,
    (_, name: string, digits: string) => `"${name}":${digits.padEnd(10, '0')}`,
  )
}

const PLAYERS = [
  '21926ecc-4a8a-4614-bbac-7c591aa7efdd',
  '27900737-46f6-4097-a169-d0ff45649ed5',
  'f89cac50-c656-4e74-879f-041aff8d01b5',
]

const ACTION = {
  action: 'ALLOW',
  actionInfo: {
    capturedRuleNum: 5,
    rulesSnapshotId: 8164,
    byGlobalPolicy: false,
    byRule: true,
    capturedRule: '{"type":"TRANSFER","asset":"*","amount":0,"action":"ALLOW"}',
  },
}

const ETH_DESTINATION = {
  amountNative: 0.01,
  amountNativeStr: '0.01',
  amountUSD: 18.74501936,
  dstAddressType: 'WHITELISTED',
  dstId: '1',
  dstWalletId: '',
  dstName: 'Network Deposits',
  dstSubType: '',
  dstType: 'VAULT',
  ...ACTION,
}

const ETH = {
  sourceType: 'VAULT',
  sourceId: '0',
  destType: 'VAULT',
  destId: '1',
  asset: 'ETH',
  amount: 0.01,
  amountStr: '0.010000000000000000',
  requestedAmount: 0.01,
  requestedAmountStr: '0.01',
  destAddressType: 'WHITELISTED',
  destAddress: '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
}

const ETH_SIGNING = {
  fee: '0.000584261607657000',
  destinations: [{ ...ETH_DESTINATION, displayDstAddress: ETH.destAddress }],
  rawTx: [
    {
      keyDerivationPath: '[ 44, 60, 0, 0, 0 ]',
      rawTx:
        '02ef0104843b9aca0085067a51be85825208945dc69b1fbb13bafd09af88a782f0f285772ad5f8872386f26fc1000080c0',
      payload: '6ca18c47ccd8dd47bb0b0b0c73cc5237bbff9d0eaae469ca65a672329643bfda',
    },
  ],
}

/**
 * A whole balance: what arrives is the requested amount less an estimate of the fee, which is
 * stated as a maximum.
 */
const GROSS = {
  ...ETH,
  amount: 0.0095,
  amountStr: '0.009500000000000000',
  fee: '0.000584261607657000',
  destinations: [
    {
      ...ETH_DESTINATION,
      amountNative: 0.0095,
      amountNativeStr: '0.0095',
      displayDstAddress: ETH.destAddress,
    },
  ],
}

/**
 * A withdrawal from an exchange: `amount` is what the exchange moves, its own fee included (SDK:
 * AmountInfo, FeeInfo).
 */
const EXCHANGE = {
  ...ETH,
  sourceType: 'EXCHANGE',
  sourceId: '6d1f2c0e-52f6-4b79-9a0c-0d9f6a2f4c11',
  amount: 0.0101,
  amountStr: '0.010100000000000000',
  destinations: [ETH_DESTINATION],
}

/** Two destinations under a top level that names neither. */
const TWO = {
  ...ETH,
  destType: 'MULTI_DESTINATION',
  destId: '',
  destAddress: '',
  amount: 0.02,
  amountStr: '0.020000000000000000',
  requestedAmount: 0.02,
  requestedAmountStr: '0.02',
  destinations: [
    ETH_DESTINATION,
    { ...ETH_DESTINATION, dstId: '2', dstName: 'Second vault', amountUSD: null },
  ],
}

/** BIP-143 preimages share all but the outpoint. */
function btcPreimage(outpoint: string): string {
  return `01000000b10723f7207447d6df6cfe68dde56180f8dfb5beef0fbf4fc3835c16a8d40195752adad0a7b9ceca853768aebb6965eca126a62965f698a0c1bc43d83db632ad${outpoint}1976a91484d685df1cf10dd7849402eef1d902bbbeec721a88ac50c3000000000000fffffffff04d4108c16d20695cd2617917f6fd12ccb88a95faee6ba0ff8908a74fbdfba10000000001000000`
}

const BTC_ADDRESS = 'bc1qjhm0h7vhdyu0d0luv34dlz654rmsvg8twywk99'

const BTC = {
  sourceType: 'VAULT',
  sourceId: '25',
  destType: 'VAULT',
  destId: '0',
  asset: 'BTC',
  amount: 0.0005,
  amountStr: '0.00050000',
  requestedAmount: 0.0005,
  requestedAmountStr: '0.0005',
  fee: '0.00002598',
  destAddressType: 'WHITELISTED',
  destAddress: BTC_ADDRESS,
  destinations: [
    {
      amountNative: 0.0005,
      amountNativeStr: '0.0005',
      amountUSD: 14.98097333,
      dstAddressType: 'WHITELISTED',
      dstId: '0',
      dstWalletId: '',
      dstName: 'Main Vault - ID 0',
      dstSubType: '',
      dstType: 'VAULT',
      displayDstAddress: BTC_ADDRESS,
      ...ACTION,
    },
  ],
  rawTx: [
    {
      keyDerivationPath: '[ 44, 0, 25, 0, 0 ]',
      rawTx: btcPreimage(
        'f0c9e8670413c6c965f9e2a8de2bf881512b8e7ebc067cbf6078d20c18f8608600000000',
      ),
      payload: '29d5a9b584b6f34d0f6b8c3e63b8b8d995b35efc7ccae7efb09ac59c00f6690d',
    },
    {
      keyDerivationPath: '[ 44, 0, 25, 0, 0 ]',
      rawTx: btcPreimage(
        'dab66c1c2cb4ff9b4aee2dffd89202728612859b5c8804b790f7719f91df380a00000000',
      ),
      payload: '77b3e791aeadca9498701ceb6b58fc84efb96ca787c8220fb9c622b97c101596',
    },
  ],
}

const ADDRESS = {
  subType: 'EXTERNAL',
  walletName: 'Cold store',
  walletId: 'd1e9d6c8-4a3c-4d7c-9a5e-6f3b8a0b7c11',
  asset: 'ETH',
  address: '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
  tag: '',
}
