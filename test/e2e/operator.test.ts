/** What people do to a handler that runs, over its real admin socket: holds, freeze, limits, reload, shadow, hooks. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { HoldInfo, HoldList, LimitList } from '../../common/admin-api.ts'
import { openReadOnly } from '../../handler/decisions/sqlite/database.ts'
import { parseBody } from '../../handler/decisions/record.ts'
import type { DecisionContent } from '../../handler/decisions/decision-fields.ts'
import { evmRawTx } from '../fixtures/evm-bytes.ts'
import { claimsOf, startTestHandler, transfer } from '../fixtures/handler.ts'
import type { TestHandler } from '../fixtures/handler.ts'
import { hookService, says } from '../fixtures/hook-service.ts'
import { movedClock } from '../fixtures/moved-clock.ts'

const POLICY = `version: 1
default: REJECT
limits: { daily: { window: 24h, count: 5, amount: "10", by: [asset, source] } }
rules:
  - id: small
    when: { asset: ETH_TEST, amount: { max: "1" } }
    then: APPROVE
    require: { limits: daily }
  - id: large
    when: { asset: ETH_TEST, amount: { max: "100" } }
    then: { action: RETRY, reason: a person is asked, hold: {} }
  - id: huge
    when: { asset: ETH_TEST }
    then: { action: RETRY, reason: two people are asked, hold: { approvals: 2, expires: 2h, onExpiry: REJECT } }
`

const BOTH_STAGES = `version: 1
rules:
  - id: huge
    when: { operation: TRANSFER, asset: ETH }
    then: { action: RETRY, reason: two people are asked, hold: { approvals: 2 } }
    require: { limits: none }
`

async function ask(handler: TestHandler, claims: object): Promise<string> {
  const { action, rejectionReason } = claimsOf((await handler.callback(claims)).body)
  return rejectionReason === undefined
    ? String(action)
    : `${String(action)} ${String(rejectionReason)}`
}

async function holds(handler: TestHandler): Promise<readonly HoldInfo[]> {
  const { out, exitCode } = await handler.command('hold', 'list', '--json')
  expect(exitCode).toBe(0)
  return (JSON.parse(out) as HoldList).holds
}

async function onlyHold(handler: TestHandler): Promise<HoldInfo> {
  const [hold, ...more] = await holds(handler)
  if (hold === undefined || more.length > 0) throw new Error('one hold was expected')
  return hold
}

async function verifyAudit(handler: TestHandler): Promise<void> {
  await handler.stop()
  expect(await handler.command('audit', 'verify', '--json')).toMatchObject({ exitCode: 0, err: '' })
}

function decisionsOf(handler: TestHandler): DecisionContent[] {
  const db = openReadOnly(join(handler.stateDir, 'decisions.db'))
  try {
    const rows = db.prepare<[], string>('SELECT body FROM chain ORDER BY seq').pluck().all()
    return rows.map(parseBody).flatMap((body) => (body.kind === 'decision' ? [body] : []))
  } finally {
    db.close()
  }
}

describe('a held request', () => {
  it('waits for one person, passes once, and the audit chain says who released it', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    expect(await ask(handler, transfer('a', '50'))).toBe('RETRY a person is asked')
    const hold = await onlyHold(handler)
    expect(hold).toMatchObject({
      state: 'waiting',
      approvals: [],
      approvalsWanted: 1,
      rejectedBy: null,
      summary:
        'TRANSFER 50 ETH_TEST from VAULT 0 to VAULT 1 (request a, approval stage, rule large)',
    })
    expect(Date.parse(hold.retryUntil) - Date.parse(hold.openedAt)).toBe(3_600_000)
    const { out } = await handler.command('hold', 'list')
    expect(out).toMatch(
      /^ID +STATE +APPROVED +EXPIRES IN +ASKED FOR +WHAT\n[0-9a-f]{16} +waiting +0 of 1 +23h 59m +59m +TRANSFER 50/,
    )
    const done = await handler.approveHold(hold.id.slice(0, 6), '--by', 'alice', '--note', 'called')
    expect(done).toMatchObject({ exitCode: 0, out: expect.stringContaining(`${hold.id} released`) })
    expect((await onlyHold(handler)).state).toBe('released')
    expect(await ask(handler, transfer('a', '50'))).toBe('APPROVE')
    expect(await holds(handler)).toEqual([])
    expect(await ask(handler, transfer('b', '50'))).toBe('RETRY a person is asked')
    const again = await handler.approveHold(hold.id, '--by', 'bob')
    expect(again).toMatchObject({
      exitCode: 1,
      err: `error: the handler refuses: the hold \`${hold.id}\` is used\n`,
    })
    // Nothing said that a request was held: its line was that of any RETRY.
    const lines = handler.logs.filter(
      ({ msg, requestId }) => msg === 'decided' && requestId === 'a',
    )
    expect(lines.map((line) => line['hold'])).toEqual([hold.id, hold.id])
    const [, approval] = decisionsOf(handler)
    expect(approval).toMatchObject({ action: 'APPROVE', rule: 'large', used: [`hold:${hold.id}`] })
    await verifyAudit(handler)
  })

  // A rule of both stages asked people twice about each transaction.
  it('is released for both stages, when the bytes prove what people saw', async () => {
    const handler = await startTestHandler({ policy: BOTH_STAGES })
    const [id, amount] = ['a', '5']
    const to = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
    const account = { destType: 'ONE_TIME_ADDRESS', destId: '', destAddress: to }
    const asked = transfer(id, amount, { asset: 'ETH', requestedAmountStr: amount, ...account })
    const signed = { ...asked, fee: '0.00021', rawTx: evmRawTx({ to, amount }) }
    expect(await ask(handler, asked)).toBe('RETRY two people are asked')
    const hold = await onlyHold(handler)
    const { out: shown } = await handler.command('hold', 'show', hold.id)
    expect(shown).toMatch(/a release is good for +│ this request, and its signing request if/)
    await handler.approveHold(hold.id, '--by', 'alice')
    await handler.approveHold(hold.id, '--by', 'bob')
    expect(await ask(handler, asked)).toBe('APPROVE')
    expect(await ask(handler, signed)).toBe('APPROVE')
    const other = { ...signed, rawTx: evmRawTx({ to, amount, nonce: 1n }) }
    expect(await ask(handler, other)).toBe('RETRY two people are asked')
    expect(decisionsOf(handler)[2]).toMatchObject({
      stage: 'signing',
      action: 'APPROVE',
      reason: 'released at the approval stage',
      hold: hold.id,
      used: [`carried:${hold.id}`],
    })
    const { out } = await handler.command('audit', 'show', hold.id)
    expect(out).toContain(`carried:${hold.id}`)
    await verifyAudit(handler)
  })

  it('waits for a second person where the rule says so', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    await ask(handler, transfer('a', '500'))
    const { id } = await onlyHold(handler)
    const first = await handler.approveHold(id, '--by', 'Alice')
    expect(first.out).toContain('approved, 1 more person must approve')
    expect(await ask(handler, transfer('a', '500'))).toBe('RETRY two people are asked')
    const same = await handler.approveHold(id, '--by', ' alice ')
    expect(same).toMatchObject({ exitCode: 1, err: expect.stringContaining('has approved') })
    await handler.approveHold(id, '--by', 'bob')
    expect(await onlyHold(handler)).toMatchObject({
      state: 'released',
      approvals: ['Alice', 'bob'],
    })
    expect(await ask(handler, transfer('a', '500'))).toBe('APPROVE')
  })

  it('is refused for good when somebody rejects it, even after its release', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    await ask(handler, transfer('a', '50'))
    const { id } = await onlyHold(handler)
    await handler.approveHold(id, '--by', 'alice')
    const done = await handler.command('hold', 'reject', id, '--by', 'bob', '--json')
    expect(JSON.parse(done.out)).toMatchObject({ state: 'rejected', rejectedBy: 'bob' })
    expect(await ask(handler, transfer('a', '50'))).toBe('REJECT HOLD_REJECTED')
  })

  it('expires, also when it was released, and the list warns before that when nobody asks any more', async () => {
    const clock = movedClock()
    const env = { HANDLER_COSIGNER_RETRY_MINUTES: '30' }
    const handler = await startTestHandler({ policy: POLICY, clock, env })
    await ask(handler, transfer('a', '500'))
    clock.advance(31 * 60_000)
    const { out, err } = await handler.command('hold', 'list')
    expect(out).toMatch(/ 1h 28m +over +TRANSFER/)
    expect(err).toContain('the co-signer has probably given up')
    const { id } = await onlyHold(handler)
    await handler.approveHold(id, '--by', 'alice')
    await handler.approveHold(id, '--by', 'bob')
    clock.advance(90 * 60_000)
    expect(await holds(handler)).toEqual([])
    expect(await ask(handler, transfer('a', '500'))).toBe('REJECT HOLD_EXPIRED')
  })

  it('cannot be settled by an unknown id, a name that is none, or without a handler', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    const settle = (...more: string[]) =>
      handler.command('hold', 'approve', ...more, '--digest', '0'.repeat(20))
    expect(await settle('abcd')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('no hold begins'),
    })
    expect(await settle('0123456789abcdef')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('no hold has the id'),
    })
    expect(await settle('0123456789abcdef', '--by', 'a\nb')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('invalid body at `by`'),
    })
    const nowhere = await handler.command('hold', 'list', '--state-dir', '/nonexistent')
    expect(nowhere).toMatchObject({
      exitCode: 4,
      err: expect.stringContaining('no handler answers at `/nonexistent/admin.sock` (ENOENT)'),
    })
    expect((await handler.command('hold', 'list')).out).toBe('nothing is held\n')
    expect((await handler.admin('PUT', '/v1/holds')).status).toBe(404)
  })
})

describe('what people see before they approve', () => {
  /** Story: the list showed the first destination and "and 1 more"; the other one got 49 of 50 ETH. */
  const txId = 'tx-batch'
  const BATCH = {
    ...transfer('batch', '50'),
    txId,
    destinations: [
      { amountNativeStr: '1', dstType: 'VAULT', dstId: '1', dstName: 'Supplier' },
      { amountNativeStr: '49', dstType: 'VAULT', dstId: '2', dstName: 'x\nDestination 1 of 1' },
    ],
  }

  it('is every destination, on a terminal, and a no approves nothing', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    await ask(handler, BATCH)
    const { id } = await onlyHold(handler)
    const refused = await handler.commandAt(false, 'hold', 'approve', id, '--by', 'alice')
    expect(refused).toMatchObject({
      exitCode: 2,
      out: '',
      err: expect.stringContaining('nothing was approved'),
    })
    expect(refused.err).toMatch(/^Destination 2 of 2\n(?: {2}.*\n)*? {2}amountNativeStr +│ 49$/m)
    expect(refused.err).not.toMatch(/^Destination 1 of 1/m)
    expect(await onlyHold(handler)).toMatchObject({ state: 'waiting', approvals: [] })
    const done = await handler.commandAt(true, 'hold', 'approve', id, '--by', 'alice')
    expect(done).toMatchObject({ exitCode: 0, out: expect.stringContaining('released') })
    expect(await ask(handler, BATCH)).toBe('APPROVE')
  })

  it('is a call in words where an ABI file has its function, from the next reload on', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    const call = {
      ...transfer('a', '50'),
      operation: 'CONTRACT_CALL',
      extraParameters: { contractCallData: `2e1a7d4d${'00'.repeat(31)}07` },
    }
    await ask(handler, call)
    const { id } = await onlyHold(handler)
    const shown = async () => (await handler.command('hold', 'show', id)).out
    expect(await shown()).toContain('unknown, selector 0x2e1a7d4d')
    const withdraw = { type: 'function', name: 'withdraw', inputs: [{ name: 'wad', type: 'uint' }] }
    await writeFile(join(handler.home, 'weth.abi.json'), JSON.stringify([withdraw]))
    await writeFile(join(handler.home, 'policy.yaml'), `${POLICY}abiFiles: weth.abi.json\n`)
    await handler.command('policy', 'reload')
    expect(await shown()).toMatch(/│ withdraw\(uint256 wad\) \(by weth\.abi\.json\)\n.*│ 7\n/)
  })

  it('has a digest, which a script gives back; without one nothing is approved', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    await ask(handler, BATCH)
    const { id } = await onlyHold(handler)
    const { out } = await handler.command('hold', 'show', id)
    const digest = /^Digest ((?:[0-9a-f]{4} ){4}[0-9a-f]{4})$/m.exec(out)?.[1] ?? ''
    const other = digest.replace(/^./, digest.startsWith('0') ? '1' : '0')
    expect(await handler.command('hold', 'approve', id, '--digest', other)).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('is not what that digest was shown for'),
    })
    const joined = digest.replaceAll(' ', '').toUpperCase()
    expect(await handler.command('hold', 'approve', id, '--digest', joined)).toMatchObject({
      exitCode: 0,
    })
    await ask(handler, transfer('b', '50'))
    const { id: next = '' } = (await holds(handler)).find(({ state }) => state === 'waiting') ?? {}
    expect(await handler.command('hold', 'approve', next)).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/nobody was shown [^]*`hold show [0-9a-f]{16}`/),
    })
    expect((await holds(handler)).map(({ approvals }) => approvals)).toContainEqual([])
  })

  it('is told afterwards by transaction, request and hold: who, when, which rule, what was signed', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    await ask(handler, transfer('other', '50'))
    await ask(handler, BATCH)
    const list = await holds(handler)
    const { id = '' } = list.find(({ summary }) => summary.includes('batch')) ?? {}
    await handler.approveHold(id, '--by', 'alice', '--note', 'called the supplier')
    expect(await ask(handler, BATCH)).toBe('APPROVE')
    await handler.stop()
    const stories: { id: string; records: { seq: number }[]; checkpointSeq: number }[] = []
    for (const name of [txId, 'batch', id]) {
      const { exitCode, out } = await handler.command('audit', 'show', name, '--json')
      expect(exitCode).toBe(0)
      stories.push({ ...(JSON.parse(out) as (typeof stories)[0]), id: '' })
    }
    const [story] = stories
    if (story === undefined) throw new Error('no story')
    expect(story.records).toMatchObject([
      { kind: 'decision', action: 'RETRY', rule: 'large', requestId: 'batch' },
      {
        kind: 'operator',
        act: 'hold-approve',
        by: 'alice',
        subject: id,
        note: 'called the supplier',
      },
      { kind: 'decision', action: 'APPROVE', used: [`hold:${id}`] },
    ])
    expect(stories).toEqual([story, story, story])
    expect(story.checkpointSeq).toBeGreaterThan(story.records.at(-1)?.seq ?? Infinity)
    const { out } = await handler.command('audit', 'show', txId)
    expect(out).toMatch(/^Record \d+, \S+Z: hold-approve\n(?: {2}.*\n)*? {2}by +│ alice$/m)
    expect(out).toMatch(/^Destination 2 of 2$/m)
    expect(out).toMatch(
      /\n3 records, signed by the checkpoint in record \d+; `audit verify` checks them\n$/,
    )
    expect(await handler.command('audit', 'show', 'nobody')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('nothing is on record about `nobody`'),
    })
  })

  it('outlives a restart, and twenty other requests', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    await ask(handler, transfer('before', '50'))
    for (let i = 0; i < 20; i += 1) await ask(handler, transfer(`small-${i}`, '1'))
    await ask(handler, BATCH)
    await handler.stop()
    const again = await startTestHandler({ policy: POLICY, directory: handler.home })
    const { out } = await again.command('hold', 'list', '--json')
    for (const { id, summary } of (JSON.parse(out) as HoldList).holds) {
      const shown = await again.command('hold', 'show', id)
      expect(shown.out).toContain(
        `requestId                │ ${summary.includes('batch') ? 'batch' : 'before'}`,
      )
    }
  })
})

