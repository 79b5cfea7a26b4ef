import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { Transaction } from 'micro-eth-signer'
import type { Policy } from '../../../handler/policy/compile/policy.ts'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import { describeVerdict, factsOf } from '../../../handler/policy/judge.ts'
import { parsePolicy } from '../../../handler/policy/parse.ts'
import type { StatementCheck } from '../../../handler/policy/statement.ts'
import { baseUnits, parseDecimal } from '../../../handler/protocol/decimal.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { preimage } from '../../fixtures/utxo-preimages.ts'
import type { Kind } from '../../fixtures/utxo-preimages.ts'

type Payload = Readonly<Record<string, unknown>>

const EXAMPLES = join(import.meta.dirname, '../../../docs/examples/policies')
const LISTS = new Map(
  ['published-payees.txt', 'own-addresses.txt'].map((name) => [
    name,
    readFileSync(join(EXAMPLES, name), 'utf8'),
  ]),
)

/** The policy, with those of the list files that it names. */
function policyNamed(example: string): Policy {
  const text = readFileSync(join(EXAMPLES, `${example}.yaml`), 'utf8')
  const lists = new Map([...LISTS].filter(([name]) => text.includes(name)))
  const result = parsePolicy(text, example, lists)
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.policy
}
/** Friday morning in Zurich. */
const KNOWN = { now: new Date('2026-11-20T09:30:00+01:00'), cosigner: '' }

const PAYEE = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
const STRANGER = '0xdf90dea0e0bf5ca6d2a7f0cb86874ba6714f463e'
const OWN = '0x8617E340B3D01FA5F11F306F4090FD50E238070D'
const BLOCKED = '0x00000000219ab540356cBB839Cbe05303d7705Fa'

/** `APPROVE withdrawal`, and what the bytes prove. */
function judge(example: string, payload: Payload, statement?: string): string {
  const policy = policyNamed(example)
  const claims = parseStrictJson(JSON.stringify({ txId: 't', requestId: 't', ...payload }))
  const parsed = isObject(claims) ? parseRequest('tx_sign_request', claims) : undefined
  if (parsed?.kind !== 'request') throw new Error('not a request')
  const facts = factsOf(policy, parsed.request, KNOWN, () => false)
  const signed: StatementCheck = {
    status: 'valid',
    digest: '0'.repeat(64),
    keyName: statement ?? '',
    contentDigest: undefined,
  }
  const { action, rule } = evaluate(
    policy,
    parsed.request,
    statement === undefined ? facts : { ...facts, statement: signed },
  ).decision
  return `${action} ${rule}, bytes ${describeVerdict(facts.rawTx).split(':', 1)[0]}`
}

const wei = (text: string) => {
  const amount = parseDecimal(text)
  return (amount && baseUnits(amount, 18)) ?? 0n
}

/** Signing-stage members: bytes that pay `to`, and a fee that is all their gas. */
function ethBytes(account: string, to: string, amount: string, data = '', price = '0.0021') {
  const gasLimit = 21_000n
  const perGas = wei(price) / gasLimit
  const rawTx = Transaction.prepare(
    {
      type: 'eip1559',
      to: to.toLowerCase(),
      value: wei(amount),
      nonce: 0n,
      data,
      gasLimit,
      chainId: 1n,
      maxFeePerGas: perGas,
      maxPriorityFeePerGas: 1n,
      accessList: [],
    },
    false,
  )
    .toHex({ includeSignature: false })
    .slice(2)
  const payload = Buffer.from(keccak_256(Buffer.from(rawTx, 'hex'))).toString('hex')
  return {
    fee: price,
    rawTx: [{ rawTx, payload, keyDerivationPath: `[ 44, 60, ${account}, 0, 0 ]` }],
  }
}

/** A transfer of ether; `type` and `id` of the destination. */
function ether(account: string, amount: string, to: string, type: string, id = ''): Payload {
  const kind = type === 'ONE_TIME_ADDRESS' ? 'ONE_TIME' : 'WHITELISTED'
  return {
    asset: 'ETH',
    operation: 'TRANSFER',
    sourceType: 'VAULT',
    sourceId: account,
    destType: type,
    destId: id,
    destAddressType: kind,
    destAddress: to,
    amountStr: amount,
    requestedAmountStr: amount,
    destinations: [
      {
        amountNativeStr: amount,
        dstType: type,
        dstId: id,
        dstAddressType: kind,
        ...(to === '' ? {} : { dstAddress: to }),
      },
    ],
  }
}

