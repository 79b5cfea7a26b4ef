/**
 * `audit verify` called forged stores intact, with exit code 0: an approval whose evidence was the word "nonsense", a
 * rewritten or cut chain without checkpoints, charges moved out of their window, deleted totals, a trigger that deletes
 * them later. Each forgery is found, or the verdict says that nothing proves the store.
 */
import { createPublicKey, sign } from 'node:crypto'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { openSqlite } from '../../../common/sqlite.ts'
import type { Database } from '../../../common/sqlite.ts'
import { transfer } from '../../../emulator/demo/requests.ts'
import type { Calls } from '../../../handler/decisions/calls.ts'
import { signCheckpoint } from '../../../handler/decisions/checkpoint.ts'
import { verifyStore } from '../../../handler/decisions/audit/verify.ts'
import type { VerifyReport } from '../../../handler/decisions/audit/verify.ts'
import type { DecisionContent } from '../../../handler/decisions/decision-fields.ts'
import { holdIdOf } from '../../../handler/decisions/holds.ts'
import { NO_HASH, recordHash } from '../../../handler/decisions/record.ts'
import { openReadOnly } from '../../../handler/decisions/sqlite/database.ts'
import { createLimitTables } from '../../../handler/decisions/sqlite/limit-tables.ts'
import { markPath, readMark, replaceMark } from '../../../handler/decisions/sqlite/mark.ts'
import { contentOf } from '../../../handler/callback/content.ts'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import type { NewDecision } from '../../../handler/decisions/store.ts'
import { fingerprintOf, requestKey, sha256 } from '../../../handler/protocol/digest.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import { createPlainVerifier, createTokenVerifier } from '../../../handler/protocol/token.ts'
import type { HoldTerms, LimitCharge } from '../../../handler/policy/decision.ts'
import { testKey } from '../../fixtures/keys.ts'
import type { TestKey } from '../../fixtures/keys.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { tokenOf } from '../../fixtures/tokens.ts'
import { entry, REJECT, RETRY, START } from './entries.ts'

const DAY = 86_400_000
const HOUR = 3_600_000

const UNSIGNED =
  'signed by no checkpoint yet: who can write the store and its mark could have altered, added or removed records there'

let cosigner: TestKey
let generation: TestKey

beforeAll(async () => {
  cosigner = await testKey('cosigner')
  generation = await testKey()
})

function vault() {
  return [{ name: 'vault', key: createPublicKey(cosigner.publicKeyPem) }]
}

function day(amount: bigint, windowMs = DAY): LimitCharge {
  const size = { amount: { units: amount, scale: 2 }, maxAmount: { units: 100n, scale: 2 } }
  return { limit: 'day', key: 'source=VAULT 0', windowMs, maxCount: 9, ...size, otherwise: REJECT }
}

/** An approval of a transfer as the co-signer asked for it. */
function asked(claims: object, charges: readonly LimitCharge[] = []): NewDecision {
  const token = tokenOf(cosigner.privateKey, claims)
  const verified = createTokenVerifier(vault())(token, new Date(START))
  return recordOf(verified, charges)
}

function recordOf(
  verified: ReturnType<ReturnType<typeof createTokenVerifier>>,
  charges: readonly LimitCharge[] = [],
): NewDecision {
  const parsed = parseRequest('tx_sign_request', verified.claims)
  if (parsed.kind !== 'request') throw new Error(parsed.kind)
  const key = requestKey(parsed.request, verified.cosigner)
  const owner = String(verified.claims['txId'])
  const { token, cosigner: name } = verified
  return entry({ key, charges, evidence: { token, cosigner: name, owner } })
}

interface Store {
  readonly path: string
  /** Makes other calls. */
  readonly run: (timeMs: number, work: (calls: Calls) => void) => void
  readonly at: (timeMs: number, ...entries: readonly NewDecision[]) => readonly string[]
  readonly release: (timeMs: number, owner: string) => void
  readonly checkpoint: () => Promise<string>
  readonly close: () => void
}

async function openedStore(): Promise<Store> {
  const path = join(await temporaryDirectory(), 'decisions.db')
  const store = await openStore(path, START)
  const { core, opening } = store
  const key = {
    generation: 1,
    algorithm: 'RS256' as const,
    sign: (data: Buffer) => Promise.resolve(sign('sha256', data, generation.privateKey)),
  }
  return {
    path,
    run: (timeMs, work) => core.transaction(timeMs, () => work(core.calls)),
    at: (timeMs, ...entries) =>
      core.transaction(timeMs, () => entries.map((one) => core.calls.record(one).decision.action)),
    release: (timeMs, owner) =>
      void core.transaction(timeMs, () =>
        core.calls.releaseCharges(owner, { by: 'alice', note: '' }),
      ),
    checkpoint: async () => {
      const { seq, hash, timeMs } = core.head()
      const { storeId } = opening
      const time = new Date(timeMs).toISOString()
      const jws = await signCheckpoint(key, { storeId, seq, hash, time })
      core.transaction(timeMs, () => core.calls.append({ kind: 'checkpoint', jws }))
      return jws
    },
    close: () => {
      store.advanceMark()
      store.close()
    },
  }
}

