/**
 * Bugs seen in public callback handlers, one test each, where no other test has the story yet. SECURITY.md lists all of
 * them; the stories in test/handler/callback/answer-callback.test.ts, protocol/token.test.ts and protocol/request.test.ts are the rest.
 */
import { createPrivateKey } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { encryptPrivateKey } from '../../certs/generate.ts'
import { parseConfig } from '../../handler/config/config.ts'
import { BUILT_IN_ASSETS } from '../../handler/policy/chains/assets.ts'
import { verifyRawTx } from '../../handler/policy/rawtx/verify.ts'
import { checkStatement } from '../../handler/policy/statement.ts'
import {
  createSignatureVerifier,
  generateStatementKey,
  signStatement,
} from '../../handler/policy-files/statement-signature.ts'
import { claimsOf, startTestHandler, transfer } from '../fixtures/handler.ts'
import type { TestHandler } from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'
import { decimal, jsonValue, sampleRequest, txRequest } from '../fixtures/tx-request.ts'

const PATH = '/g1/v2/tx_sign_request'

async function actionOf(handler: TestHandler, claims: object): Promise<unknown> {
  return claimsOf((await handler.callback(claims)).body)['action']
}

describe('fireblocks/plugin-based-callback-handler', () => {
  // The Postgres adapter looked for `find_one` in the SQL text, so that no query ever ran and nothing was ever found.
  it('what was recorded is found again, by the next process too', async () => {
    const first = await startTestHandler()
    expect(await actionOf(first, transfer('a', '1'))).toBe('APPROVE')
    await first.stop()
    await writeFile(join(first.home, 'policy.yaml'), 'version: 1\ndefault: REJECT\n')
    const { home } = first
    const policy = await readFile(join(home, 'policy.yaml'), 'utf8')
    const second = await startTestHandler({ directory: home, policy })
    expect(await actionOf(second, transfer('a', '1'))).toBe('APPROVE')
    expect(await actionOf(second, transfer('b', '1'))).toBe('REJECT')
  })

  // Contract calls and one-time addresses met an attribute that did not exist: HTTP 500, and the transaction failed.
  it.each([
    { operation: 'CONTRACT_CALL', extraParameters: { contractCallData: '0xa9059cbb' } },
    { destType: 'ONE_TIME', destAddressType: 'ONE_TIME', destAddress: '0x00' },
    { operation: 'SOMETHING_NEW', destType: 'SOMEWHERE_NEW' },
  ])('requests of any kind get a signed decision: %j', async (more) => {
    const handler = await startTestHandler({ policy: 'version: 1\ndefault: REJECT\n' })
    const seen = await handler.callback(transfer('a', '1', more))
    expect([seen.status, claimsOf(seen.body)['action']]).toEqual([200, 'REJECT'])
  })

  // Spending was summed as doubles in a list in memory, once per plug-in that passed, and gone with the process.
  it('a limit is exact, spent by approvals only, and survives a restart', async () => {
    const policy = `version: 1
limits: { daily: { window: 24h, amount: "0.3" } }
rules:
  - id: barred
    when: { destination: { id: "9" } }
    then: REJECT
  - id: small
    when: { asset: ETH_TEST, amount: { max: "0.3" } }
    then: APPROVE
    require: { limits: daily }
`
    const first = await startTestHandler({ policy })
    expect(await actionOf(first, transfer('a', '0.1'))).toBe('APPROVE')
    expect(await actionOf(first, transfer('b', '0.2', { destId: '9' }))).toBe('REJECT')
    await first.stop()
    const second = await startTestHandler({ policy, directory: first.home })
    expect(await actionOf(second, transfer('c', '0.200000000000000001'))).toBe('REJECT')
    expect(await actionOf(second, transfer('d', '0.2'))).toBe('APPROVE')
    expect(await actionOf(second, transfer('e', '0.000000000000000001'))).toBe('REJECT')
  })

  // An extra signature was verified over a message of the caller's choice: one of them authorised everything.
  it('a signed statement vouches for the transaction that it describes, and for no other', () => {
    const key = generateStatementKey()
    const statement = {
      externalTxId: 'order-1',
      operation: 'TRANSFER',
      asset: 'ETH',
      amount: '0.01',
      source: 'VAULT:0',
      destination: 'VAULT:1',
      expiry: '2026-11-21T13:00:00Z',
    }
    const members = signStatement(statement, key.privateKeyPem)
    const request = (amount: string, externalTxId = 'order-1') =>
      txRequest({
        externalTxId,
        asset: 'ETH',
        amount: decimal(amount),
        destType: 'VAULT',
        destId: '1',
        extraParameters: {
          statement: jsonValue(members.statement),
          statementSignature: members.statementSignature,
        },
      })
    const check = (tx: ReturnType<typeof request>) =>
      checkStatement(
        tx,
        [{ name: 'treasury', publicKey: key.publicKeyPem }],
        new Date('2026-11-21T12:00:00Z'),
        createSignatureVerifier(),
      ).status
    expect(check(request('0.01'))).toBe('valid')
    expect(check(request('1'))).toBe('invalid')
    expect(check(request('0.01', 'order-2'))).toBe('invalid')
  })

  // Hashes were looked up in a PSBT whose outputs, amounts and fee nobody compared with the transaction.
  it('hashes that belong together prove nothing when they pay another', () => {
    const sample = sampleRequest('btcSegwit')
    const status = (change: object) => verifyRawTx({ ...sample, ...change }, BUILT_IN_ASSETS).status
    // All but that the address belongs to the vault account.
    expect(status({})).toBe('unproven')
    const [first] = sample.destinations ?? []
    const elsewhere = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    const destinations = [{ ...first, dstAddress: elsewhere, displayDstAddress: elsewhere }]
    expect(status({ destAddress: elsewhere, destinations })).toBe('unverifiable')
    expect(status({ amount: decimal('9'), requestedAmount: decimal('9') })).toBe('unverifiable')
    expect(status({ fee: decimal('0.9') })).toBe('unverifiable')
  })

  // The whole payload was printed.
  it('the log names a request, and holds nothing of its content', async () => {
    const handler = await startTestHandler()
    const content = { note: 'salary of somebody', destAddress: '0xfeed', externalTxId: 'order-77' }
    await handler.callback(transfer('a', '9', content))
    const log = JSON.stringify(handler.logs)
    expect(log).toContain('"requestId":"a"')
    for (const text of Object.values(content)) expect(log).not.toContain(text)
  })
})