describe('the exchange’s hot wallet', () => {
  const EXAMPLE = 'exchange-hot-wallet'
  const service = {
    signerId: '11111111-2222-4333-8444-555555555555',
    externalTxId: 'wd-2026-000017',
  }
  const withdrawal = (to: string, amount = '1.25') => ({
    ...ether('100', amount, to, 'ONE_TIME_ADDRESS'),
    ...service,
  })

  it.each<[string, Payload, string]>([
    ['a vote', withdrawal(PAYEE), 'APPROVE withdrawal-vote, bytes absent'],
    ['a vote to the blocked address', withdrawal(BLOCKED), 'REJECT blocked-address, bytes absent'],
    [
      'a signature',
      { ...withdrawal(PAYEE), ...ethBytes('100', PAYEE, '1.25') },
      'APPROVE withdrawal, bytes verified',
    ],
    [
      'a signature to the blocked address',
      { ...withdrawal(BLOCKED), ...ethBytes('100', BLOCKED, '1.25') },
      'REJECT blocked-address, bytes verified',
    ],
    [
      'bytes that pay a stranger',
      { ...withdrawal(PAYEE), ...ethBytes('100', STRANGER, '1.25') },
      'REJECT raw-tx, bytes mismatch',
    ],
    [
      'bytes that pay more',
      { ...withdrawal(PAYEE), ...ethBytes('100', PAYEE, '1.26') },
      'REJECT raw-tx, bytes mismatch',
    ],
    [
      'bytes of another vault’s key',
      { ...withdrawal(PAYEE), ...ethBytes('101', PAYEE, '1.25') },
      'REJECT raw-tx, bytes mismatch',
    ],
    [
      'gas for a thousand ether beside a small fee',
      { ...withdrawal(PAYEE), ...ethBytes('100', PAYEE, '1.25', '', '1000'), fee: '0.0021' },
      'REJECT default, bytes unproven',
    ],
    [
      'a fee and no bytes',
      { ...withdrawal(PAYEE), fee: '0.0021' },
      'RETRY withdrawal, bytes absent',
    ],
    [
      'to the cold vault’s address',
      { ...ether('100', '5000', OWN, 'VAULT', '1'), ...ethBytes('100', OWN, '5000') },
      'APPROVE back-to-cold, bytes unproven',
    ],
    [
      'to the cold vault, whose address only the bytes name',
      { ...ether('100', '5000', '', 'VAULT', '1'), ...ethBytes('100', OWN, '5000') },
      'APPROVE back-to-cold, bytes unproven',
    ],
    [
      'the cold vault’s label on a stranger’s address',
      { ...ether('100', '5000', STRANGER, 'VAULT', '1'), ...ethBytes('100', STRANGER, '5000') },
      'REJECT default, bytes unproven',
    ],
    [
      'the cold vault’s label, and bytes that pay a stranger',
      { ...ether('100', '5000', '', 'VAULT', '1'), ...ethBytes('100', STRANGER, '5000') },
      'REJECT default, bytes unproven',
    ],
    [
      'to the cold vault with a fee of a thousand ether',
      { ...ether('100', '0.001', OWN, 'VAULT', '1'), ...ethBytes('100', OWN, '0.001', '', '1000') },
      'REJECT default, bytes unproven',
    ],
  ])('%s', (_, payload, decision) => {
    expect(judge(EXAMPLE, payload)).toBe(decision)
  })

  describe('of bitcoin', () => {
    const key = '84d685df1cf10dd7849402eef1d902bbbeec721a'
    const script = `76a914${key}88ac`
    const tx = {
      version: 2,
      inputs: [
        { txid: 'ab'.repeat(32), index: 0, sequence: 0xffffffff, script, units: 30_000_000n },
      ],
      outputs: [
        { units: 20_000_000n, script: '76a9148ca80d9b17cdba4b0f9b117c92852ca04a69783988ac' },
        { units: 9_990_000n, script },
      ],
      locktime: 0,
    }
    const bitcoin = (kind: Kind, fee = '0.0001'): Payload => ({
      ...withdrawal('1DpivPqJkLxbRwm4GpxXsNPKS29ou1NYdC', '0.2'),
      asset: 'BTC',
      fee,
      rawTx: [{ ...preimage(kind, tx, 0), keyDerivationPath: '[ 44, 0, 100, 0, 0 ]' }],
    })

    it.each<[string, Payload, string]>([
      ['SegWit inputs', bitcoin('bip143'), 'APPROVE withdrawal, bytes verified'],
      ['legacy inputs, fee tolerated', bitcoin('legacy'), 'APPROVE withdrawal, bytes unproven'],
      [
        'a stated fee beyond the bound',
        bitcoin('legacy', '0.01'),
        'REJECT default, bytes unproven',
      ],
      [
        'a fee that the bytes exceed',
        bitcoin('bip143', '0.00009'),
        'RETRY withdrawal, bytes unverifiable',
      ],
    ])('%s', (_, payload, decision) => {
      expect(judge(EXAMPLE, payload)).toBe(decision)
    })
  })
})