function verify(
  path: string,
  options: Partial<Parameters<typeof verifyStore>[1]> = {},
): VerifyReport {
  const db = openReadOnly(path)
  try {
    const publicKeyOf = () => createPublicKey(generation.publicKeyPem)
    return verifyStore(db, { markPath: markPath(path), publicKeyOf, checkpoints: [], ...options })
  } finally {
    db.close()
  }
}

/** Two transfers that spend half of a limit, one that does not fit, and a checkpoint; `kept` left the machine. */
async function honest() {
  const store = await openedStore()
  const said = [
    ...store.at(START, asked(transfer('0.25'), [day(25n)])),
    ...store.at(START + HOUR, asked(transfer('0.25'), [day(25n)])),
    ...store.at(START + 2 * HOUR, asked(transfer('0.75'), [day(75n)])),
  ]
  expect(said).toEqual(['APPROVE', 'APPROVE', 'REJECT'])
  const kept = await store.checkpoint()
  store.close()
  return { path: store.path, kept }
}

function alter(path: string, ...statements: readonly string[]): void {
  withDatabase(path, (db) => statements.forEach((sql) => db.exec(sql)))
}

function withDatabase<T>(path: string, work: (db: Database) => T): T {
  const db = openSqlite(path)
  db.exec('PRAGMA foreign_keys = OFF')
  const result = work(db)
  db.close()
  return result
}

interface Row {
  readonly seq: number
  readonly body: string
  readonly token: string | null
}

/** Writes the chain anew with valid hashes, without a key, and adapts the mark: what the writer of all files can do. */
async function rewrite(path: string, change: (rows: readonly Row[]) => readonly Row[]) {
  const mark = readMark(markPath(path))
  if (mark === undefined || mark === 'damaged') throw new Error('no mark')
  const head = withDatabase(path, (db) => {
    const rows = db.prepare<[], Row>('SELECT seq, body, token FROM chain ORDER BY seq').all()
    const put = db.prepare<[number, number | null, string, string | null, string, string]>(
      'INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?)',
    )
    db.exec('DELETE FROM chain')
    let last = { seq: 0, hash: NO_HASH }
    for (const { body, token } of change(rows)) {
      const seq = last.seq + 1
      const content: DecisionContent = JSON.parse(body)
      const fingerprint = content.kind === 'decision' ? fingerprintOf(content) : null
      const hash = recordHash(seq, last.hash, body)
      put.run(seq, fingerprint, body, token, last.hash, hash)
      last = { seq, hash }
    }
    return last
  })
  await replaceMark(markPath(path), { ...mark, ...head })
}

function changed(row: Row, parts: object, token = row.token): Row {
  return { ...row, body: JSON.stringify({ ...JSON.parse(row.body), ...parts }), token }
}

function isCheckpoint({ body }: Row): boolean {
  return body.includes('"kind":"checkpoint"')
}

/** An approval that was never asked for: a copy of the first, with other ids and other evidence. */
function forgedApproval(rows: readonly Row[], token: string, parts: Partial<DecisionContent> = {}) {
  const first = rows.find(({ body }) => body.includes('"action":"APPROVE"'))
  if (first === undefined) throw new Error('no approval')
  const { charged: _, variant: __, ...body } = JSON.parse(first.body) as DecisionContent
  const { time } = JSON.parse(rows.at(-1)?.body ?? '') as { time: string }
  const ids = { requestId: 'forged', owner: 'forged', tokenSha256: sha256(token) }
  return { seq: 0, body: JSON.stringify({ ...body, time, ...ids, ...parts }), token }
}

