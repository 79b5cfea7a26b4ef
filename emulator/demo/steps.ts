/** The steps of the demo, in the order in which a user meets them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts, runToEnd, type Service, startService } from './programs.ts'
import { configChange, POLICY, transfer } from './requests.ts'
import type { TrafficCounts } from '../traffic.ts'
import type { Story } from './story.ts'

/** What is running, and how to talk to it. */
export interface Parties {
  readonly directory: string
  readonly handler: Service
  readonly emulator: Service
  readonly stateDir: string
  readonly controlUrl: string
  readonly cosignerId: string
  /** The co-signer's public key, as the handler has it. */
  readonly cosignerPublicKeyPath: string
  /** Environment of the bootstrapper. */
  readonly env: Readonly<Record<string, string>>
}

interface EmulatorJson {
  readonly apiBasePath: string
  readonly apiKey: string
  readonly secretKeyPath: string
  readonly cosignerId: string
  readonly cosignerPublicKeyPath: string
  readonly controlUrl: string
}

interface CallbackResult {
  readonly action?: string
  readonly rejectionReason?: string | null
  readonly url?: string
  readonly durationMs?: number
  readonly error?: { readonly kind?: string; readonly status?: number; readonly message?: string }
}

/** Starts the emulator and the handler. */
export async function startParties(directory: string, story: Story): Promise<Parties> {
  story.step('Start the emulator of the custody API and of the co-signer')
  const emulatorDir = join(directory, 'emulator')
  await mkdir(emulatorDir, { mode: 0o700 })
  const emulator = await startService(
    'emulator/main.js',
    ['--listen', '127.0.0.1:0', '--dir', emulatorDir, '--auto-approve', '1500'],
    {},
    'ready',
  )
  const remote: EmulatorJson = JSON.parse(
    await readFile(join(emulatorDir, 'emulator.json'), 'utf8'),
  )
  story.evidence('API', remote.apiBasePath)
  story.evidence('co-signer', remote.cosignerId)
  story.evidence('approvals', 'given by themselves after 1.5 s, as people would later')

  story.step('Start the handler with the co-signer’s public key and a policy')
  const stateDir = join(directory, 'state')
  const policyFile = join(directory, 'policy.yaml')
  await writeFile(policyFile, POLICY)
  const [a = 0, b = 0, ops = 0] = await freePorts(3)
  const handler = await startService(
    'handler/main.js',
    ['run'],
    {
      HANDLER_STATE_DIR: stateDir,
      HANDLER_PUBLIC_URL: `https://localhost:${a},https://localhost:${b}`,
      HANDLER_LISTEN: `127.0.0.1:${a},127.0.0.1:${b}`,
      HANDLER_OPS_LISTEN: `127.0.0.1:${ops}`,
      HANDLER_COSIGNER_KEYS: remote.cosignerPublicKeyPath,
      HANDLER_POLICY_FILE: policyFile,
    },
    '"msg":"ready"',
  )
  story.evidence('base URL of generation 1', `https://localhost:${a}/g1`)
  const readiness = await fetch(`http://127.0.0.1:${ops}/readyz`)
  story.prove('the handler is ready: it can verify, sign and record', readiness.ok)
  return {
    directory,
    handler,
    emulator,
    stateDir,
    controlUrl: remote.controlUrl,
    cosignerId: remote.cosignerId,
    cosignerPublicKeyPath: remote.cosignerPublicKeyPath,
    env: {
      FIREBLOCKS_API_KEY: remote.apiKey,
      FIREBLOCKS_SECRET_KEY_PATH: remote.secretKeyPath,
      FIREBLOCKS_BASE_PATH: remote.apiBasePath,
    },
  }
}

/**
 * `bootstrap up`: API user from a CSR, approval, pairing, approval, read-back. Gives the API user's
 * id.
 */
export async function createAndPair(parties: Parties, story: Story): Promise<string> {
  story.step('Create the co-signer API user from a CSR (RSA-4096), and pair generation 1')
  const result = await bootstrap(parties, story, [
    'up',
    '--name',
    'demo',
    '--role',
    'SIGNER',
    '--setup-type',
    'SGX_MACHINE',
    '--org',
    'Demo',
  ])
  const apiKeyId = String(result['apiKeyId'])
  story.evidence('API user', apiKeyId)
  story.evidence('paired', String(result['url']))
  story.prove(
    'what is paired is what the handler serves (generation 1)',
    result['generation'] === 1,
  )
  const again = await bootstrap(parties, story, ['pair', '--api-key-id', apiKeyId])
  story.prove('running it again changes nothing', again['changed'] === false)
  return apiKeyId
}