describe('a freeze', () => {
  it('approves nothing, is seen everywhere, survives a restart, and ends', async () => {
    const first = await startTestHandler({ policy: POLICY })
    expect(await ask(first, transfer('before', '1'))).toBe('APPROVE')
    const done = await first.command('freeze', '--reason', 'incident 7', '--by', 'alice')
    expect(done).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(
        /^frozen since .* by alice: new requests get RETRY: incident 7\n$/,
      ),
    })
    expect(await ask(first, transfer('a', '1'))).toBe('RETRY FROZEN')
    expect(await ask(first, transfer('before', '1'))).toBe('RETRY FROZEN')
    await first.stop()
    const handler = await startTestHandler({ policy: POLICY, directory: first.home })
    expect(await ask(handler, transfer('a', '1'))).toBe('RETRY FROZEN')
    const notice = expect.stringMatching(
      /^frozen: every new request gets RETRY since .*, by alice: incident 7$/,
    )
    expect(handler.logs).toContainEqual(expect.objectContaining({ level: 'warn', msg: notice }))
    const ready = await handler.ops('/readyz')
    expect([ready.status, JSON.parse(ready.body)]).toEqual([
      200,
      { ready: true, problems: [], notices: [notice] },
    ])
    expect((await handler.admin('GET', '/v1/status')).json).toMatchObject({
      ready: true,
      notices: [notice],
    })
    expect((await handler.ops('/metrics')).body).toContain('countersign_frozen{action="RETRY"} 1')
    expect((await handler.command('freeze', 'status')).out).toContain('incident 7')
    expect((await handler.command('unfreeze', '--by', 'bob')).out).toBe('not frozen\n')
    expect(await ask(handler, transfer('a', '1'))).toBe('APPROVE')
    expect(await ask(handler, transfer('before', '1'))).toBe('APPROVE')
    expect(JSON.parse((await handler.command('freeze', 'status', '--json')).out)).toEqual({
      freeze: null,
    })
    await verifyAudit(handler)
  })

  it('by a second person never weakens the first, shows both, and ends with a reason', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    const freeze = (...flags: string[]) => handler.command('freeze', ...flags)
    await freeze('--action', 'REJECT', '--reason', 'key compromised', '--by', 'alice')
    const second = await freeze('--reason', 'checking', '--by', 'bob')
    expect(second.exitCode).toBe(0)
    expect(second.out).toMatch(
      /^frozen since .* by alice: new requests get REJECT: key compromised\nalso at .* by bob: RETRY: checking\n$/,
    )
    expect(second.err).toMatch(/^warning: new requests still get REJECT: /)
    expect(await ask(handler, transfer('a', '1'))).toBe('REJECT FROZEN')
    const { notices } = JSON.parse((await handler.ops('/readyz')).body) as { notices: string[] }
    expect(notices).toEqual([
      expect.stringContaining('by alice: key compromised'),
      expect.stringContaining('by bob: checking'),
    ])
    const weaker = await freeze('--reason', 'false alarm', '--by', 'alice', '--replace')
    expect(weaker).toMatchObject({
      err: '',
      out: expect.stringContaining('new requests get RETRY'),
    })
    expect(await ask(handler, transfer('b', '1'))).toBe('RETRY FROZEN')
    await handler.command('unfreeze', '--by', 'carol', '--reason', 'key replaced')
    const { out } = await handler.command('audit', 'export', '--with-evidence')
    expect(out).toContain(
      String.raw`\"act\":\"unfreeze\",\"by\":\"carol\",\"subject\":\"\",\"note\":\"key replaced\"`,
    )
    await verifyAudit(handler)
  })

  it('can refuse instead, and requires a reason', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    expect(await handler.command('freeze')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('`--reason` is required'),
    })
    expect(await handler.command('freeze', '--action', 'APPROVE', '--reason', 'x')).toMatchObject({
      exitCode: 2,
    })
    await handler.command('freeze', '--action', 'REJECT', '--reason', 'x')
    expect(await ask(handler, transfer('a', '1'))).toBe('REJECT FROZEN')
  })
})