describe('a store as it was written', () => {
  it('is intact when every record is signed, and each request is verified', async () => {
    const { path, kept } = await honest()
    const report = verify(path, { cosigners: vault(), checkpoints: [kept] })
    expect(report).toMatchObject({
      verdict: 'intact',
      problems: [],
      unproved: [],
      requests: 3,
      unchecked: ['whose the keys are that sign the checkpoints (`--keys`)'],
    })
    // Without keys and a checkpoint kept elsewhere the verdict names what it is not about.
    expect(verify(path).unchecked).toEqual([
      'whether the co-signers signed the requests (`--cosigner-keys`)',
      'whose the keys are that sign the checkpoints (`--keys`)',
      'whether there were records after 4 that were removed, with the mark (`--checkpoint`)',
    ])
  })

  it('is consistent, not proved, while no checkpoint signs its last records', async () => {
    const store = await openedStore()
    store.at(START, asked(transfer('0.25')))
    await store.checkpoint()
    store.at(START, asked(transfer('0.25')))
    store.at(START, asked(transfer('0.25')))
    store.close()
    const report = verify(store.path, { cosigners: vault() })
    expect(report).toMatchObject({ ok: true, verdict: 'consistent', requests: 3 })
    expect(report.unproved).toEqual([`records 3 to 5 are ${UNSIGNED}`])
  })

  it('of certificate mode is consistent, not proved: no key signed its requests', async () => {
    const store = await openedStore()
    const body = Buffer.from(JSON.stringify({ ...transfer('0.25'), exp: START / 1_000 + 5 }))
    store.at(START + HOUR, recordOf(createPlainVerifier()(body, new Date(START))))
    await store.checkpoint()
    store.close()
    expect(verify(store.path).verdict).toBe('intact')
    expect(verify(store.path, { cosigners: vault() })).toMatchObject({
      verdict: 'consistent',
      requests: 0,
      unproved: ['1 requests of `certificate` mode: no key signed them'],
    })
  })

  it.each<[string, object, readonly string[] | undefined]>([
    ['as it was written', {}, []],
    ['without the mark', { stageBy: undefined }, ['stage', 'digest']],
    ['with a mark that is none', { stageBy: 'people' }, undefined],
    ['of another signer', { signerId: 'other' }, ['signerId', 'stage', 'stageBy', 'digest']],
    ['of the identity of 0.1.0', { identity: undefined }, ['stage', 'stageBy', 'digest']],
  ])('that the policy set the stage of is verified: %s', async (_, parts, differing) => {
    const store = await openedStore()
    const plain = { ...transfer('0.25'), signerId: 'signer-1', fee: undefined, rawTx: undefined }
    const token = tokenOf(cosigner.privateKey, plain)
    const verified = createTokenVerifier(vault())(token, new Date(START))
    const content = contentOf('tx_sign_request', verified, 'vault', new Set(['signer-1']))
    if (content.kind !== 'request') throw new Error(content.kind)
    const { key } = content
    expect(key).toMatchObject({ stage: 'signing', stageBy: 'policy' })
    const evidence = {
      token: verified.token,
      cosigner: 'vault',
      owner: String(verified.claims['txId']),
    }
    store.at(START, entry({ key, evidence }))
    store.close()
    await rewrite(store.path, (rows) => rows.map((row) => changed(row, parts)))
    const { problems } = verify(store.path, { cosigners: vault() })
    const named = differing?.map((name) => `\`${name}\` is not that of the request in evidence`)
    if (named === undefined) expect(problems).not.toEqual([])
    else {
      const said = JSON.stringify(problems)
      expect(named.filter((words) => !said.includes(words))).toEqual([])
      expect(problems.length > 0).toBe(named.length > 0)
    }
  })

  it('does not pass the mark on a request that shows its stage itself', async () => {
    const store = await openedStore()
    store.at(START, asked({ ...transfer('0.25'), signerId: 'signer-1', fee: '0.1' }))
    store.close()
    await rewrite(store.path, (rows) => rows.map((row) => changed(row, { stageBy: 'policy' })))
    expect(JSON.stringify(verify(store.path, { cosigners: vault() }).problems)).toContain(
      '`stageBy` is not that of the request in evidence',
    )
  })

  // Time in the chain never goes back, so a record may bear a later time than its delivery.
  it.each([
    ['ended', { exp: START / 1_000 + 5 }],
    ['ended, and had a beginning', { nbf: START / 1_000 - 5, exp: START / 1_000 + 5 }],
  ])('may hold a token that had %s by the time of its record', async (_, times) => {
    const store = await openedStore()
    store.at(START + HOUR, asked({ ...transfer('0.25'), ...times }))
    store.close()
    expect(verify(store.path, { cosigners: vault() }).problems).toEqual([])
  })

  it('does not pass requests of a co-signer whose key is not given, or is given by another name', async () => {
    const { path } = await honest()
    const { publicKeyPem } = await testKey('foreign')
    const foreign = [{ name: 'vault', key: createPublicKey(publicKeyPem) }]
    expect(verify(path, { cosigners: foreign }).problemCount).toBe(3)
    const renamed = vault().map(({ key }) => ({ name: 'other', key }))
    expect(verify(path, { cosigners: renamed }).problems[0]).toEqual({
      seq: 2,
      message: 'evidence is signed by `other`, not by the co-signer of the record',
    })
  })
})