describe('a handler with approval by chat', () => {
  // The token was checked for one content type only, and a failed check went on to the approving path as well.
  it.each([
    'application/json',
    'application/jwt',
    'text/plain',
    'application/x-www-form-urlencoded',
  ])('plain claims are 401, whatever they call themselves: %s', async (type) => {
    const handler = await startTestHandler()
    const body = JSON.stringify(transfer('a', '1'))
    const seen = await handler.post(PATH, body, { headers: { 'content-type': type } })
    expect([seen.status, seen.body]).toEqual([401, 'unauthorized\n'])
  })

  // People saw a request id and nothing else, and the answer to their button was kept under another name.
  it('who releases a held request sees what it moves, and that very request passes', async () => {
    const policy = `version: 1
rules: [{ id: large, when: { asset: ETH_TEST }, then: { action: RETRY, reason: ask, hold: {} } }]
`
    const handler = await startTestHandler({ policy })
    expect(await actionOf(handler, transfer('a', '9'))).toBe('RETRY')
    const { out } = await handler.command('hold', 'list', '--json')
    const { holds } = JSON.parse(out) as { holds: { id: string }[] }
    expect(out).toContain('TRANSFER 9 ETH_TEST from VAULT 0 to VAULT 1')
    const args = ['--by', 'alice', '--note', 'checked']
    const released = await handler.approveHold(holds[0]?.id ?? '', ...args)
    expect(released).toMatchObject({ exitCode: 0, err: '' })
    expect(await actionOf(handler, transfer('b', '9'))).toBe('RETRY')
    expect(await actionOf(handler, transfer('a', '9'))).toBe('APPROVE')
  })
})

describe('the vendor sample and levi0522/fireblocks-cosigner-callback-handler', () => {
  // The body was collected without a limit.
  it('a body beyond the limit is refused before it is read', async () => {
    const handler = await startTestHandler({ env: { HANDLER_MAX_BODY_BYTES: '4096' } })
    expect((await handler.post(PATH, 'x'.repeat(4_097))).status).toBe(413)
    expect((await handler.post(PATH, 'x'.repeat(4_096))).status).toBe(401)
  })
})

