import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { factsOf, livePolicy } from '../../../handler/policy/judge.ts'
import { policyJsonSchema } from '../../../handler/policy/file/json-schema.ts'
import { replay } from '../../../handler/policy/replay.ts'
import type { RecordedRequest } from '../../../handler/policy/replay.ts'
import { statementBytes } from '../../../handler/policy/statement-text.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import type { JsonObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { createSignatureVerifier } from '../../../handler/policy-files/statement-signature.ts'
import { ed25519, spkiOf } from '../../fixtures/approvers.ts'
import type { Pair } from '../../fixtures/approvers.ts'
import { policyOf } from './policy.ts'
import { configRequest, txRequest } from './requests.ts'

const verifySignature = createSignatureVerifier()

const ROOT = join(import.meta.dirname, '../../..')
const KNOWN = { now: new Date('2026-11-20T12:00:00Z'), cosigner: 'main' }

function claimsOf(value: unknown): JsonObject {
  const claims = parseStrictJson(typeof value === 'string' ? value : JSON.stringify(value))
  if (!isObject(claims)) throw new Error('not an object')
  return claims
}

function requestOf(value: unknown): CallbackRequest {
  const parsed = parseRequest('tx_sign_request', claimsOf(value))
  if (parsed.kind !== 'request') throw new Error(parsed.kind)
  return parsed.request
}

function pemOf({ publicKey }: Pair): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

const sample = readFileSync(
  join(ROOT, 'test/fixtures/vectors/doc-eth-raw/payload-9c794cee.json'),
  'utf8',
)

describe('livePolicy', () => {
  const requiring = (rawTx: string) =>
    policyOf(
      `rules: [{ id: r, when: { asset: ETH, stage: signing }, then: APPROVE, require: { rawTx: ${rawTx} } }]`,
    )
  const policy = requiring('verified')
  const live = livePolicy(policy, verifySignature)

  it('the published sample: its bytes say what it says, but not that the address is the vault’s', () => {
    const rawTx = 'unproven: vault-address'
    expect(live.evaluate(requestOf(sample), KNOWN)).toMatchObject({
      decision: { action: 'RETRY', rule: 'r' },
      rawTx,
    })
    expect(live.digest).toBe(policy.digest)
    const tolerant = requiring('{ verified: true, tolerate: [vault-address] }')
    expect(livePolicy(tolerant, verifySignature).evaluate(requestOf(sample), KNOWN)).toMatchObject({
      decision: { action: 'APPROVE', rule: 'r' },
      rawTx,
    })
  })

  it('approves bytes that prove everything', () => {
    const outside = sample.replace(/"(destType|dstType)":\s*"VAULT"/g, '"$1":"UNMANAGED"')
    expect(live.evaluate(requestOf(outside), KNOWN)).toMatchObject({
      decision: { action: 'APPROVE', rule: 'r' },
      rawTx: 'verified',
    })
  })

  it('says what content alone forbids, whatever the rules say', () => {
    const refused = (request: CallbackRequest) => live.refusal?.(request, KNOWN)?.rule
    expect(refused(requestOf(sample))).toBeUndefined()
    expect(refused(requestOf(sample.replaceAll('0.01', '0.02')))).toBe('raw-tx')
    expect(refused(configRequest())).toBeUndefined()
  })

  it('a team’s own approval waits where members disagree and the policy would ask people', () => {
    const held = policyOf('consistency: { sum: { approvals: 1 } }\nrules: []')
    const request = txRequest({
      amount: parseDecimal('0.001'),
      requestedAmount: parseDecimal('0.001'),
    })
    const refusal = livePolicy(held, verifySignature).refusal?.(request, KNOWN)
    expect(refusal).toMatchObject({ action: 'RETRY', rule: 'contradiction' })
    expect(refusal?.reason).toMatch(/sum$/)
  })

  it('refuses it when bytes and request differ, and says what differs', () => {
    const altered = sample.replaceAll('0.01', '0.02')
    const { decision, rawTx } = live.evaluate(requestOf(altered), KNOWN)
    expect(decision).toMatchObject({ action: 'REJECT', rule: 'raw-tx' })
    expect(rawTx).toMatch(/^mismatch: /)
  })

  it('finds no bytes in a configuration change or in an approval request', () => {
    expect(live.evaluate(configRequest(), KNOWN).rawTx).toBe('absent')
    expect(live.evaluate(txRequest(), KNOWN).rawTx).toBe('absent')
  })
})