describe('a RETRY that was repeated', () => {
  const body = (parts: object) => (rows: readonly Row[]) =>
    rows.map((row) => (row.seq === 4 ? changed(row, parts) : row))

  /** Records 2 and 5 have tokens of two requests; 3 and 4 are the first one's again, once signed anew. */
  async function repeated() {
    const store = await openedStore()
    const first = { ...asked(transfer('0.25')), decision: RETRY }
    const anew = tokenOf(cosigner.privateKey, { ...transfer('0.25'), iat: START / 1_000 })
    const token = createTokenVerifier(vault())(anew, new Date(START)).token
    store.at(START, first)
    store.at(START + HOUR, first, { ...first, evidence: { ...first.evidence, token } })
    store.at(START + HOUR, { ...asked({ ...transfer('0.5'), txId: 'other' }), decision: RETRY })
    store.close()
    return store.path
  }

  it('is verified by the evidence of the first', async () => {
    const path = await repeated()
    const evidence = 'SELECT seq FROM chain WHERE token IS NOT NULL'
    expect(withDatabase(path, (db) => db.prepare(evidence).pluck().all())).toEqual([2, 5])
    expect(verify(path, { cosigners: vault() })).toMatchObject({ problems: [], requests: 4 })
  })

  it.each<[string, (rows: readonly Row[]) => readonly Row[], string]>([
    ['says that it approves', body({ action: 'APPROVE' }), 'evidence is that of another record'],
    ['names another request', body({ evidenceIn: 5 }), 'evidence is not in record 5'],
    ['names another repetition', body({ evidenceIn: 3 }), 'evidence is not in record 3'],
    ['names itself', body({ evidenceIn: 4 }), 'evidence is not in record 4'],
    ['names what is not there', body({ evidenceIn: 9 }), 'evidence is not in record 9'],
    ['names no record', body({ evidenceIn: 0 }), 'body is not a record'],
    ['has other content', body({ digest: 'e'.repeat(64) }), 'evidence is not in record 2'],
    ['is of another co-signer', body({ cosigner: 'other' }), 'evidence is not in record 2'],
    ['has none', body({ evidenceIn: undefined }), 'evidence is missing'],
    [
      'has two',
      (rows) => rows.map((row) => (row.seq === 4 ? { ...row, token: 'x' } : row)),
      'evidence is in two records',
    ],
    [
      'lost it with the first',
      (rows) => rows.map((row) => (row.seq === 2 ? { ...row, token: null } : row)),
      'evidence is not in record 2',
    ],
  ])('is found when it %s', async (_, change, message) => {
    const path = await repeated()
    await rewrite(path, change)
    expect(verify(path).problems).toContainEqual({ seq: 4, message })
  })

  it('has the content of the first by its own version of the identity, too', async () => {
    const path = await repeated()
    await rewrite(path, body({ identity: undefined, digest: 'e'.repeat(64) }))
    expect(verify(path, { cosigners: vault() }).problems).toContainEqual({
      seq: 4,
      message: '`digest` is not that of the request in evidence',
    })
  })
})

describe('an approval that was appended', () => {
  // The handler that starts on it signs it with its next checkpoint.
  it.each([
    ['the word "nonsense"', () => 'nonsense', {}, /not three parts/],
    [
      'a request of another key',
      async () => {
        const { privateKey } = await testKey('foreign')
        return String(tokenOf(privateKey, transfer('0.25')))
      },
      {},
      /no co-signer key verifies the token/,
    ],
    [
      'a genuine request of another id',
      () => String(tokenOf(cosigner.privateKey, transfer('9'))),
      {},
      /`requestId` is not that of the request in evidence/,
    ],
    [
      'JSON, said to be of certificate mode',
      () => JSON.stringify(transfer('0.25')),
      { cosigner: '' },
      /`requestId` is not that of/,
    ],
  ])('with %s as evidence', async (_, evidence, parts, message) => {
    const { path } = await honest()
    const token = await evidence()
    await rewrite(path, (rows) => [...rows, forgedApproval(rows, token, parts)])
    expect(verify(path)).toMatchObject({ verdict: 'consistent', problems: [] })
    expect(verify(path).unproved).toEqual([`records 5 to 6 are ${UNSIGNED}`])
    const report = verify(path, { cosigners: vault() })
    expect(report.verdict).toBe('damaged')
    expect(report.problems[0]).toMatchObject({ seq: 6, message: expect.stringMatching(message) })
  })

  it.each(['digest', 'coreDigest', 'stage', 'owner', 'signerId'] as const)(
    'of a genuine request, with another %s',
    async (name) => {
      const { path } = await honest()
      const { token } = asked(transfer('0.5')).evidence
      const { key, evidence } = asked(
        JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()),
      )
      const { fingerprint: _, ...ids } = { ...key, owner: evidence.owner }
      const genuine = (rows: readonly Row[]) => forgedApproval(rows, token, ids)
      await rewrite(path, (rows) => [...rows, genuine(rows)])
      expect(verify(path, { cosigners: vault() }).problems).toEqual([])
      const other = name === 'stage' ? 'signing' : sha256('other')
      await rewrite(path, (rows) =>
        rows.map((row) => (row.seq === 6 ? changed(row, { [name]: other }) : row)),
      )
      expect(verify(path, { cosigners: vault() }).problems).toEqual([
        { seq: 6, message: `\`${name}\` is not that of the request in evidence` },
      ])
    },
  )
})