describe('limits', () => {
  it('are shown as they count, and given back for a transaction that failed', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    expect((await handler.command('limits', 'list')).out).toBe('nothing counts at this moment\n')
    for (const id of ['a', 'b', 'c', 'd', 'e']) await ask(handler, transfer(id, '0.5'))
    expect(await ask(handler, transfer('f', '0.5'))).toBe('REJECT limit reached')
    const { out } = await handler.command('limits', 'list')
    expect(out).toBe(
      'LIMIT  KEY                            WINDOW  COUNT   AMOUNT\n' +
        'daily  asset=ETH_TEST|source=VAULT:0  24h     5 of 5  2.5 of 10\n',
    )
    const done = await handler.command('limits', 'release', 'b', '--note', 'failed on chain')
    expect(done).toMatchObject({
      exitCode: 0,
      out: 'released daily asset=ETH_TEST|source=VAULT:0: 0.5\n',
    })
    const { limits } = JSON.parse(
      (await handler.command('limits', 'list', '--json')).out,
    ) as LimitList
    expect(limits).toMatchObject([{ limit: 'daily', count: 4, amount: '2', maxCount: 5 }])
    expect(await ask(handler, transfer('g', '0.5'))).toBe('APPROVE')
    expect(await handler.command('limits', 'release', 'b')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('was charged nothing'),
    })
    await verifyAudit(handler)
  })
})

