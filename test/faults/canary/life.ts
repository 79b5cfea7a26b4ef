/** Everything that bootstrapper, co-signer and operator do to a handler, with every mistake, and what they get to see. */
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { FORGERIES } from '../../../emulator/forgeries.ts'
import { runToEnd } from '../../../emulator/demo/programs.ts'
import type { Finished } from '../../../emulator/demo/programs.ts'
import { transfer } from '../../../emulator/demo/requests.ts'
import { approvable, createClient, encode, tokenOf } from '../client.ts'
import type { Report } from '../report.ts'
import type { Home, Running, World } from '../rig.ts'
import type { Output } from './secrets.ts'

/** What the emulator writes about itself. */
export interface EmulatorJson {
  readonly apiBasePath: string
  readonly apiKey: string
  readonly secretKeyPath: string
  readonly cosignerId: string
  readonly cosignerPublicKeyPath: string
  readonly controlUrl: string
}

/** What is alive, and everything that was ever shown. */
export interface Life {
  readonly world: World
  readonly home: Home
  readonly handler: Running
  readonly remote: EmulatorJson
  readonly env: Readonly<Record<string, string>>
  readonly outputs: Output[]
  readonly report: Report
}

/** Pairs, asks everything, errs in every way, rotates; gives the bodies that were sent by hand. */
export async function wholeLife(life: Life, short: boolean): Promise<string[]> {
  await bootstrap(
    life,
    'up',
    '--name',
    'canary',
    '--role',
    'SIGNER',
    '--setup-type',
    'SGX_MACHINE',
    '--org',
    'X',
  )
  const user = /"apiKeyId":\s*"([^"]+)"/.exec(life.outputs.at(-2)?.text ?? '')?.[1] ?? ''
  await bootstrap(
    life,
    'create-user',
    '--first-user',
    '--name',
    'second',
    '--role',
    'SIGNER',
    '--setup-type',
    'SGX_MACHINE',
    '--org',
    'X',
  )
  await bootstrap(life, 'status', '--api-key-id', user)
  await bootstrap(life, 'pair', '--api-key-id', user, '--dry-run')
  await callback(life, transfer('0.25'))
  await callback(life, transfer('4'))
  await callback(life, transfer('0.25', `0x${'11'.repeat(20)}`))
  await callback(life, { ...transfer('0.25'), requestId: 7 })
  for (const forge of FORGERIES) await callback(life, transfer('0.25'), { forge })
  const bodies = await byHand(life)
  await writeFile(join(life.home.dir, 'policy.yaml'), 'version: 1\nrules: [')
  await operator(life)
  await bootstrap(life, 'rotate', '--api-key-id', user, '--yes', '--drain', '1s')
  if (!short) {
    await bootstrap(life, 'doctor', '--api-key-id', user)
    const wrongKey = join(life.home.stateDir, 'keys', 'g1', 'public.pem')
    for (const wrong of [{ FIREBLOCKS_SECRET_KEY_PATH: wrongKey }, { FIREBLOCKS_API_KEY: user }]) {
      const env = { ...life.env, ...wrong }
      await tryBootstrap({ ...life, env }, 'status', '--api-key-id', user)
    }
  }
  for (const wrong of [{ HANDLER_KEY_PASSPHRASE_FILE: join(life.home.dir, 'policy.yaml') }, {}]) {
    const env = { ...life.home.env, ...wrong }
    show(life, 'check', await runToEnd('handler/main.js', ['check', '--json'], env))
  }
  return bodies
}

/** Tokens that are wrong, sent without the emulator, and the answers to them. */
async function byHand({ home, world, outputs }: Life): Promise<string[]> {
  const client = createClient(home)
  const good = tokenOf(world.cosigner.privateKey, approvable())
  const bodies = [
    good,
    `${good}\n`,
    good.slice(0, -9),
    tokenOf(world.foreign.privateKey, approvable()),
    'a.b.c',
  ]
  for (const body of bodies) {
    outputs.push({ name: 'answer', text: (await client.post(body)).body })
    outputs.push({ name: 'answer', text: (await client.post(body, `/g1/v2/${encode('x')}`)).body })
  }
  client.close()
  return bodies.filter((body) => body.split('.')[2] !== 'c')
}

/** What the operator asks over the admin socket and the operator's port, right and wrong. */
async function operator({ home, outputs }: Life): Promise<void> {
  for (const path of ['/metrics', '/readyz', '/livez', '/x']) {
    const response = await fetch(`http://127.0.0.1:${home.opsPort}${path}`)
    outputs.push({ name: path, text: await response.text() })
  }
  const asks = [
    ['GET', '/v1/status', ''],
    ['PUT', '/v1/generations/1', '{}'],
    ['PUT', '/v1/generations/1', '{'],
    ['POST', '/v1/generations/9/self-test', '{"nonce":"0123456789abcdef"}'],
    ['POST', '/v1/generations/1/self-test', '{"nonce":"short"}'],
    ['GET', '/v1/holds', ''],
    ['GET', '/v1/nothing', ''],
  ] as const
  for (const [method, path, body] of asks) {
    outputs.push({ name: `admin ${path}`, text: await admin(home, method, path, body) })
  }
}

function admin({ stateDir }: Home, method: string, path: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: join(stateDir, 'admin.sock'), method, path }
    const outgoing = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Runs a command of the bootstrapper to its end. */
async function bootstrap(life: Life, command: string, ...more: string[]): Promise<void> {
  const { exitCode, stderr } = await tryBootstrap(life, command, ...more)
  life.report.must(exitCode === 0, 'the bootstrapper does its part', { command, exitCode, stderr })
}

async function tryBootstrap(life: Life, command: string, ...more: string[]): Promise<Finished> {
  const { remote, home, env } = life
  const cosigner = command === 'create-user' ? [] : ['--cosigner-id', remote.cosignerId]
  const wait = ['status', 'doctor'].includes(command) ? [] : ['--wait', '60s']
  const args = [command, ...more, ...cosigner, ...wait, '--state-dir', home.stateDir, '--json']
  const finished = await runToEnd('bootstrap/main.js', args, env)
  show(life, `bootstrap ${command}`, finished)
  return finished
}

/** Keeps what a program printed. */
export function show(
  { outputs }: Life,
  name: string,
  { stdout, stderr }: { stdout: string; stderr: string },
) {
  outputs.push({ name: `${name} stdout`, text: stdout }, { name: `${name} stderr`, text: stderr })
}

async function callback({ remote }: Life, payload: object, more: object = {}): Promise<void> {
  const body = JSON.stringify({ endpoint: 'tx_sign_request', payload, ...more })
  await fetch(`${remote.controlUrl}/callbacks`, { method: 'POST', body }).then((answer) =>
    answer.text(),
  )
}