describe('a chain that was written anew by who has no key', () => {
  it('without its checkpoints: not proved, and found by one kept elsewhere', async () => {
    const { path, kept } = await honest()
    await rewrite(path, (rows) =>
      rows
        .filter((row) => !isCheckpoint(row))
        .map((row) => (row.seq === 4 ? changed(row, { action: 'APPROVE', rule: 'small' }) : row)),
    )
    expect(verify(path, { cosigners: vault() })).toMatchObject({
      verdict: 'consistent',
      checkpoints: 0,
      unproved: ['no checkpoint signs any record: all of it could have been written anew'],
    })
    expect(verify(path, { checkpoints: [kept] })).toMatchObject({
      verdict: 'damaged',
      problems: [{ message: 'record 4 is not the one that the checkpoint signs' }],
    })
  })

  it('with its checkpoints: found by them', async () => {
    const { path } = await honest()
    await rewrite(path, (rows) =>
      rows.map((row) => (row.seq === 4 ? changed(row, { action: 'APPROVE' }) : row)),
    )
    expect(verify(path)).toMatchObject({ verdict: 'damaged', problems: [{ seq: 5 }] })
  })

  it('cut, the tables adapted: not proved, and found by a checkpoint kept elsewhere', async () => {
    const { path, kept } = await honest()
    await rewrite(path, (rows) => rows.slice(0, 1))
    alter(path, 'DELETE FROM limit_charges', 'DELETE FROM limit_totals', 'DELETE FROM variants')
    expect(verify(path)).toMatchObject({ verdict: 'consistent', problems: [], records: 1 })
    expect(verify(path, { checkpoints: [kept] }).verdict).toBe('damaged')
  })

  it('cut behind a checkpoint: the verdict says that it does not know', async () => {
    const store = await openedStore()
    store.at(START, asked(transfer('0.25')))
    await store.checkpoint()
    store.at(START, asked(transfer('0.25')))
    const kept = await store.checkpoint()
    store.close()
    await rewrite(store.path, (rows) => rows.slice(0, 3))
    const report = verify(store.path, { cosigners: vault() })
    expect(report.verdict).toBe('intact')
    expect(report.unchecked).toContain(
      'whether there were records after 2 that were removed, with the mark (`--checkpoint`)',
    )
    expect(verify(store.path, { checkpoints: [kept] }).verdict).toBe('damaged')
  })
})

const TERMS = { approvals: 1, expiresMs: HOUR, onExpiry: 'REJECT', boundTo: 'rule-1' } as const
const BY = { by: 'alice', note: '' }

/** The requests of both stages of one transfer. */
function stages(amount = '0.25') {
  const claims = { ...transfer(amount), fee: undefined, rawTx: undefined }
  const signed = { ...claims, fee: '0.0001', rawTx: [{ rawTx: '00' }] }
  return { approval: asked(claims), signing: asked(signed) }
}

/** One release that served the signing request, and another hold that was released and used. */
async function carried() {
  const store = await openedStore()
  const [one, other] = [stages(), stages()]
  const hold = holdIdOf(one.approval.key)
  store.run(START, (calls) => {
    for (const { approval } of [one, other]) {
      const { key } = approval
      const id = calls.openHold({ key, terms: TERMS, summary: 'TRANSFER' }).id
      calls.approveHold(id, BY)
      calls.record({ ...approval, hold: { id, otherwise: REJECT }, heldBy: id })
    }
    const { signing } = one
    const evidence = { ...signing.evidence, rawTx: 'verified' }
    const use = { id: hold, terms: TERMS, otherwise: REJECT }
    const said = calls.record({ ...signing, evidence, carried: use, bytes: 'b1', heldBy: hold })
    expect(said.decision.action).toBe('APPROVE')
  })
  store.close()
  return { path: store.path, hold, other: holdIdOf(other.approval.key) }
}

function isCarried({ body }: Row): boolean {
  return body.includes('"carried:')
}

/** The chain with its carried approval changed. */
async function carriedAs(path: string, parts: object) {
  await rewrite(path, (rows) => rows.map((row) => (isCarried(row) ? changed(row, parts) : row)))
}