describe('a reload', () => {
  it('takes a good file over at once, and keeps the last good one when it is not', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    const file = join(handler.home, 'policy.yaml')
    expect((await handler.command('policy', 'reload')).out).toMatch(
      /^policy unchanged: 3 rules, digest [0-9a-f]{64}\n$/,
    )
    await writeFile(
      file,
      `${POLICY}tests: [{ name: t, request: { asset: ETH_TEST }, expect: { action: APPROVE } }]\n`,
    )
    const refused = await handler.command('policy', 'reload')
    expect(refused).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('test `t` expects APPROVE'),
      out: expect.stringMatching(/^policy refused, the old one stays: 3 rules/),
    })
    expect(await ask(handler, transfer('a', '1'))).toBe('APPROVE')
    const ready = JSON.parse((await handler.ops('/readyz')).body) as {
      ready: boolean
      notices: string[]
    }
    expect(ready).toMatchObject({
      ready: true,
      notices: [
        expect.stringMatching(
          /^policy: the file is refused and the policy taken over at .* decides: policy.yaml:/,
        ),
      ],
    })
    const metrics = (await handler.ops('/metrics')).body
    expect(metrics).toContain('countersign_policy_reload_failures_total 1')
    expect(metrics).toContain('countersign_policy_problems 1')
    await writeFile(file, 'version: 1\ndefault: RETRY\n')
    const swapped = await handler.command('policy', 'reload', '--json')
    expect(JSON.parse(swapped.out)).toMatchObject({
      policy: { outcome: 'swapped', rules: 0, problems: [] },
      shadow: null,
    })
    expect(await ask(handler, transfer('b', '1'))).toBe('RETRY no rule matched')
    expect((await handler.ops('/readyz')).body).toBe('{"ready":true,"problems":[],"notices":[]}\n')
  })

  it('under load leaves no decision that its own policy does not explain', async () => {
    const approving = 'version: 1\nrules: [{ id: yes, when: { asset: ETH_TEST }, then: APPROVE }]\n'
    const refusing = 'version: 1\nrules: [{ id: no, when: { asset: ETH_TEST }, then: REJECT }]\n'
    const handler = await startTestHandler({ policy: approving })
    const file = join(handler.home, 'policy.yaml')
    let done = false
    const digests = new Map<string, string>()
    const flip = async () => {
      for (let n = 0; !done; n += 1) {
        await writeFile(file, n % 2 === 0 ? refusing : approving)
        const { json } = await handler.admin('POST', '/v1/policy/reload')
        const { policy } = json as { policy: { digest: string; outcome: string } }
        if (policy.outcome !== 'kept') digests.set(policy.digest, n % 2 === 0 ? 'no' : 'yes')
      }
    }
    const flipping = flip()
    const callers = Array.from({ length: 4 }, async (_, caller) => {
      for (let n = 0; n < 40; n += 1) await ask(handler, transfer(`${caller}-${n}`, '1'))
    })
    await Promise.all(callers)
    done = true
    await flipping
    const decisions = decisionsOf(handler)
    expect(decisions.length).toBe(160)
    expect(
      decisions.filter(({ rule, policyDigest }) => digests.get(policyDigest) !== rule),
    ).toEqual([])
    expect(new Set(decisions.map(({ rule }) => rule)).size).toBe(2)
  })
})

