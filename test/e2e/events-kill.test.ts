/** A thousand events, a target that is down, fails, is slow and restarts, and a handler that is killed in between. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterEach, expect, it } from '@jest/globals'
import { eventReceiver, SECRET } from '../fixtures/event-receiver.ts'
import { claimsOf, handlerSetup, postTo, transfer, until } from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'
import { tokenOf } from '../fixtures/tokens.ts'

const MAIN = join(import.meta.dirname, '../../dist/handler/main.js')

const HOLDS = 500

const POLICY = `version: 1
default: REJECT
rules:
  - id: small
    when: { endpoint: tx_sign_request, amount: { max: "1" } }
    then: APPROVE
  - id: large
    when: { endpoint: tx_sign_request }
    then: { action: RETRY, reason: a person is asked, hold: {} }
`

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

it('are each taken at least once, in the order of each hold, and every callback is answered', async () => {
  const ops = await eventReceiver()
  const dead = await eventReceiver()
  await dead.stop()
  ops.answer = (response) => response.writeHead(500).end()
  const { home, settings, ports } = await handlerSetup({ policy: POLICY })
  const file = join(home, 'events.yaml')
  await writeFile(join(home, 'secret'), SECRET, { mode: 0o600 })
  const targets = [ops, dead].map(({ url }, at) => ({ name: `t${at}`, url, secretFile: 'secret' }))
  await writeFile(file, JSON.stringify({ version: 1, targets }), { mode: 0o644 })

  const start = async () => {
    const env = { ...settings, HANDLER_EVENTS_FILE: file }
    const child = spawn(process.execPath, [MAIN, 'run'], { env, stdio: 'pipe' })
    children.push(child)
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    await until(() => out.includes('"msg":"ready"'))
    return child
  }
  const { privateKey } = await testKey('cosigner')
  const [port = 0] = ports
  const actions = new Map<string, number>()
  const ask = async (id: string, amount: string) => {
    const token = tokenOf(privateKey, transfer(id, amount)).toString()
    const { body } = await postTo(port, '/g1/v2/tx_sign_request', token)
    const action = String(claimsOf(body)['action'])
    actions.set(action, (actions.get(action) ?? 0) + 1)
  }
  const socketPath = join(String(settings['HANDLER_STATE_DIR']), 'admin.sock')

  const first = await start()
  for (let n = 0; n < HOLDS; n += 10) {
    const ids = Array.from({ length: 10 }, (_, at) => `held-${n + at}`)
    await Promise.all([...ids.map((id) => ask(id, '5')), ask(`small-${n}`, '1')])
  }
  const ids = await openHolds(socketPath)
  expect(ids).toHaveLength(HOLDS)
  await ops.stop()
  for (const id of ids.slice(0, HOLDS / 2)) await refuse(socketPath, id)

  // It has failed and was down; it comes back, and is slow now and then.
  const before = ops.received.length
  let attempts = 0
  ops.answer = (response) => {
    attempts += 1
    if (attempts % 50 === 0) setTimeout(() => response.writeHead(204).end(), 300)
    else response.writeHead(204).end()
  }
  await ops.restart()
  await until(() => ops.received.length > before + 200)
  first.kill('SIGKILL')
  await once(first, 'exit')

  await start()
  for (const id of ids.slice(HOLDS / 2)) await refuse(socketPath, id)
  await ask('small-again', '1')
  await ops.stop()
  await ask('small-while-down', '1')
  await ops.restart()
  const taken = () => new Set(ops.taken.map(({ id }) => id)).size
  await until(() => taken() === 2 * HOLDS)

  expect(ops.received.every(({ genuine }) => genuine)).toBe(true)
  for (const id of ids) {
    const own = ops.taken.filter(({ data }) => data['hold'] === id).map(({ type }) => type)
    const [opened, ...rest] = own
    expect(opened).toBe('hold.opened')
    // What went out again after the kill is the same event; the refusal never comes first.
    expect(rest.at(-1)).toBe('hold.refused')
  }
  expect(Object.fromEntries(actions)).toEqual({ RETRY: HOLDS, APPROVE: HOLDS / 10 + 2 })
  expect(dead.received).toEqual([])
})

async function openHolds(socketPath: string): Promise<string[]> {
  const { holds } = (await admin(socketPath, 'GET', '/v1/holds')) as { holds: { id: string }[] }
  return holds.map(({ id }) => id)
}

async function refuse(socketPath: string, id: string): Promise<void> {
  const answer = await admin(socketPath, 'POST', `/v1/holds/${id}/reject`, { by: 'alice' })
  expect(answer).toMatchObject({ state: 'rejected' })
}

function admin(socketPath: string, method: string, path: string, body?: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve(JSON.parse(text)))
    })
    asked.on('error', reject)
    asked.end(body === undefined ? '' : JSON.stringify(body))
  })
}