describe('a release that served a signing request', () => {
  const found = (path: string) => verify(path, { cosigners: vault() }).problems

  it('is explained by its records', async () => {
    const { path } = await carried()
    expect(found(path)).toEqual([])
  })

  it.each<[string, object, RegExp]>([
    ['bytes that prove less', { rawTx: 'unproven: fee' }, /without bytes that are verified/],
    ['other bytes', { bytes: 'b2' }, /to other bytes/],
    ['no bytes', { bytes: undefined }, /to other bytes/],
    ['another rule', { rule: 'other' }, /of another rule/],
    ['a time after its end', { time: new Date(START + HOUR).toISOString() }, /after its end/],
    ['a hold that nobody knows', { used: ['carried:0'] }, /`0`, which was not used/],
  ])('is not with %s', async (_, parts, message) => {
    const { path } = await carried()
    await carriedAs(path, parts)
    expect(found(path).map((each) => each.message)).toContainEqual(expect.stringMatching(message))
  })

  it('is not when it is the hold of another request', async () => {
    const { path, other } = await carried()
    await carriedAs(path, { used: [`carried:${other}`] })
    alter(path, `UPDATE single_uses SET name = 'carried:${other}'`)
    expect(found(path)).toMatchObject([
      { message: `carries the hold \`${other}\` of another request` },
    ])
  })

  it('is not when nobody had released it', async () => {
    const { path, hold } = await carried()
    await rewrite(path, (rows) =>
      rows.filter(({ body }) => !body.includes('hold-approve') || !body.includes(hold)),
    )
    alter(
      path,
      `UPDATE holds SET approvals = '[]' WHERE id = '${hold}'`,
      // The records after it have moved up.
      'UPDATE holds SET used = used - 1',
      'UPDATE single_uses SET seq = seq - 1',
    )
    expect(found(path)).toMatchObject([
      { message: `uses the hold \`${hold}\`, which was not released` },
    ])
  })

  it('is not when its hold was used by the approval of another request', async () => {
    const { path, hold, other } = await carried()
    await rewrite(path, (rows) =>
      rows.map((row) =>
        row.body.includes(`"hold:${other}"`) ? changed(row, { used: [`hold:${hold}`] }) : row,
      ),
    )
    expect(found(path).map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        `uses the hold \`${hold}\` of another request`,
        `carries the hold \`${hold}\` of another request`,
      ]),
    )
  })

  it('is not when what is signed moves something else, though the co-signer signed that, too', async () => {
    const { path, hold } = await carried()
    await rewrite(path, (rows) =>
      rows.map((row) => {
        if (!isCarried(row)) return row
        const claims = JSON.parse(
          Buffer.from(row.token?.split('.')[1] ?? '', 'base64url').toString(),
        ) as object
        const { key, evidence } = asked({ ...claims, amountStr: '9' })
        const { digest, coreDigest } = key
        const { token } = evidence
        return changed(row, { digest, coreDigest, tokenSha256: sha256(token) }, token)
      }),
    )
    expect(found(path)).toMatchObject([
      { message: `carries the hold \`${hold}\` to what people have not seen` },
    ])
  })

  it('is not for a second set of bytes', async () => {
    const { path, hold } = await carried()
    await rewrite(path, (rows) => {
      const row = rows.find(isCarried)
      if (row === undefined) throw new Error('nothing was carried')
      return [...rows, changed(row, { digest: sha256('again'), bytes: 'b2' })]
    })
    const messages = verify(path).problems.map(({ message }) => message)
    expect(messages).toEqual([`carries the hold \`${hold}\` to other bytes`])
  })

  it('is not when the store forgot for which bytes it is', async () => {
    const { path, hold } = await carried()
    alter(path, 'DELETE FROM single_uses')
    expect(found(path)).toMatchObject([{ message: `carries the hold \`${hold}\` to other bytes` }])
  })
})

describe('a hold that was asked about again', () => {
  /** Released under one rule; then another rule, or the same with other terms, holds the request. */
  async function askedAgain(terms: Partial<HoldTerms>) {
    const store = await openedStore()
    const { key } = stages().approval
    const ask = (more: Partial<HoldTerms> = {}) =>
      store.run(START, (calls) => {
        const { id } = calls.openHold({ key, terms: { ...TERMS, ...more }, summary: 'TRANSFER' })
        if (Object.keys(more).length === 0) calls.approveHold(id, BY)
      })
    ask()
    ask(terms)
    store.close()
    return { path: store.path, hold: holdIdOf(key) }
  }
  const forge = (path: string, parts: object) =>
    rewrite(path, (rows) =>
      rows.map((row) => (row.body.includes('"after":') ? changed(row, parts) : row)),
    )
  const found = (path: string) => verify(path).problems.map(({ message }) => message)

  it.each([
    ['another rule', { boundTo: 'rule-2' }],
    ['other terms', { approvals: 2 as const }],
    ['a shorter time', { expiresMs: 60_000 }],
  ])('is explained by its records: %s', async (_, terms) => {
    expect(found((await askedAgain(terms)).path)).toEqual([])
  })

  it('does not keep what was said to another rule', async () => {
    const { path, hold } = await askedAgain({ boundTo: 'rule-2' })
    await forge(path, { after: 'terms' })
    alter(path, `UPDATE holds SET approvals = '["alice"]'`)
    expect(found(path)).toEqual(['record 4 lets what people said stand for another rule'])
    alter(path, `UPDATE holds SET approvals = '[]'`)
    expect(found(path)).toContain(`the hold \`${hold}\` is not as its records say`)
  })

  it('is not opened twice, and has the terms that its last record says', async () => {
    const { path, hold } = await askedAgain({ approvals: 2 })
    await forge(path, { after: undefined })
    expect(found(path)).toContain('record 4 opens a hold that was opened before')
    await rewrite(path, (rows) => rows.slice(0, 3))
    expect(found(path)).toEqual([`the hold \`${hold}\` is not as it was opened`])
  })

  it('does not lose what people said by a record that voids it', async () => {
    const { path, hold } = await askedAgain({ approvals: 2 })
    await forge(path, { after: 'rule' })
    expect(found(path)).toEqual([`the hold \`${hold}\` is not as its records say`])
  })

  it('does not last longer', async () => {
    const { path, hold } = await askedAgain({ expiresMs: 60_000 })
    alter(path, 'UPDATE holds SET expires = expires + 1')
    expect(found(path)).toEqual([`the hold \`${hold}\` is not as it was opened`])
  })
})

