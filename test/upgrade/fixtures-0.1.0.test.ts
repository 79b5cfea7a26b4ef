/**
 * State that version 0.1.0 left is read and carried on: keys, decisions, charges, holds, the freeze, the audit chain and
 * the bootstrapper's journals. What is expected was printed by 0.1.0 itself.
 */
import { createPublicKey } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { HandlerStatus } from '../../common/admin-api.ts'
import { readJournal } from '../../bootstrap/journal.ts'
import { rememberPairing, rememberUser } from '../../bootstrap/memory.ts'
import { pairingJournalPath, userDirectory } from '../../bootstrap/state-paths.ts'
import { runBootstrap } from '../fixtures/bootstrap.ts'
import { startEmulator } from '../fixtures/emulator.ts'
import {
  askAgain,
  copyFixture,
  FIXTURES,
  signAsCosigner,
  startFixtureHandler,
} from '../fixtures/state-0.1.0.ts'
import type { FixtureCopy, HoldFact, LimitFact } from '../fixtures/state-0.1.0.ts'
import { openReadOnly } from '../../handler/decisions/sqlite/database.ts'
import type { VerifyReport } from '../../handler/decisions/audit/verify.ts'
import type { TestHandler } from '../fixtures/handler.ts'

/** The result of a command, parsed. */
async function printed<T>(handler: TestHandler, ...argv: string[]): Promise<T> {
  const { out, err, exitCode } = await handler.command(...argv, '--json')
  expect([exitCode, err]).toEqual([0, ''])
  return JSON.parse(out) as T
}

/** The report of `audit verify`, with the co-signers' keys where there are any; damage is never expected. */
async function verified(handler: TestHandler, copy: FixtureCopy): Promise<VerifyReport> {
  const keys = copy.settings['HANDLER_COSIGNER_KEYS']
  const args = keys === undefined ? ['--json'] : ['--json', '--cosigner-keys', keys]
  const { out, err, exitCode } = await handler.command('audit', 'verify', ...args)
  const report = JSON.parse(out) as VerifyReport
  expect({ err, problems: report.problems }).toEqual({ err: '', problems: [] })
  expect(exitCode).toBe(report.verdict === 'intact' ? 0 : 11)
  return report
}

async function limitsOf(handler: TestHandler): Promise<LimitFact[]> {
  const { limits } = await printed<{ limits: LimitFact[] }>(handler, 'limits', 'list')
  return factsOf(limits)
}

function factsOf(limits: readonly LimitFact[]): LimitFact[] {
  return limits
    .map(({ limit, key, count, amount }) => ({ limit, key, count, amount }))
    .toSorted((a, b) => `${a.limit} ${a.key}`.localeCompare(`${b.limit} ${b.key}`, 'en'))
}

/** The same without keys that 0.1.0 did not make: an address counts whatever its type, from the signing request on. */
async function keptLimitsOf(handler: TestHandler): Promise<LimitFact[]> {
  return (await limitsOf(handler)).filter(({ key }) => !key.includes('destination=0x'))
}

async function holdsOf(handler: TestHandler): Promise<HoldFact[]> {
  const { holds } = await printed<{ holds: HoldFact[] }>(handler, 'hold', 'list')
  return holds.map(({ id, state, approvals }) => ({ id, state, approvals }))
}

async function statusOf(handler: TestHandler): Promise<HandlerStatus> {
  return (await handler.admin('GET', '/v1/status')).json as HandlerStatus
}

/** The chain as `audit export --with-evidence` prints it. */
async function chainOf(handler: TestHandler): Promise<{ seq: number; hash: string }[]> {
  const { out } = await handler.command('audit', 'export', '--with-evidence')
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number; hash: string })
}