describe('the treasury', () => {
  const payment = (amount: string, to = PAYEE) => ether('0', amount, to, 'UNMANAGED', 'w')
  const moved = (to: string) => ether('0', '3', to, 'VAULT', '7')

  it.each<[string, Payload, string]>([
    ['a small payment, approval', payment('0.5'), 'APPROVE small-payment, bytes absent'],
    [
      'a small payment, signing',
      { ...payment('0.5'), ...ethBytes('0', PAYEE, '0.5') },
      'APPROVE small-payment, bytes verified',
    ],
    [
      'a small payment whose bytes pay a stranger',
      { ...payment('0.5'), ...ethBytes('0', STRANGER, '0.5') },
      'REJECT raw-tx, bytes mismatch',
    ],
    [
      'a large payment waits for people',
      { ...payment('5'), ...ethBytes('0', PAYEE, '5') },
      'RETRY large-payment, bytes verified',
    ],
    [
      'a large payment whose fee nobody saw',
      { ...payment('5'), ...ethBytes('0', PAYEE, '5', '', '1') },
      'RETRY high-fee, bytes verified',
    ],
    ['to a stranger', payment('0.5', STRANGER), 'REJECT default, bytes absent'],
    ['between vaults, approval', moved(''), 'APPROVE between-own-vaults, bytes absent'],
    [
      'between vaults, signing',
      { ...moved(OWN), ...ethBytes('0', OWN, '3') },
      'APPROVE between-own-vaults, bytes verified',
    ],
    [
      'between vaults, whose address only the bytes name',
      { ...moved(''), ...ethBytes('0', OWN, '3') },
      'APPROVE between-own-vaults, bytes verified',
    ],
    [
      'a vault’s label on a stranger’s address',
      { ...moved(STRANGER), ...ethBytes('0', STRANGER, '3') },
      'RETRY default, bytes unproven',
    ],
    [
      'between vaults with a fee of a thousand ether',
      { ...moved(OWN), ...ethBytes('0', OWN, '3', '', '1000') },
      'REJECT default, bytes verified',
    ],
  ])('%s', (_, payload, decision) => {
    expect(judge('treasury', payload)).toBe(decision)
  })
})

describe('staking', () => {
  const data = '0x22895118000000000000000000000000'
  const call = (asked: string): Payload => ({
    ...ether('12', '32', BLOCKED, 'UNMANAGED', 'pool'),
    operation: 'CONTRACT_CALL',
    extraParameters: { contractCallData: asked },
  })

  it.each<[string, Payload, string]>([
    ['a deposit, approval', call(data), 'APPROVE pool-call, bytes absent'],
    [
      'a deposit, signing',
      { ...call(data), ...ethBytes('12', BLOCKED, '32', data) },
      'APPROVE pool-call, bytes verified',
    ],
    [
      'bytes that call another function',
      { ...call(data), ...ethBytes('12', BLOCKED, '32', '0xa9059cbb') },
      'REJECT raw-tx, bytes mismatch',
    ],
  ])('%s', (_, payload, decision) => {
    expect(judge('staking', payload, 'staking-desk')).toBe(decision)
  })
})

describe('a cold workspace', () => {
  it('votes, and never signs', () => {
    const refill: Payload = {
      ...ether('0', '10', '', 'VAULT', '20'),
      asset: 'BTC',
    }
    expect(judge('cold-workspace', refill)).toBe('APPROVE refill, bytes absent')
    const signing = { ...refill, asset: 'ETH', ...ethBytes('0', PAYEE, '10') }
    expect(judge('cold-workspace', signing)).toBe('REJECT default, bytes unproven')
  })
})

describe('configuration changes only', () => {
  it('decides no transaction, whatever its bytes', () => {
    const policy = policyNamed('configuration-changes')
    const payload = { ...ether('0', '1', PAYEE, 'UNMANAGED'), ...ethBytes('0', PAYEE, '1') }
    for (const each of [payload, { ...payload, rawTx: undefined, fee: undefined }]) {
      const claims = parseStrictJson(JSON.stringify({ txId: 't', requestId: 't', ...each }))
      const parsed = isObject(claims) ? parseRequest('tx_sign_request', claims) : undefined
      if (parsed?.kind !== 'request') throw new Error('not a request')
      const facts = factsOf(policy, parsed.request, KNOWN, () => false)
      expect(evaluate(policy, parsed.request, facts).decision).toMatchObject({
        action: 'REJECT',
        rule: 'default',
      })
    }
  })
})