describe('limits that are made free again', () => {
  const TOTALS = 'the totals of the limit `day` are not what was charged'
  it.each([
    ['the totals deleted', ['DELETE FROM limit_totals'], [TOTALS]],
    [
      'the latest total deleted',
      ['DELETE FROM limit_totals WHERE until_ms = (SELECT max(until_ms) FROM limit_totals)'],
      [TOTALS],
    ],
    [
      'the totals made smaller',
      [`UPDATE limit_totals SET units = '5', scale = 1, count = 1`],
      [TOTALS],
    ],
    ['the totals made larger', ['UPDATE limit_totals SET count = count + 9'], [TOTALS]],
    ['totals moved back', [`UPDATE limit_totals SET until_ms = until_ms - ${2 * DAY}`], [TOTALS]],
    [
      'totals moved by less than a step',
      ['UPDATE limit_totals SET until_ms = until_ms - 1'],
      [TOTALS],
    ],
    [
      'a total before the window that holds all',
      [
        `INSERT INTO limit_totals SELECT name, key, until_ms - ${2 * DAY}, 2, '5', 1 FROM limit_totals LIMIT 1`,
      ],
      [TOTALS],
    ],
    [
      'a total in the future, behind which charges do not count',
      [
        `INSERT INTO limit_totals SELECT name, key, until_ms + ${9 * DAY}, 2, '5', 1 FROM limit_totals LIMIT 1`,
      ],
      [TOTALS],
    ],
    [
      'negative totals of a key that was never charged',
      [
        `INSERT INTO limit_totals VALUES ('day', 'source=VAULT 1', ${START}, -9, '-900', 0)`,
        `INSERT INTO limit_windows VALUES ('day', 'source=VAULT 1', ${DAY})`,
      ],
      [TOTALS],
    ],
    ['the window forgotten', ['DELETE FROM limit_windows'], [TOTALS]],
    ['the window said to be open anew', ['UPDATE limit_windows SET window_ms = 0'], [TOTALS]],
    [
      'charges and totals moved back by two days',
      [
        `UPDATE limit_charges SET time = time - ${2 * DAY}`,
        `UPDATE limit_totals SET until_ms = until_ms - ${2 * DAY}`,
      ],
      [
        'record 2: a limit was charged at another time',
        'record 3: a limit was charged at another time',
        TOTALS,
      ],
    ],
    [
      'charges deleted',
      ['DELETE FROM limit_charges'],
      ['record 2: a limit was not charged', 'record 3: a limit was not charged'],
    ],
    [
      'charges made smaller',
      [`UPDATE limit_charges SET scale = 3`],
      [
        'record 2: a limit was charged another amount',
        'record 3: a limit was charged another amount',
      ],
    ],
    [
      'a charge of nobody, which fills the limit',
      [`INSERT INTO limit_charges VALUES ('day', 'source=VAULT 0', 'x', ${START}, '1', 0)`],
      ['1 charges are of no record'],
    ],
    [
      'variants forgotten, so that other bytes are the first ones',
      ['DELETE FROM variants WHERE seq = 2'],
      ['its variant is missing'],
    ],
    [
      'a variant that is bound to other bytes',
      [`UPDATE variants SET bytes = 'x' WHERE seq = 2`],
      ['its variant is another'],
    ],
    [
      'a variant with another number',
      ['UPDATE variants SET n = 2 WHERE seq = 2'],
      ['its variant is another'],
    ],
    [
      'a variant of nobody',
      [`INSERT INTO variants VALUES ('x', 'x', 1, 1, NULL)`],
      ['there are variants of no record'],
    ],
  ])('%s', async (_, statements, messages) => {
    const { path } = await honest()
    alter(path, ...statements)
    const { verdict, problems } = verify(path)
    expect(verdict).toBe('damaged')
    expect(problems.map(({ message }) => message).toSorted()).toEqual(messages.toSorted())
  })
})