/** Real callbacks over pinned TLS that end in every kind of answer. */
export async function callbacks(parties: Parties, story: Story): Promise<void> {
  story.step('The co-signer asks: pinned certificate, RS256 both ways')
  const ask = (endpoint: string, payload: unknown, extra = {}) =>
    control<CallbackResult>(parties, 'POST', '/callbacks', { endpoint, payload, ...extra })
  const expectAction = async (what: string, action: string, endpoint: string, payload: unknown) => {
    const answer = await ask(endpoint, payload)
    const reason = (answer.rejectionReason ?? '') === '' ? '' : ` (${answer.rejectionReason})`
    story.prove(
      `${what} → ${answer.action ?? JSON.stringify(answer.error)}${reason}`,
      answer.action === action,
    )
  }
  const tx = 'tx_sign_request'
  await expectAction('0.25 ETH_TEST5 to the allowed address', 'APPROVE', tx, transfer('0.25'))
  await expectAction('4 ETH_TEST5', 'RETRY', tx, transfer('4'))
  const stranger = `0x${'11'.repeat(20)}`
  await expectAction('0.25 ETH_TEST5 to a stranger', 'REJECT', tx, transfer('0.25', stranger))
  const config = 'config_change_sign_request'
  await expectAction(
    'an address is whitelisted',
    'APPROVE',
    config,
    configChange('UNMANAGED_WALLET'),
  )
  await expectAction(
    'the admin quorum is changed',
    'REJECT',
    config,
    configChange('CHANGE_QUORUM_THRESHOLD'),
  )
  const same = transfer('0.5')
  await expectAction('0.5 ETH_TEST5', 'APPROVE', tx, same)
  await expectAction('the very same request again', 'APPROVE', tx, same)
  const forged = await ask(tx, transfer('0.25'), { forge: 'wrong-key' })
  story.prove(
    `a token signed with another key is refused with status ${forged.error?.status}`,
    forged.action === undefined && forged.error?.status === 401,
  )
}

/** `bootstrap rotate` while callbacks keep flowing. */
export async function rotateUnderTraffic(
  parties: Parties,
  apiKeyId: string,
  story: Story,
): Promise<void> {
  story.step('Rotate key and certificate to generation 2 while callbacks keep flowing')
  await control(parties, 'POST', '/traffic', { ratePerSecond: 50, seconds: 60 })
  await sleep(500)
  const result = await bootstrap(parties, story, ['rotate', '--api-key-id', apiKeyId, '--yes'])
  story.evidence('paired', String(result['url']))
  story.prove('the co-signer now calls generation 2', result['generation'] === 2)
  await sleep(1000)
  await control(parties, 'DELETE', '/traffic')
  const traffic = await control<TrafficCounts>(parties, 'GET', '/traffic')
  story.evidence(
    'callbacks',
    `${traffic.sent} sent, ${traffic.answered.total} answered (${byCount(traffic.answered.byAction)}), ${traffic.failed.total} failed`,
  )
  for (const line of describeFailures(traffic)) story.evidence('failed', line)
  for (const [url, count] of Object.entries(traffic.byUrl)) {
    story.evidence(url, `${count.answered} answered`)
  }
  story.prove(
    'not one callback failed',
    traffic.failed.total === 0 && traffic.answered.total === traffic.sent,
  )
  story.prove('both generations were called', Object.keys(traffic.byUrl).length === 2)
}

/** What failed and how: how many of each kind, then the first failures, one a line. */
export function describeFailures({ failed, failures }: TrafficCounts): string[] {
  if (failed.total === 0) return []
  const first = failures.map((failure) => {
    const { kind = '', message = '' } = 'error' in failure ? failure.error : {}
    return `${kind} after ${Math.round(failure.durationMs)} ms at ${failure.url}: ${message}`
  })
  const more = failed.total - first.length
  return [byCount(failed.byKind), ...first, ...(more > 0 ? [`and ${more} more`] : [])]
}

function byCount(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}

/**
 * Stops both programs and verifies the audit chain from its file. The handler signs a checkpoint when
 * it stops, so that every record is signed; the co-signer signed each request.
 */
export async function verifyAudit(parties: Parties, story: Story): Promise<void> {
  story.step('Stop, and verify the audit chain')
  story.prove('the handler stops cleanly', (await parties.handler.stop()) === 0)
  const { stateDir, cosignerPublicKeyPath } = parties
  const places = ['--state-dir', stateDir, '--cosigner-keys', cosignerPublicKeyPath]
  const args = ['audit', 'verify', ...places, '--json']
  const { exitCode, stdout, stderr } = await runToEnd('handler/main.js', args, {})
  story.evidence('audit verify', stdout === '' ? stderr : JSON.stringify(JSON.parse(stdout)))
  story.prove(
    'the chain is intact: a checkpoint signs all records, the co-signer signed every request',
    exitCode === 0,
  )
  story.prove('the emulator stops cleanly', (await parties.emulator.stop()) === 0)
}

/** Runs the bootstrapper with `--json`, tells its story as evidence, and gives its result. */
async function bootstrap(
  parties: Parties,
  story: Story,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const shared = ['--cosigner-id', parties.cosignerId, '--state-dir', parties.stateDir]
  const all = [...args, ...shared, '--wait', '60s', '--json']
  const { exitCode, stdout } = await runToEnd('bootstrap/main.js', all, parties.env, (text) => {
    for (const line of text.split('\n')) if (line !== '') story.evidence('bootstrap', line)
  })
  story.prove(`bootstrap ${args[0]} ended with exit code ${exitCode}`, exitCode === 0)
  const result: Record<string, unknown> = JSON.parse(stdout)
  return result
}

async function control<T>(
  parties: Parties,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await fetch(`${parties.controlUrl}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const answer: T = JSON.parse(await response.text())
  return answer
}
