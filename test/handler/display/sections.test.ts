/**
 * What people see before they approve. Story: `hold list` showed the first destination, which got 1 of 50 ETH, and "and 1
 * more"; the other 49 went to a stranger, and two people approved it.
 */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createContract, parseAbi } from 'micro-eth-signer/abi.js'
import { sectionLines } from '../../../handler/commands/sections.ts'
import { callDataRows } from '../../../handler/display/call-data.ts'
import { sectionsOf } from '../../../handler/display/sections.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'

const PAYEE = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
const STRANGER = '0x000000000000000000000000000000000000dEaD'

const BATCH = {
  txId: 't2',
  operation: 'TRANSFER',
  sourceType: 'VAULT',
  sourceId: '0',
  asset: 'ETH',
  amount: 50,
  amountStr: '50',
  note: 'supplier invoice 17',
  destinations: [
    {
      amountNativeStr: '1',
      dstAddress: PAYEE,
      dstId: 'u1',
      dstName: 'Supplier',
      dstType: 'UNMANAGED',
    },
    {
      amountNativeStr: '49',
      dstAddress: STRANGER,
      dstId: '',
      dstTag: '7',
      dstType: 'ONE_TIME_ADDRESS',
    },
  ],
  requestId: 'R2',
}

async function shown(
  payload: object,
  endpoint: 'tx_sign_request' | 'config_change_sign_request' = 'tx_sign_request',
) {
  const claims = parseStrictJson(JSON.stringify(payload))
  if (!isObject(claims)) throw new Error('no object')
  return sectionsOf(endpoint, claims, { cosigner: 'main', verdict: undefined })
}

async function text(payload: object): Promise<string> {
  return sectionLines(await shown(payload)).join('\n')
}

function withCall(contractCallData: string): object {
  return {
    txId: 't',
    requestId: 'r',
    operation: 'CONTRACT_CALL',
    extraParameters: { contractCallData },
  }
}

describe('a request on the screen', () => {
  it('shows every destination with all that was sent, the sum, and what is missing', async () => {
    const sections = await shown(BATCH)
    expect(sections.map(({ title }) => title)).toEqual([
      'Transaction',
      'From',
      'Destination 1 of 2',
      'Destination 2 of 2',
      'Bytes to be signed',
      'Words of the initiator',
      'Request',
    ])
    expect(sections[0]?.rows).toContainEqual({ name: 'sum of amountNativeStr', text: '50' })
    expect(sections[3]?.rows).toEqual([
      { name: 'dstType', text: 'ONE_TIME_ADDRESS' },
      { name: 'dstId', text: '(empty text)' },
      { name: 'dstAddress', text: STRANGER },
      { name: 'dstTag', text: '7' },
      { name: 'amountNativeStr', text: '49' },
    ])
    expect(sections[4]?.rows[0]?.text).toContain('nothing proves')
  })

  it('shows every value of the request somewhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ maxLength: 12 }), leaf, { maxKeys: 8 }),
        async (extra) => {
          const sections = await shown({ ...BATCH, ...prefixed(extra) })
          const texts = sections.flatMap(({ rows }) => rows.map(({ text: value }) => value))
          for (const value of Object.values(prefixed(extra))) {
            const wanted = value === '' ? '(empty text)' : String(value)
            expect(texts.includes(wanted)).toBe(true)
          }
        },
      ),
    )
  })

  it('has no line that foreign text could have made', async () => {
    const forged = `ok\nDestination 1 of 1\n  dstAddress │ ${PAYEE}`
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constant(forged), fc.string(), fc.string({ unit: 'binary' })),
        async (evil) => {
          const lines = sectionLines(await shown({ ...BATCH, note: evil, [`x${evil}`]: evil }))
          const titles = lines.filter((line) => line !== '' && !line.startsWith('  '))
          expect(titles).toEqual([
            'Transaction',
            'From',
            'Destination 1 of 2',
            'Destination 2 of 2',
            'Bytes to be signed',
            'Words of the initiator',
            'Members without a place above',
            'Request',
          ])
          expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
          expect(lines.filter((line) => /^ {2}dstAddress +│/.test(line))).toHaveLength(2)
        },
      ),
    )
  })

  it('shows the top level beside a list, and a lone top level as the destination', async () => {
    expect(await text({ ...BATCH, destAddress: STRANGER })).toContain('as the top level names it')
    expect(await text({ txId: 't', requestId: 'r', destAddress: STRANGER })).toContain(
      `To\n  destAddress              │ ${STRANGER}`,
    )
    expect(await text({ txId: 't', requestId: 'r' })).toContain('nobody is named')
  })

  it('shows configuration changes with all details', async () => {
    const rows = await shown(
      { requestId: 'r', type: 'TX_POLICY', extraInfo: { rules: [{ amount: 1.5 }, {}] } },
      'config_change_sign_request',
    )
    expect(rows[0]).toEqual({
      title: 'Configuration change',
      rows: [
        { name: 'type', text: 'TX_POLICY' },
        { name: 'extraInfo.rules[0].amount', text: '1.5' },
        { name: 'extraInfo.rules[1]', text: '(empty object)' },
      ],
    })
  })

  it('counts what is too much to show, and names it by its digest', async () => {
    const sections = await shown({
      ...BATCH,
      extraParameters: { list: Array.from({ length: 700 }, (_, i) => i) },
    })
    const rows = sections.find(({ title }) => title === 'Extra parameters')?.rows ?? []
    expect(rows).toHaveLength(501)
    expect(rows.at(-1)).toMatchObject({
      name: '200 more values',
      text: expect.stringMatching(/^SHA-256 [0-9a-f]{64}$/),
    })
    expect(await text({ ...BATCH, note: 'x'.repeat(5_000) })).toContain('5000 characters')
  })
})