describe('drift that `doctor` found', () => {
  const path = '/v1/pairings/cosigner/key/drift'

  it('is a notice until `doctor` takes it back', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    const notices = async () => {
      const { body } = await handler.ops('/readyz')
      return (JSON.parse(body) as { notices: readonly string[] }).notices
    }
    await handler.admin('POST', path, { drift: 'NO CALLBACK HANDLER IS PAIRED' })
    await handler.admin('POST', path, { drift: 'the co-signer asks another handler' })
    expect(await notices()).toEqual([
      expect.stringMatching(
        /^drift of pairing cosigner\/key: the co-signer asks another handler \(seen at .*Z\)$/,
      ),
    ])
    await handler.admin('POST', path, { drift: null })
    expect(await notices()).toEqual([])
  })

  it.each([{}, { drift: '' }, { drift: 'two\nlines' }, { drift: 'x'.repeat(501) }])(
    'is one line, not %j',
    async (body) => {
      const handler = await startTestHandler({ policy: POLICY })
      expect(await handler.admin('POST', path, body)).toMatchObject({ status: 400 })
    },
  )
})

describe('a shadow policy', () => {
  const SHADOW = 'version: 1\nrules: [{ id: all, when: { asset: ETH_TEST }, then: APPROVE }]\n'

  it('never changes an answer, and is on record wherever it differs', async () => {
    const first = await startTestHandler({ policy: POLICY })
    await first.stop()
    const file = join(first.home, 'shadow.yaml')
    await writeFile(file, SHADOW)
    const env = { HANDLER_SHADOW_POLICY_FILE: file }
    const handler = await startTestHandler({ policy: POLICY, directory: first.home, env })
    expect(await ask(handler, transfer('a', '1'))).toBe('APPROVE')
    expect(await ask(handler, transfer('b', '50'))).toBe('RETRY a person is asked')
    expect(await ask(handler, transfer('b', '50'))).toBe('RETRY a person is asked')
    expect(await ask(handler, transfer('c', '1', { asset: 'BTC_TEST' }))).toBe(
      'REJECT no rule matched',
    )
    const { out } = await handler.command('policy', 'shadow-report')
    expect(out).toMatch(
      /^shadow policy [0-9a-f]{64}: 3 requests, 1 decided alike\nLIVE +SHADOW +REQUESTS +FIRST RECORD +REQUEST\nAPPROVE small +APPROVE all +1 +\d+ +a\nRETRY large +APPROVE all +1 +\d+ +b\n$/,
    )
    expect(
      JSON.parse((await handler.command('policy', 'shadow-report', '--json')).out),
    ).toMatchObject({
      requests: 3,
      same: 1,
      differences: [
        { liveRule: 'small', rule: 'all' },
        { liveRule: 'large', action: 'APPROVE' },
      ],
    })
    expect(handler.logs.filter(({ msg }) => msg === 'the shadow policy differs').length).toBe(3)
    expect((await handler.ops('/metrics')).body).toContain(
      'countersign_shadow_decisions_total{live_action="RETRY",live_rule="large",shadow_action="APPROVE",shadow_rule="all"} 2',
    )
    const exported = await handler.command('audit', 'export')
    expect(exported.out).toContain('"shadow":{"digest":')
    await verifyAudit(handler)
  })

  it('that cannot be used keeps nothing from starting, and is followed once it can', async () => {
    const env = { HANDLER_SHADOW_POLICY_FILE: '/nonexistent/shadow.yaml' }
    const handler = await startTestHandler({ policy: POLICY, env })
    expect(await ask(handler, transfer('a', '1'))).toBe('APPROVE')
    expect(JSON.parse((await handler.ops('/readyz')).body)).toMatchObject({
      ready: true,
      notices: [
        expect.stringContaining('shadow policy: the file is refused and it is not followed'),
      ],
    })
    const again = await handler.command('policy', 'reload')
    expect(again).toMatchObject({
      exitCode: 2,
      out: expect.stringContaining('shadow policy refused'),
    })
    expect((await handler.command('policy', 'shadow-report')).out).toBe(
      'no shadow policy was recorded\n',
    )
  })
})