describe.each(FIXTURES)('the state `%s` of version 0.1.0', (name) => {
  it('is read: generations, holds, limits, freeze, and an intact audit chain', async () => {
    const copy = await copyFixture(name)
    const { expected } = copy
    const handler = await startFixtureHandler(copy)
    const { generations, ready, problems } = await statusOf(handler)
    expect([ready, problems]).toEqual([true, []])
    for (const known of expected.generations ?? []) {
      const found = generations.find(({ generation }) => generation === known.generation)
      const { state, slot, url, kid, pin, notAfter } = known
      expect(found).toMatchObject({ state, slot, url, kid, pin, notAfter })
    }
    expect(generations).toHaveLength(expected.generations?.length ?? 1)
    expect(await holdsOf(handler)).toEqual(
      expected.holds.map(({ id, state, approvals }) => ({ id, state, approvals })),
    )
    expect(await limitsOf(handler)).toEqual(factsOf(expected.limits))
    expect(await printed(handler, 'freeze', 'status')).toMatchObject({ freeze: expected.freeze })

    const { audit } = expected
    expect(await verified(handler, copy)).toMatchObject({ storeId: audit.storeId })
    const chain = await chainOf(handler)
    const records = expected.records.map(({ seq, hash }) => ({ seq, hash }))
    expect(chain.slice(0, audit.records)).toMatchObject(records)
    expect(records.at(-1)).toEqual({ seq: audit.records, hash: audit.head })
    await handler.stop()
    // The stop signs the rest; the request of each record is verified, and its digests are computed again.
    const closed = await verified(handler, copy)
    const decisions = expected.records.filter(({ kind }) => kind === 'decision').length
    expect(closed).toMatchObject({ verdict: 'intact', storeId: audit.storeId })
    expect(closed.requests).toBe(name === 'certificate-mode' ? undefined : decisions)
  })

  it('is copied before its tables are changed, whole and private, once', async () => {
    const copy = await copyFixture(name)
    const kept = join(copy.stateDir, 'decisions.db.schema-1')
    // An upgrade that was interrupted has left a part.
    await writeFile(`${kept}.partial`, 'a part')
    const handler = await startFixtureHandler(copy)
    const { mode, ino, size } = await stat(kept)
    expect((mode & 0o777).toString(8)).toBe('600')
    expect(await readdir(copy.stateDir)).not.toContain('decisions.db.schema-1.partial')
    const db = openReadOnly(kept)
    const { audit } = copy.expected
    expect(db.prepare('PRAGMA user_version').pluck().get()).toBe(1)
    expect(db.prepare('PRAGMA integrity_check').pluck().get()).toBe('ok')
    const head = db.prepare('SELECT seq, hash FROM chain ORDER BY seq DESC LIMIT 1').get()
    expect(head).toEqual({ seq: audit.records, hash: audit.head })
    db.close()
    await handler.stop()
    await startFixtureHandler(copy)
    expect(await stat(kept)).toMatchObject({ ino, size })
  })

  it('signs what was approved at the approval stage, and charges it once', async () => {
    const copy = await copyFixture(name)
    const handler = await startFixtureHandler(copy)
    if (copy.expected.freeze !== null) await handler.command('unfreeze', '--by', 'alice')
    const sign = async (requests: FixtureCopy['signingLater']) => {
      for (const { name: title, answer, ...request } of requests) {
        expect([title, await askAgain(handler, copy, request)]).toEqual([title, answer])
      }
    }
    await sign(copy.signingLater.filter(({ chargedBefore }) => chargedBefore))
    expect(await keptLimitsOf(handler)).toEqual(factsOf(copy.expected.limits))
    await sign(copy.signingLater.filter(({ chargedBefore }) => !chargedBefore))
    await sign(copy.signingLater)
    expect(await keptLimitsOf(handler)).toEqual(factsOf(copy.expected.limitsAfterSigning))
  })

  it('answers every request again as 0.1.0 did, and charges nothing again', async () => {
    const copy = await copyFixture(name)
    const handler = await startFixtureHandler(copy)
    if (copy.expected.freeze !== null) await handler.command('unfreeze', '--by', 'alice')
    const before = await limitsOf(handler)
    for (const request of copy.requests) {
      const { name: title, answer } = request
      expect([title, await askAgain(handler, copy, request)]).toEqual([title, answer])
    }
    // A request that was frozen or limited before may be approved now, and is then charged once.
    if (name !== 'killed') expect(await limitsOf(handler)).toEqual(before)
    await handler.stop()
    expect((await verified(handler, copy)).verdict).toBe('intact')
  })
})

describe('a handler that was killed', () => {
  it('is recovered from its write-ahead log, and still frozen', async () => {
    const copy = await copyFixture('killed')
    expect((await stat(join(copy.stateDir, 'decisions.db-wal'))).size).toBeGreaterThan(0)
    const handler = await startFixtureHandler(copy)
    for (const request of [...copy.requests, ...copy.signingLater]) {
      expect(await askAgain(handler, copy, request)).toEqual({
        action: 'RETRY',
        rejectionReason: 'FROZEN',
      })
    }
    const kinds = (await chainOf(handler)).map(
      (record) =>
        (JSON.parse((record as unknown as { body: string }).body) as { kind: string }).kind,
    )
    expect(kinds[copy.expected.audit.records]).toBe('recovered')
  })
})

