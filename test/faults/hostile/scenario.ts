/** Hostile input: nothing of it is approved, all that is not genuine looks the same, and the handler goes on serving. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ask, approvable, createClient, newAsk, newId, tokenOf, verdictOf } from '../client.ts'
import type { Client } from '../client.ts'
import { readRecords } from '../records.ts'
import { createHome, startHandler } from '../rig.ts'
import type { Running } from '../rig.ts'
import type { Context } from '../scenario.ts'
import { createWire } from '../wire.ts'
import { hostileContents } from './contents.ts'
import { mutate } from './mutations.ts'
import { hostileTokens } from './tokens.ts'
import { ACCEPTED, oldTls, rawMessages, TRIED } from './transport.ts'

const PATH = '/g1/v2/tx_sign_request'

/** A handler under attack, and how many log lines it owes. */
interface Target {
  readonly context: Context
  readonly handler: Running
  readonly client: Client
  delivered: number
  approved: number
}

export async function attack(context: Context): Promise<void> {
  const handler = await startHandler(await createHome(context.world, 'hostile'))
  const client = createClient(handler.home)
  const target: Target = { context, handler, client, delivered: 0, approved: 0 }
  await mustApprove(target)
  await unverified(target)
  await signedContents(target)
  await mustLogOncePerDelivery(target)
  await rawMessages(context, handler)
  await mustApprove(target)
  await oldTls(context, handler)
  client.close()
  const { code } = await handler.stop()
  context.report.must(code === 0, 'the handler ends in order after all hostile input', code)
}

/** The service is alive, and a genuine request is approved. */
async function mustApprove(target: Target): Promise<void> {
  const { context, client, handler } = target
  const good = newAsk(context.world.cosigner.privateKey, 'APPROVE')
  target.delivered += 1
  target.approved += 1
  const verdict = await ask(client, good, handler)
  context.report.must(
    verdict?.action === 'APPROVE',
    'genuine requests are approved in between',
    verdict,
  )
}

/** Fixed classes, then mutations until the time is up: one constant answer, no record, no call elsewhere. */
async function unverified(target: Target): Promise<void> {
  const { context, handler } = target
  const { report, world, chaos } = context
  let calls = 0
  const beacon = createServer((_, response) => {
    calls += 1
    response.end()
  })
  await new Promise<void>((resolve) => void beacon.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(beacon.address() as AddressInfo).port}`
  const before = await readRecords(handler.home)
  const approvedBefore = target.approved
  const wire = createWire(handler.home.port)
  const refusal = await wire.post(PATH, 'x')
  report.must(refusal.startsWith('HTTP/1.1 401 '), 'what is no token is refused with 401', refusal)
  target.delivered += 1
  const send = async (what: string, body: string | Buffer) => {
    const answer = await wire.post(PATH, body)
    target.delivered += 1
    report.count(TRIED)
    const accepted = answer.startsWith('HTTP/1.1 200 ')
    report.count(ACCEPTED, accepted ? 1 : 0)
    report.must(!accepted, 'a hostile token is not accepted', { what, answer })
    report.must(answer === refusal, 'all unverified failures are equal bytes', { what, answer })
  }
  const fixed = hostileTokens(world, url)
  for (const { what, body } of fixed) await send(what, body)
  const goods = Array.from({ length: 20 }, () => tokenOf(world.cosigner.privateKey, approvable()))
  const until = performance.now() + context.seconds * 1_000
  let mutations = 0
  for (; performance.now() < until; mutations += 1) {
    const n = mutations
    const [token = '', other = ''] = [goods[n % 20], goods[(n + 7) % 20]]
    await send(`mutation ${n}`, mutate(token, other, chaos))
    if (n % 500 === 0) await mustApprove(target)
  }
  wire.close()
  const added = (await readRecords(handler.home)).count - before.count
  const approved = target.approved - approvedBefore
  report.must(added === approved, 'unverified input leaves no record', { added, approved })
  report.must(calls === 0, 'no key is fetched from a URL in a token', calls)
  beacon.close()
  report.say(`${fixed.length} classes of tokens, ${mutations} mutations`)
}

/** Signed by the co-signer, chosen by somebody else: answered, but not with an approval; ids come back byte for byte. */
async function signedContents(target: Target): Promise<void> {
  const { context, client, handler } = target
  const { report, world } = context
  const contents = hostileContents()
  for (const { what, payload, mayApprove } of contents) {
    const id = newId()
    const seen = await client.post(
      tokenOf(world.cosigner.privateKey, payload.replaceAll('<id>', id)),
    )
    target.delivered += 1
    report.count(TRIED)
    const verdict = verdictOf(seen, id, handler.answerKey)
    const said = seen.status === 200 ? claimed(seen.body) : undefined
    const accepted = said?.['action'] === 'APPROVE' && !mayApprove
    report.count(ACCEPTED, accepted ? 1 : 0)
    report.must(!accepted, 'signed hostile content is not approved', { what, said })
    report.must(seen.status < 500, 'content causes no 5xx', { what, status: seen.status })
    report.must(!mayApprove || verdict?.action === 'APPROVE', 'free text changes no decision', {
      what,
      said,
    })
  }
  await mustApprove(target)
  report.say(`${contents.length} signed requests with hostile content`)
}

function claimed(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
}

/** Each delivery is one line, each line is one JSON object in plain ASCII, and none holds hostile text as it was. */
async function mustLogOncePerDelivery({
  context: { report },
  handler,
  delivered,
}: Target): Promise<void> {
  for (let tries = 0; tries < 50 && deliveriesIn(handler.lines) < delivered; tries += 1) {
    await new Promise((resolve) => void setTimeout(resolve, 50))
  }
  report.must(deliveriesIn(handler.lines) === delivered, 'each delivery is one log line', {
    delivered,
    lines: deliveriesIn(handler.lines),
  })
  for (const line of handler.lines) {
    report.must(
      isObject(line) && /^[\x20-\x7e]*$/.test(line),
      'each log line is one ASCII JSON object',
      line,
    )
  }
  report.count('log lines parsed', handler.lines.length)
}

function deliveriesIn(lines: readonly string[]): number {
  return lines.filter((line) => /"msg":"(decided|refused)"\}$/.test(line)).length
}

function isObject(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object'
  } catch {
    return false
  }
}