describe('call data', () => {
  const unlimited = 2n ** 256n - 1n
  it('is the function and its arguments, an unlimited one by name', async () => {
    const erc20 = createContract(parseAbi(['function approve(address spender, uint256 value)']))
    const data = Buffer.from(
      erc20['approve']?.encodeInput({ spender: STRANGER, value: unlimited }) ?? [],
    ).toString('hex')
    const rows = await callDataRows(`0x${data}`)
    expect(rows.slice(0, 3)).toEqual([
      { name: 'function', text: 'approve(address spender, uint256 value)' },
      { name: 'spender', text: STRANGER.toLowerCase() },
      { name: 'value', text: `${unlimited} (the greatest possible: unlimited)` },
    ])
    expect(await text(withCall(`0x${data}`))).toContain('Contract call')
  })

  it('of Permit2 and of batches reads as well', async () => {
    const abi = parseAbi([
      'function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data)',
    ])
    const bytes = createContract(abi)['safeBatchTransferFrom']?.encodeInput({
      from: PAYEE,
      to: STRANGER,
      ids: [1n, 2n],
      values: [3n, 4n],
      data: Uint8Array.of(9),
    })
    const rows = await callDataRows(Buffer.from(bytes ?? []).toString('hex'))
    expect(rows.map(({ name, text: value }) => `${name}=${value}`).slice(0, 8)).toEqual([
      'function=safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data)',
      `from=${PAYEE.toLowerCase()}`,
      `to=${STRANGER.toLowerCase()}`,
      'ids[0]=1',
      'ids[1]=2',
      'values[0]=3',
      'values[1]=4',
      'data=0x09',
    ])
  })

  it('of a function in an ABI file is explained by it, the standard ones first', async () => {
    const own = (declaration: string, selector: string) => ({
      selector,
      declaration: `function ${declaration}`,
      file: 'vault.abi.json',
    })
    const functions = [
      own('pause()', '0x8456cb59'),
      own('settle((address to, uint256 amount)[] payouts, bytes _1)', '0x6e4fb9e0'),
      own('transfer(address elsewhere, uint256 nothing)', '0xa9059cbb'),
    ]
    expect((await callDataRows('0x8456cb59', functions)).slice(0, -1)).toEqual([
      { name: 'function', text: 'pause() (by vault.abi.json)' },
    ])
    const settle = createContract(
      parseAbi(['function settle((address to, uint256 amount)[] payouts, bytes _1)']),
    )['settle']?.encodeInput({ payouts: [{ to: PAYEE, amount: 7n }], _1: Uint8Array.of(1) })
    const digits = Buffer.from(settle ?? []).toString('hex')
    const selector = `0x${digits.slice(0, 8)}`
    const rows = await callDataRows(
      digits,
      functions.map((each) => (each.selector === '0x6e4fb9e0' ? { ...each, selector } : each)),
    )
    expect(rows.slice(1, -1)).toEqual([
      { name: 'payouts[0].to', text: PAYEE.toLowerCase() },
      { name: 'payouts[0].amount', text: '7' },
      { name: '_1', text: '0x01' },
    ])
    const transfer = `a9059cbb${'00'.repeat(12)}${'11'.repeat(20)}${'00'.repeat(31)}05`
    expect((await callDataRows(transfer, functions))[0]?.text).toBe(
      'transfer(address to, uint256 value)',
    )
    expect((await callDataRows(`${transfer}ff`, functions))[0]?.text).toBe(
      'unknown, selector 0xa9059cbb',
    )
  })

  it('that does not read exactly is selector and bytes', async () => {
    const extra = `a9059cbb${'00'.repeat(12)}${'11'.repeat(20)}${'00'.repeat(31)}05ff`
    expect(await callDataRows(extra)).toMatchObject([
      { name: 'function', text: 'unknown, selector 0xa9059cbb' },
      { name: 'bytes', text: `0x${extra}` },
      { name: 'size' },
    ])
    expect(await callDataRows('')).toEqual([{ name: 'call data', text: '(empty)' }])
    expect(await callDataRows('zz')).toEqual([{ name: 'call data', text: 'zz' }])
  })
})