describe('MyJetWallet/Service.Fireblocks.CoSignerCallback', () => {
  // The initialisation vector was made `if (length == 0)` on an array of fixed length: it was always zero.
  it('two encryptions of one key have nothing in common', async () => {
    const { privateKeyPem } = await testKey()
    const [a, b] = await Promise.all([
      encryptPrivateKey(privateKeyPem, 'passphrase'),
      encryptPrivateKey(privateKeyPem, 'passphrase'),
    ])
    const tail = (pem: string) =>
      Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64').subarray(-1_200)
    const same = [...tail(a)].filter((byte, at) => byte === tail(b)[at]).length
    expect(same).toBeLessThan(50)
    const keys = [a, b].map((pem) => createPrivateKey({ key: pem, passphrase: 'passphrase' }))
    expect(keys[0]?.equals(keys[1] ?? createPrivateKey(privateKeyPem))).toBe(true)
  })

  // An unauthenticated call replaced both keys.
  it('no call replaces a key: the number of a generation stays with its first key', async () => {
    const handler = await startTestHandler()
    const generation = async () =>
      (await handler.admin('PUT', '/v1/generations/1', {})).json as { kid: string }
    const before = await generation()
    expect((await handler.post('/v1/generations/1', '{}', { method: 'PUT' })).status).toBe(404)
    expect(await generation()).toEqual(before)
  })
})

describe('mahiroaug/fireblocks-callbackhandler2', () => {
  // `ALLOW_ZERO_SIGNATURE=true` skipped verification.
  it('no setting of such a name exists, and an unknown one keeps the handler from starting', () => {
    const names = ['HANDLER_ALLOW_ZERO_SIGNATURE', 'HANDLER_INSECURE', 'HANDLER_SKIP_VERIFICATION']
    for (const name of names) {
      const parsed = parseConfig({ HANDLER_COSIGNER_KEYS: '/keys', [name]: 'true' })
      expect(JSON.stringify(parsed)).toContain(`\`${name}\`: no such setting`)
    }
  })
})

describe('a hosted callback tester', () => {
  // Only the first destination's amount was looked at.
  it('a second destination that no rule allows is never carried by the first', async () => {
    const policy = `version: 1
rules: [{ id: one, when: { destination: { id: "1" } }, then: APPROVE }]
`
    const handler = await startTestHandler({ policy })
    const to = (dstId: string) => ({ dstType: 'VAULT', dstId, amountNativeStr: '0.5' })
    const batch = (...ids: string[]) => ({ destId: ids[0], destinations: ids.map(to) })
    expect(await actionOf(handler, transfer('a', '1', batch('1', '1')))).toBe('APPROVE')
    expect(await actionOf(handler, transfer('b', '1', batch('1', '2')))).toBe('REJECT')
    expect(await actionOf(handler, transfer('c', '1', batch('2', '1')))).toBe('REJECT')
  })
})

describe('fireblocks/eth_tx_validation', () => {
  // Only `rawTx[0]` was checked, as EIP-1559, with doubles.
  it('every raw transaction counts, and the last digit of the amount', () => {
    const sample = sampleRequest('ethExact')
    const status = (change: object) => verifyRawTx({ ...sample, ...change }, BUILT_IN_ASSETS).status
    expect(status({})).toBe('unproven')
    const [first] = sample.rawTx ?? []
    expect(status({ rawTx: [first, { ...first, payload: '00'.repeat(32) }] })).toBe('mismatch')
    const amount = decimal('0.010000000000000001')
    const destinations = (sample.destinations ?? []).map((each) => ({
      ...each,
      amountNative: amount,
    }))
    expect(status({ amount, requestedAmount: amount, destinations })).toBe('mismatch')
  })
})

describe('FordefiHQ/api-examples', () => {
  // The first hop of X-Forwarded-For was believed.
  it('a forwarded address opens nothing', async () => {
    const handler = await startTestHandler({ env: { HANDLER_ALLOWED_CIDRS: '10.0.0.0/8' } })
    const headers = { 'x-forwarded-for': '10.0.0.1', forwarded: 'for=10.0.0.1' }
    await expect(handler.post(PATH, 'x', { headers })).rejects.toThrow(/ECONNRESET|socket|TLS/)
  })

  // A call whose selector nobody knew was let through unless a rule named it.
  it('a call with a selector that no rule names is refused', async () => {
    const policy = `version: 1
rules: [{ id: pay, when: { operation: CONTRACT_CALL, contractCall: { selector: "0xa9059cbb" } }, then: APPROVE }]
`
    const handler = await startTestHandler({ policy })
    const call = (contractCallData: string) => ({
      operation: 'CONTRACT_CALL',
      extraParameters: { contractCallData },
    })
    expect(await actionOf(handler, transfer('a', '0', call('0xa9059cbb')))).toBe('APPROVE')
    expect(await actionOf(handler, transfer('b', '0', call('0x12345678')))).toBe('REJECT')
    expect(await actionOf(handler, transfer('c', '0', call('0x')))).toBe('REJECT')
  })
})