describe('a hook of the policy', () => {
  const policy = (url: string) => `version: 1
hooks: { screening: { url: "${url}", timeout: 20s, budget: 10m, fallback: REJECT } }
rules: [{ id: r, when: { asset: ETH_TEST }, then: APPROVE, require: { hook: screening } }]
`
  const silent = (response: { destroy(): unknown }) => void response.destroy()

  it('decides, and its silence is RETRY until its budget has passed since the first delivery', async () => {
    const clock = movedClock()
    const service = await hookService()
    const first = await startTestHandler({ policy: policy(service.url), clock })
    expect(await ask(first, transfer('a', '1'))).toBe('APPROVE')
    service.answer = says({ decision: 'deny' })
    expect(await ask(first, transfer('b', '1'))).toBe('REJECT not allowed by the hook')
    service.answer = silent
    expect(await ask(first, transfer('c', '1'))).toBe('RETRY HOOK_NO_ANSWER')
    expect(await ask(first, transfer('d', '1'))).toBe('RETRY HOOK_NO_ANSWER')
    clock.advance(9 * 60_000)
    await first.stop()
    const handler = await startTestHandler({
      policy: policy(service.url),
      clock,
      directory: first.home,
    })
    expect(await ask(handler, transfer('c', '1'))).toBe('RETRY HOOK_NO_ANSWER')
    service.answer = says({ decision: 'allow' })
    expect(await ask(handler, transfer('c', '1'))).toBe('APPROVE')
    service.answer = silent
    clock.advance(61_000)
    expect(await ask(handler, transfer('d', '1'))).toBe('REJECT HOOK_BUDGET_SPENT')
    expect(await ask(handler, transfer('e', '1'))).toBe('RETRY HOOK_NO_ANSWER')
    const metrics = (await handler.ops('/metrics')).body
    expect(metrics).toContain(
      'countersign_hook_calls_total{hook="screening",outcome="no-answer"} 3',
    )
  })
})