describe('factsOf', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const policy = policyOf(
    `statementKeys: { ops: { publicKey: ${JSON.stringify(pem)} } }\nrules: []`,
  )

  const content = 'aa'.repeat(32)
  const raw = {
    requestId: 'r',
    txId: 't',
    operation: 'RAW',
    asset: 'ETH',
    sourceType: 'VAULT',
    sourceId: '0',
    externalTxId: 'e-1',
  }
  const message = { rawMessageData: { messages: [{ content }] } }
  const entry = { rawTx: content, payload: content, keyDerivationPath: '[ 44, 60, 0, 0, 0 ]' }

  it('lets an extra signature vouch for the contents of a raw signing request', () => {
    const unsigned = requestOf({ ...raw, extraParameters: message, rawTx: [entry] })
    const before = factsOf(policy, unsigned, KNOWN, verifySignature)
    expect(before.statement.status).toBe('absent')
    expect(before.rawTx.status).toBe('unverifiable')
    const { contentDigest } = before.rawTx.status === 'absent' ? {} : before.rawTx.facts
    const statement = {
      externalTxId: 'e-1',
      operation: 'RAW',
      asset: 'ETH',
      source: 'VAULT:0',
      expiry: '2026-11-21T00:00:00Z',
      ...(contentDigest === undefined ? {} : { contentDigest }),
    }
    const statementSignature = sign(null, statementBytes(statement), privateKey).toString('base64')
    const extraParameters = { ...message, statement, statementSignature }
    const signed = requestOf({ ...raw, extraParameters, rawTx: [entry] })
    expect(factsOf(policy, signed, KNOWN, verifySignature)).toMatchObject({
      statement: { status: 'valid', keyName: 'ops' },
      rawTx: { status: 'verified' },
    })
    const late = { ...KNOWN, now: new Date('2026-11-21T00:00:00Z') }
    expect(factsOf(policy, signed, late, verifySignature)).toMatchObject({
      statement: { status: 'invalid' },
      rawTx: { status: 'unverifiable' },
    })
  })

  it('takes a statement without contents for what it is', () => {
    const statement = {
      externalTxId: 'e-1',
      operation: 'TRANSFER',
      asset: 'ETH',
      source: 'VAULT:0',
      destination: 'VAULT:1',
      amount: '1',
      expiry: '2026-11-21T00:00:00Z',
    }
    const statementSignature = sign(null, statementBytes(statement), privateKey).toString('base64')
    const request = requestOf({
      ...raw,
      operation: 'TRANSFER',
      amountStr: '1',
      destType: 'VAULT',
      destId: '1',
      extraParameters: { statement, statementSignature },
    })
    expect(factsOf(policy, request, KNOWN, verifySignature)).toMatchObject({
      statement: { status: 'valid', contentDigest: undefined },
      rawTx: { status: 'absent' },
    })
  })
})