describe('a schema that is not ours', () => {
  it.each([
    [
      'CREATE TRIGGER x AFTER INSERT ON chain BEGIN DELETE FROM limit_totals; END',
      'the store has the trigger `x`, which this program does not make',
    ],
    [
      'CREATE VIEW v AS SELECT * FROM chain',
      'the store has the view `v`, which this program does not make',
    ],
    ['CREATE TABLE t (a)', 'the store has the table `t`, which this program does not make'],
    [
      'CREATE INDEX i ON chain (hash)',
      'the store has the index `i`, which this program does not make',
    ],
    ['DROP INDEX holds_open', 'the index `holds_open` is missing'],
    ['ALTER TABLE freeze ADD COLUMN x TEXT', 'the table `freeze` is not as this program makes it'],
  ])('%s', async (sql, message) => {
    const { path } = await honest()
    alter(path, sql)
    expect(verify(path)).toMatchObject({ verdict: 'damaged', problems: [{ message }] })
  })

  it('is not what ANALYZE leaves', async () => {
    const { path } = await honest()
    alter(path, 'ANALYZE')
    expect(verify(path).verdict).toBe('intact')
  })
})

const limitStep = fc.record({
  owner: fc.integer({ min: 0, max: 3 }),
  amount: fc.integer({ min: 0, max: 20 }),
  passes: fc.constantFrom(0, 1, 100, HOUR, 20 * HOUR, 3 * DAY),
  windowMs: fc.constantFrom(DAY, DAY, DAY, 2 * DAY, 1_500),
  act: fc.constantFrom('charge', 'charge', 'charge', 'charge', 'release'),
})

type LimitStep = typeof limitStep extends fc.Arbitrary<infer T> ? T : never

/** Charges, also repeated and raised ones unless each has an owner of its own; releases; a policy that changes the window. */
async function spent(steps: readonly LimitStep[], ownOwners: boolean) {
  const { path, at, release, close } = await openedStore()
  let nowMs = START
  const charged = new Set<string>()
  for (const [n, { owner, amount, passes, windowMs, act }] of steps.entries()) {
    nowMs += passes
    const [oldest = ''] = charged
    if (act === 'release' && charged.delete(oldest)) release(nowMs, oldest)
    if (act === 'release') continue
    const name = `owner-${ownOwners ? n : owner}`
    const key = { requestId: name, signerId: `signer-${n}` }
    const parts = { key, evidence: { owner: name } }
    const [said] = at(nowMs, entry({ ...parts, charges: [day(BigInt(amount), windowMs)] }))
    if (said === 'APPROVE') charged.add(name)
  }
  close()
  return { path, nowMs }
}

/** What counts of the limit now and later, as the handler reads it from its tables: numbers and amounts. */
function usage(path: string, nowMs: number): readonly number[] {
  return withDatabase(path, (db) => {
    const sql = 'SELECT max(window_ms) FROM limit_windows'
    const windowMs = Number(db.prepare(sql).pluck().get() ?? 0)
    const tables = createLimitTables(db)
    return [0, HOUR, 20 * HOUR, DAY, 2 * DAY].flatMap((later) => {
      const [used] = tables.usage({ day: windowMs }, nowMs + later)
      return [used?.count ?? 0, Number(used?.amount ?? 0)]
    })
  })
}

describe('limits of a store, whatever was charged', () => {
  const steps = fc.array(limitStep, { minLength: 1, maxLength: 20 })

  it('are explained by its records', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const { path } = await spent(taken, false)
        expect(verify(path).problems).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it('are not, once somebody made less of it count', async () => {
    const alteration = fc.constantFrom(
      'UPDATE limit_totals SET count = count - 1 WHERE until_ms = (SELECT max(until_ms) FROM limit_totals)',
      'UPDATE limit_totals SET count = count + 1 WHERE until_ms = (SELECT min(until_ms) FROM limit_totals)',
      'UPDATE limit_totals SET scale = scale + 1',
      'DELETE FROM limit_totals WHERE until_ms = (SELECT max(until_ms) FROM limit_totals)',
      'DELETE FROM limit_totals',
      `UPDATE limit_totals SET until_ms = until_ms - ${DAY}`,
      `UPDATE limit_charges SET time = time - ${DAY}`,
      'DELETE FROM limit_charges',
    )
    let found = 0
    await fc.assert(
      fc.asyncProperty(steps, alteration, async (taken, sql) => {
        const { path, nowMs } = await spent(taken, true)
        const before = usage(path, nowMs)
        alter(path, sql)
        if (usage(path, nowMs).every((used, n) => used >= (before[n] ?? 0))) return
        expect(verify(path).verdict).toBe('damaged')
        found += 1
      }),
      { numRuns: 60 },
    )
    expect(found).toBeGreaterThan(20)
  })
})