describe('new requests of the fixture’s co-signers', () => {
  it('are decided beside the old ones: a conflict with one of them is refused', async () => {
    const copy = await copyFixture('full')
    const handler = await startFixtureHandler(copy)
    const [first] = copy.signingLater
    const claims = JSON.parse(
      Buffer.from(first?.token.split('.')[1] ?? '', 'base64url').toString(),
    ) as Record<string, unknown>
    const elsewhere = '0x00000000219ab540356cBB839Cbe05303d7705Fa'
    const destinations = (claims['destinations'] as object[]).map((one) => ({
      ...one,
      dstAddress: elsewhere,
      displayDstAddress: elsewhere,
    }))
    const other = { ...claims, destAddress: elsewhere, destinations }
    const ask = async (changed: object, cosigner?: string) =>
      askAgain(handler, copy, {
        endpoint: 'tx_sign_request',
        token: await signAsCosigner(copy, changed, cosigner),
      })
    expect(await ask(other)).toEqual({ action: 'REJECT', rejectionReason: 'ERR_REQUEST_CONFLICT' })
    const fresh = { ...claims, requestId: 'fresh', txId: 'fresh' }
    expect(await ask(fresh, 'second')).toEqual({ action: 'APPROVE', rejectionReason: null })
  })
})

/** The emulator as the fixture left it: the API user exists and is paired. */
async function emulatorFor({ expected, stateDir, clock }: FixtureCopy) {
  const { remote, bootstrap } = expected
  if (remote === undefined || bootstrap === undefined) throw new Error('nothing was paired')
  const emulator = await startEmulator({ clock, seed: remote.seed })
  expect([emulator.apiKey, emulator.cosignerId]).toEqual([remote.apiKey, remote.cosignerId])
  const { cosignerId, apiKeyId, handler } = remote.pairing
  const key = join(userDirectory(stateDir, 'fixture'), 'key', 'private.pem')
  emulator.inner.users.set(apiKeyId, {
    id: apiKeyId,
    name: bootstrap.user.name,
    role: 'SIGNER',
    status: 'READY',
    publicKey: createPublicKey(await readFile(key, 'utf8')),
  })
  const since = [{ at: 0, handler }]
  emulator.inner.pairings.set(`${cosignerId}/${apiKeyId}`, {
    cosignerId,
    apiKeyId,
    shown: [...since],
    used: [[...since], [...since]],
    lastSeen: undefined,
  })
  return emulator
}

describe.each(['full', 'killed'] as const)('the journals of `%s`', (name) => {
  it('tell what was done and what is under way', async () => {
    const { expected, stateDir } = await copyFixture(name)
    const { remote, bootstrap } = expected
    if (remote === undefined) throw new Error('nothing was paired')
    const { operation, last } = rememberPairing(
      await readJournal(
        pairingJournalPath(stateDir, remote.pairing),
        `${remote.pairing.cosignerId}/${remote.pairing.apiKeyId}`,
      ),
    )
    expect(operation).toEqual(bootstrap?.status.operation)
    expect(last).toEqual(bootstrap?.status.last)
    const user = rememberUser(
      await readJournal(join(userDirectory(stateDir, 'fixture'), 'journal.jsonl'), 'user fixture'),
    )
    expect(user).toMatchObject({ userId: remote.pairing.apiKeyId, proven: true })
  })

  it('and the handler’s state satisfy `status`, which sees no drift', async () => {
    const copy = await copyFixture(name)
    await startFixtureHandler(copy)
    const emulator = await emulatorFor(copy)
    const invocation = {
      command: 'status',
      options: { stateDir: copy.stateDir, json: true },
    } as const
    const { exit, stdout, stderr } = await runBootstrap({ invocation }, emulator, {
      clock: copy.clock,
    })
    await emulator.stop()
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: expect.stringMatching(/^co-signer .*\n$/) })
    const { pairing, url, operation, last } = copy.expected.bootstrap?.status ?? {}
    expect(JSON.parse(stdout)).toMatchObject({ drift: false, pairing, url, operation, last })
  })
})