describe('a hold that names people', () => {
  const [ada, desk] = [ed25519(), ed25519()]
  const held = (approvals: string) =>
    policyOf(`
approvers:
  ada: { keys: [{ publicKey: "${spkiOf(ada)}" }] }
  bob: { keys: [{ publicKey: "${spkiOf(ed25519())}" }] }
groups: { treasury: [ada, bob] }
statementKeys:
  ada: { publicKey: ${JSON.stringify(pemOf(ada))} }
  desk: { publicKey: ${JSON.stringify(pemOf(desk))} }
rules:
  - { id: large, when: { asset: ETH }, then: { action: RETRY, hold: { approvals: ${approvals} } } }
`)
  const request = (by?: Pair, amount = '1') => {
    const statement = {
      externalTxId: 'e-1',
      operation: 'TRANSFER',
      asset: 'ETH',
      source: 'VAULT:0',
      destination: 'VAULT:1',
      amount: '1',
      expiry: '2026-11-21T00:00:00Z',
    }
    const signed = by && {
      statement,
      statementSignature: sign(null, statementBytes(statement), by.privateKey).toString('base64'),
    }
    return requestOf({
      requestId: 'r',
      txId: 't',
      operation: 'TRANSFER',
      asset: 'ETH',
      sourceType: 'VAULT',
      sourceId: '0',
      externalTxId: 'e-1',
      amountStr: amount,
      destType: 'VAULT',
      destId: '1',
      ...(signed && { extraParameters: signed }),
    })
  }
  const holdOf = (approvals: string, by?: Pair, amount?: string) =>
    livePolicy(held(approvals), verifySignature).evaluate(request(by, amount), KNOWN).hold

  it('does not let the one approve whose statement asks for it', () => {
    const hold = holdOf('{ treasury: 1 }', ada)
    expect(hold?.people?.barred).toEqual(['ada'])
    expect(hold?.people?.approvers.map(({ name }) => name)).toEqual(['ada', 'bob'])
  })

  it('bars nobody for a statement of no approver, for none, or for one that is not valid', () => {
    for (const hold of [
      holdOf('{ treasury: 1 }', desk),
      holdOf('{ treasury: 1 }'),
      holdOf('{ treasury: 1 }', ada, '2'),
    ]) {
      expect(hold?.people?.groups).toHaveLength(1)
      expect(hold?.people?.barred).toBeUndefined()
    }
  })

  it('is as it was where names are enough', () => {
    const hold = holdOf('2', ada)
    expect(hold?.approvals).toBe(2)
    expect(hold?.people).toBeUndefined()
  })
})

describe('replay', () => {
  const policy = policyOf('rules: [{ id: eth, when: { asset: ETH }, then: APPROVE }]')
  const record = (
    seq: number,
    claims: unknown,
    action: RecordedRequest['action'],
    rule: string,
  ): RecordedRequest => ({
    seq,
    endpoint: 'tx_sign_request',
    claims: claims === undefined ? undefined : claimsOf(claims),
    known: KNOWN,
    action,
    rule,
  })

  it('counts what stays, and lists what would be decided differently', async () => {
    const eth = { requestId: 'r1', txId: 't', asset: 'ETH' }
    const btc = { requestId: 'r2', txId: 't', asset: 'BTC' }
    const result = await replay(
      policy,
      [
        record(1, eth, 'APPROVE', 'eth'),
        record(2, eth, 'APPROVE', 'old'),
        record(3, btc, 'APPROVE', 'old'),
        record(4, undefined, 'REJECT', 'x'),
        record(5, { txId: 't' }, 'REJECT', 'x'),
        record(6, { requestId: 'r3' }, 'REJECT', 'malformed'),
        {
          ...record(7, { requestId: 'r4', type: 'X', rawTx: [] }, 'RETRY', 'unreadable'),
          endpoint: 'config_change_sign_request',
        },
      ],
      verifySignature,
    )
    expect(result).toEqual({
      total: 7,
      same: 3,
      otherRule: [
        {
          seq: 2,
          requestId: 'r1',
          was: { action: 'APPROVE', rule: 'old' },
          now: { action: 'APPROVE', rule: 'eth' },
        },
      ],
      otherAction: [
        {
          seq: 3,
          requestId: 'r2',
          was: { action: 'APPROVE', rule: 'old' },
          now: { action: 'REJECT', rule: 'default' },
        },
      ],
      unreadable: [4, 5],
    })
  })
})

describe('policyJsonSchema', () => {
  it('is what `schema/policy.schema.json` holds: write it anew with `policy schema`', () => {
    const file = readFileSync(join(ROOT, 'schema/policy.schema.json'), 'utf8')
    expect(file).toBe(policyJsonSchema())
  })
})