describe('messages', () => {
  const message = (content: unknown, type = 'EIP712') => ({
    txId: 't',
    requestId: 'r',
    operation: 'TYPED_MESSAGE',
    extraParameters: {
      rawMessageData: { messages: [{ type, content }], algorithm: 'X' },
      other: 1,
    },
  })

  it('are typed data as fields, and texts as text', async () => {
    const typed = await text(
      message({
        domain: { name: 'Permit2', chainId: 1 },
        primaryType: 'Permit',
        message: { spender: STRANGER },
        types: { Permit: [{ name: 'spender', type: 'address' }], Odd: [{ name: 'x' }] },
      }),
    )
    for (const line of [
      'domain.chainId',
      'message.spender',
      'type Permit',
      'address spender',
      'types.Odd[0].name',
    ]) {
      expect(typed).toContain(line)
    }
    expect(await text(message(Buffer.from('sign in').toString('hex'), 'EIP191'))).toContain(
      '│ sign in',
    )
    expect(await text(message('ff', 'EIP191'))).toContain('content                  │ ff')
  })

  it('of another form are shown as they came', async () => {
    const odd = (rawMessageData: unknown) => ({
      txId: 't',
      requestId: 'r',
      extraParameters: { rawMessageData },
    })
    expect(await text(odd('x'))).toContain('rawMessageData           │ x')
    expect(await text(odd({ messages: { a: 1 } }))).toContain('messages.a               │ 1')
    expect(await text(odd({ messages: ['hi'] }))).toContain('message                  │ hi')
    expect(await text({ txId: 't', requestId: 'r', extraParameters: 'p' })).toContain(
      'extraParameters          │ p',
    )
    expect(await text(message({ types: 'none' }))).toContain('types                    │ none')
    expect(
      await text({ txId: 't', requestId: 'r', extraParameters: { contractCallData: 5 } }),
    ).toContain('contractCallData         │ 5')
    expect(
      await text({ txId: 't', requestId: 'r', destinations: ['x', { amountUSD: 1 }] }),
    ).toContain('entry')
  })
})

const leaf = fc.oneof(fc.string({ maxLength: 20 }), fc.integer(), fc.boolean())

/** Names that no known member has. */
function prefixed(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`_${name}`, value]))
}