describe('a replay', () => {
  it('works beside the running handler and after it, as a table and as JSON', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    await ask(handler, transfer('a', '1'))
    await ask(handler, transfer('b', '50'))
    const file = join(handler.home, 'new.yaml')
    await writeFile(
      file,
      'version: 1\nrules: [{ id: small, when: { amount: { max: "1" } }, then: APPROVE }]\n',
    )
    const replay = (...more: string[]) =>
      handler.command('policy', 'replay', '--policy', file, ...more)
    const running = await replay()
    expect(running).toMatchObject({ exitCode: 0, err: '' })
    expect(running.out).toContain(
      '2 decisions: 1 the same, 0 by another rule, 1 with another action',
    )
    expect(running.out).toMatch(
      /record +request +was +would be\n\d+ +b +RETRY large +REJECT default/,
    )
    await handler.stop()
    const stopped = await replay('--json')
    expect(JSON.parse(stopped.out)).toMatchObject({
      total: 2,
      same: 1,
      otherAction: [{ requestId: 'b' }],
    })
  })
})

describe('a probe of the bootstrapper', () => {
  // `doctor --watch 5m` was a permanent false alarm: a warning and a counted refusal each time.
  it('is refused as any unsigned request, and neither counted nor warned of', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    const probe = await handler.post('/g1/v2/tx_sign_request', 'countersign probe')
    const other = await handler.post('/g1/v2/tx_sign_request', 'countersign probes')
    expect([probe.status, probe.body]).toEqual([other.status, other.body])
    const refused = handler.logs.filter(({ msg }) => msg === 'refused')
    expect(refused.map(({ level, code }) => [level, code])).toEqual([
      ['debug', 'ERR_PROBE'],
      ['warn', 'ERR_TOKEN_MALFORMED'],
    ])
    const { body } = await handler.ops('/metrics')
    expect(body).toContain('ERR_TOKEN_MALFORMED')
    expect(body).not.toContain('ERR_PROBE')
  })
})

