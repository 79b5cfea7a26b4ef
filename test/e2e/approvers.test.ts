/** Approvers from enrolment to the audit: by a key with a passphrase on another machine, and by a passkey. */
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { HandlerStatus, HoldActs, HoldInfo, HoldList } from '../../common/admin-api.ts'
import { asserted, challengeOf, ORIGIN, p256, spkiOf } from '../fixtures/approvers.ts'
import { claimsOf, startTestHandler, transfer } from '../fixtures/handler.ts'
import type { TestHandler } from '../fixtures/handler.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const RULES = `
groups: { treasury: [ada, bob] }
rules:
  - id: large
    when: { asset: ETH_TEST }
    then: { action: RETRY, reason: treasury is asked, hold: { approvals: { treasury: 2 } } }
`
const BOB = p256()
const BOBS = `  bob: { keys: [{ publicKey: "${spkiOf(BOB)}", passkey: { id: Y3JlZA, origin: "${ORIGIN}" } }] }`

const GUARDED = `acts: { unfreeze: { treasury: 1 }, limits-release: { treasury: 1 }, pairing: { treasury: 1 }, rotation: { treasury: 1 }, policy: { treasury: 1 } }
`

async function ask(handler: TestHandler): Promise<unknown> {
  return claimsOf((await handler.callback(transfer('a', '50'))).body)['action']
}

async function onlyHold(handler: TestHandler): Promise<HoldInfo> {
  const { holds } = JSON.parse((await handler.command('hold', 'list', '--json')).out) as HoldList
  const [hold] = holds
  if (hold === undefined) throw new Error('a hold was expected')
  return hold
}

/** A handler whose policy names ada, with a key in a file, and bob, with a passkey. */
async function treasury(more = '') {
  const place = await temporaryDirectory()
  const [key, passphrase] = [join(place, 'ada.pem'), join(place, 'passphrase')]
  await writeFile(passphrase, 'correct horse\n', { mode: 0o600 })
  // Only its commands are needed: they ask no handler.
  const desk = await startTestHandler()
  const secret = ['--passphrase-file', passphrase]
  const made = await desk.command('approver', 'enrol', '--name', 'ada', '--out', key, ...secret)
  expect(made).toMatchObject({
    exitCode: 0,
    err: expect.stringMatching(/fingerprint (?:[0-9a-f]{4} ?){5}/),
  })
  const policy = `version: 1\n${made.out}${BOBS}${RULES}${more}`
  const handler = await startTestHandler({ policy })
  /** Lets ada approve, or refuse, what waits under an id. */
  const decide = async (at: TestHandler, id: string, verdict: 'approve' | 'reject' = 'approve') => {
    const [act, signature] = [join(place, 'act'), join(place, 'signature')]
    const asked = await at.command(
      'hold',
      'request',
      id,
      ...(verdict === 'reject' ? ['--reject'] : []),
    )
    expect(asked.exitCode).toBe(0)
    await writeFile(act, asked.out)
    const signed = await at.command('approval', 'sign', act, '--key', key, ...secret, '--yes')
    await writeFile(signature, signed.out)
    return at.command('hold', verdict, id, '--approver', 'ada', '--signature', signature)
  }
  return { handler, policy, place, key, secret, decide }
}

/** The digest of the policy in force. */
async function inForce(handler: TestHandler): Promise<string> {
  return ((await handler.admin('GET', '/v1/status')).json as HandlerStatus).policyDigest
}

describe('approvers', () => {
  it('sign what they approve, and the audit shows who with which key', async () => {
    const { handler, place, key, secret } = await treasury()
    expect((await stat(key)).mode & 0o777).toBe(0o600)
    expect(await readFile(key, 'utf8')).toContain('ENCRYPTED PRIVATE KEY')
    expect(await ask(handler)).toBe('RETRY')
    const { id } = await onlyHold(handler)

    const typed = await handler.approveHold(id, '--by', 'ada')
    expect(typed).toMatchObject({ exitCode: 1, err: expect.stringContaining('a name is no proof') })

    const act = join(place, 'act')
    const { out: text } = await handler.command('hold', 'request', id)
    await writeFile(act, text)
    const locked = await handler.command('approval', 'sign', act, '--key', key, '--yes')
    expect(locked).toMatchObject({ exitCode: 2, err: expect.stringContaining('--passphrase-file') })
    const unasked = await handler.command('approval', 'sign', act, '--key', key, ...secret)
    expect(unasked).toMatchObject({ exitCode: 2, err: expect.stringContaining('nobody to ask') })
    const no = await handler.commandAt(false, 'approval', 'sign', act, '--key', key, ...secret)
    expect(no).toMatchObject({ exitCode: 2, out: '' })
    const signed = await handler.commandAt(true, 'approval', 'sign', act, '--key', key, ...secret)
    expect(signed.exitCode).toBe(0)
    expect(signed.err).toContain('verdict: approve')
    expect(signed.err).toContain('what: TRANSFER 50 ETH_TEST from VAULT 0')
    const signature = join(place, 'signature')
    await writeFile(signature, signed.out)
    const approve = (...more: string[]) =>
      handler.command('hold', 'approve', id, '--signature', signature, ...more)
    expect((await approve('--approver', 'bob')).exitCode).toBe(1)
    expect((await approve('--approver', 'ada', '--by', 'ada')).exitCode).toBe(2)
    expect(
      (await handler.command('hold', 'reject', id, '--approver', 'ada', '--signature', signature))
        .exitCode,
    ).toBe(1)
    expect(await approve('--approver', 'ada')).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('1 more person must approve'),
    })
    expect(await ask(handler)).toBe('RETRY')

    const { json } = await handler.admin('GET', `/v1/holds/${id}/request`)
    const assertion = asserted(BOB, { challenge: challengeOf((json as HoldActs).approve) })
    const body = { by: 'bob', note: '', assertion }
    expect(await handler.admin('POST', `/v1/holds/${id}/approve`, body)).toMatchObject({
      status: 200,
      json: { state: 'released', approvals: ['ada', 'bob'], groups: { treasury: 2 } },
    })
    const { out: shown } = await handler.command('hold', 'show', id)
    expect(shown).toMatch(/asked +│ 2 of treasury: ada, bob/)
    expect(shown).toMatch(/approved by +│ ada, proved with key (?:[0-9a-f]{4} ?){5}/)
    expect(await ask(handler)).toBe('APPROVE')
    const { out: story } = await handler.command('audit', 'show', id)
    expect(story).toMatch(/proof\W+key +│ [0-9a-f]{64}/)
    await handler.stop()
    expect(await handler.command('audit', 'verify', '--json')).toMatchObject({
      exitCode: 0,
      err: '',
    })
  })

  it('who are removed count no more, with what they said before', async () => {
    const { handler, policy, place, key, secret } = await treasury()
    await ask(handler)
    const { id } = await onlyHold(handler)
    const act = join(place, 'act')
    await writeFile(act, (await handler.command('hold', 'request', id)).out)
    const signed = await handler.command('approval', 'sign', act, '--key', key, ...secret, '--yes')
    await writeFile(join(place, 'signature'), signed.out)
    const given = ['--approver', 'ada', '--signature', join(place, 'signature')]
    expect((await handler.command('hold', 'approve', id, ...given)).exitCode).toBe(0)
    const other = policy
      .replace(/ada:\n {4}keys/, 'eve:\n    keys')
      .replace('[ada, bob]', '[eve, bob]')
    await writeFile(join(handler.home, 'policy.yaml'), other)
    await handler.command('policy', 'reload')
    expect(await ask(handler)).toBe('RETRY')
    expect(await onlyHold(handler)).toMatchObject({ state: 'waiting', approvals: [], approved: 0 })
    expect(await handler.command('hold', 'approve', id, ...given)).toMatchObject({ exitCode: 1 })
    await handler.stop()
    expect(await handler.command('audit', 'verify', '--json')).toMatchObject({ exitCode: 0 })
  })

  it('keep their keys to themselves, and enrol with what can be one', async () => {
    const { handler, place, key, secret } = await treasury()
    const enrol = (...more: string[]) =>
      handler.command('approver', 'enrol', '--name', 'eve', ...more)
    const again = await enrol('--key', key, ...secret, '--not-after', '2027-12-31')
    expect(again.out).toMatch(/^approvers:\n {2}eve:\n[^]*notAfter: 2027-12-31T00:00:00.000Z\n$/)
    for (const [more, said] of [
      [['--out', key], 'it exists'],
      [[], 'either'],
      [['--key', key], '--passphrase-file'],
      [['--key', join(place, 'none')], 'cannot be read'],
      [['--key', join(place, 'passphrase')], 'no PEM key'],
      [['--key', key, '--not-after', 'soon'], 'ISO 8601'],
    ] as const) {
      expect(await enrol(...more)).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining(said),
      })
    }
    await chmod(key, 0o644)
    const open = await enrol('--key', key, ...secret)
    expect(open.exitCode).not.toBe(0)
    expect(open.err).toMatch(/chmod|others/)
  })
})

describe('acts under groups', () => {
  it('wait for people, and are done once', async () => {
    const { handler, decide } = await treasury(GUARDED)
    const freeze = async () => {
      expect((await handler.command('freeze', '--by', 'dora', '--reason', 'why')).exitCode).toBe(0)
    }
    const unfreeze = () => handler.command('unfreeze', '--by', 'dora')
    await freeze()
    const waits = await unfreeze()
    expect(waits).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('unfreeze waits for people'),
    })
    const { id } = await onlyHold(handler)
    expect((await handler.command('hold', 'show', id)).out).toMatch(
      /what +│ end the freeze by dora/,
    )
    const { digest } = JSON.parse((await handler.command('hold', 'show', id, '--json')).out) as {
      digest: string
    }
    expect(
      (await handler.command('hold', 'approve', id, '--by', 'ada', '--digest', digest)).exitCode,
    ).toBe(1)
    expect((await decide(handler, id)).exitCode).toBe(0)
    expect((await unfreeze()).exitCode).toBe(0)
    // Another freeze is another act.
    await freeze()
    expect((await unfreeze()).exitCode).toBe(1)
    const again = await onlyHold(handler)
    expect(again.id).not.toBe(id)
    // No co-signer asks for it: it has all the time that people have.
    expect(again.retryUntil).toBe(again.expiresAt)
    expect((await decide(handler, again.id, 'reject')).exitCode).toBe(0)
    expect(await unfreeze()).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('refused by ada'),
    })
    const limits = ['limits', 'release', 'tx-1', '--by', 'dora']
    expect(await handler.command(...limits)).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('waits for people'),
    })
    const { out: story } = await handler.command('audit', 'show', id)
    expect(story).toMatch(/: asked[^]*: hold-approve[^]*: unfreeze/)
    await handler.stop()
    expect(await handler.command('audit', 'verify', '--json')).toMatchObject({
      exitCode: 0,
      err: '',
    })
  })

  it('of the bootstrapper wait as well: a further generation, a pairing, and its end', async () => {
    const { handler, decide } = await treasury(GUARDED)
    const needs = { live: 1, pending: null, drainMs: 60_000 }
    const steps = [
      ['PUT', '/v1/generations/2', {}],
      ['PUT', '/v1/pairings/co-1/user-1', needs],
      ['DELETE', '/v1/pairings/co-1/user-1', undefined],
    ] as const
    for (const [method, path, body] of steps) {
      const waits = await handler.admin(method, path, body)
      expect(waits).toMatchObject({ status: 409, json: { error: { code: 'ERR_ACT_WAITING' } } })
      const { id } = await onlyHold(handler)
      expect((await decide(handler, id)).exitCode).toBe(0)
      expect(await handler.admin(method, path, body)).toMatchObject({ status: 200 })
      expect((await handler.command('hold', 'list')).out).toBe('nothing is held\n')
    }
    // What is there needs nobody again.
    expect(await handler.admin('PUT', '/v1/generations/2', {})).toMatchObject({ status: 200 })
    await handler.stop()
    expect(await handler.command('audit', 'verify', '--json')).toMatchObject({
      exitCode: 0,
      err: '',
    })
  })

  it('a changed policy waits, also over a restart, and is activated once approved', async () => {
    const { handler, policy, decide } = await treasury(GUARDED)
    const first = await inForce(handler)
    const file = join(handler.home, 'policy.yaml')
    const weaker = policy.replace(GUARDED, '').replace('treasury: 2', 'treasury: 1')
    await writeFile(file, weaker)
    const reload = await handler.command('policy', 'reload')
    expect(`${reload.out}${reload.err}`).toContain('policy waits for people: 0 of 1')
    expect(await inForce(handler)).toBe(first)
    await handler.stop()
    const again = await startTestHandler({ directory: handler.home, policy: weaker })
    expect(await inForce(again)).toBe(first)
    await again.command('policy', 'reload')
    const { id } = await onlyHold(again)
    expect((await decide(again, id)).exitCode).toBe(0)
    await again.command('policy', 'reload')
    const second = await inForce(again)
    expect(second).not.toBe(first)
    const { out } = await again.command('audit', 'show', id)
    expect(out).toMatch(/: policy-load/)
    expect(out).toContain(second)
    expect(out).toContain(first)
    await again.stop()
    expect(await again.command('audit', 'verify', '--json')).toMatchObject({ exitCode: 0, err: '' })
    const third = await startTestHandler({ directory: handler.home, policy: weaker })
    expect(await inForce(third)).toBe(second)
  })

  it('a policy that was put in the place of the activated one keeps the handler from starting', async () => {
    const { handler, policy } = await treasury(GUARDED)
    const first = await inForce(handler)
    await handler.stop()
    const copy = join(handler.stateDir, 'policies', first, 'policy.yaml')
    await writeFile(copy, policy.replace('treasury: 2', 'treasury: 1'))
    await expect(startTestHandler({ directory: handler.home, policy })).rejects.toThrow()
  })
})