describe('a certificate that is due', () => {
  it('is in the notices of `/readyz` and the status before it expires', async () => {
    const clock = movedClock()
    const handler = await startTestHandler({ policy: POLICY, clock })
    const noticesNow = async () =>
      (JSON.parse((await handler.ops('/readyz')).body) as { notices: string[] }).notices
    expect(await noticesNow()).toEqual([])
    const { json } = await handler.admin('GET', '/v1/status')
    const [info] = (json as { generations: { notAfter: string }[] }).generations
    clock.advance(Date.parse(info?.notAfter ?? '') - clock.now().getTime() - 4 * 86_400_000)
    const due = expect.stringMatching(/^certificate of generation 1: expires in (?:4d|3d 23h), run/)
    expect(await noticesNow()).toEqual([due])
    expect((await handler.admin('GET', '/v1/status')).json).toMatchObject({ notices: [due] })
  })
})

/** Two rules that hold, and one limit that both and the small ones share. */
const LIMITED = `version: 1
default: REJECT
limits:
  daily: { window: 24h, amount: "10", by: source }
  few: { window: 24h, count: 5 }
rules:
  - { id: small, when: { asset: ETH_TEST, amount: { max: "5" } }, then: APPROVE, require: { limits: [daily, few] } }
  - { id: large, when: { asset: ETH_TEST }, then: { action: RETRY, hold: {} }, require: { limits: [daily, few] } }
`

// People approved, and nothing came of it: the limit was full before they were asked.
describe('a hold whose limit is full', () => {
  it('says so before anybody approves, after a restart and after a reload too', async () => {
    const handler = await startTestHandler({ policy: LIMITED })
    expect(await ask(handler, transfer('a', '8'))).toMatch(/^RETRY/)
    const { id } = await onlyHold(handler)
    expect(await onlyHold(handler)).toMatchObject({ fullLimits: [] })
    expect((await handler.command('hold', 'list')).out).not.toContain('FULL LIMITS')
    expect(await ask(handler, transfer('b', '3'))).toBe('APPROVE')
    expect(await onlyHold(handler)).toMatchObject({ fullLimits: ['daily'] })
    const { out, err } = await handler.command('hold', 'list')
    expect(out).toMatch(/ASKED FOR +FULL LIMITS +WHAT\n.* daily +TRANSFER 8 /)
    expect(err).toContain('a release has no effect while one of its limits is full')
    const shown = await handler.command('hold', 'show', id)
    expect(shown.out).toMatch(/limits full now +│ daily: a release has no effect/)
    await handler.stop()

    const again = await startTestHandler({ policy: LIMITED, directory: handler.home })
    const file = join(again.home, 'policy.yaml')
    expect(await onlyHold(again)).toMatchObject({ id, fullLimits: ['daily'] })
    // What is looked up charges nothing.
    expect(await onlyHold(again)).toMatchObject({ id, fullLimits: ['daily'] })
    const { limits } = JSON.parse(
      (await again.command('limits', 'list', '--json')).out,
    ) as LimitList
    expect(limits).toMatchObject([{ amount: '3' }, { count: 1 }])

    await writeFile(file, LIMITED.replace('"10"', '"11"').replace('count: 5', 'count: 1'))
    expect(await again.command('policy', 'reload')).toMatchObject({ exitCode: 0 })
    expect(await onlyHold(again)).toMatchObject({ id, fullLimits: ['few'] })
    await writeFile(file, LIMITED.replace('"10"', '"11"'))
    expect(await again.command('policy', 'reload')).toMatchObject({ exitCode: 0 })
    expect(await onlyHold(again)).toMatchObject({ id, fullLimits: [] })
    expect((await again.command('hold', 'show', id)).out).toMatch(/limits full now +│ none/)
    await verifyAudit(again)
  })
})
