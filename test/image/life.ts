/** One life of a pairing, the same wherever it is lived: create and pair, callbacks, rotation, restart, audit. */
import { setTimeout as sleep } from 'node:timers/promises'
import { transfer } from '../../emulator/demo/requests.ts'
import { describeFailures } from '../../emulator/demo/steps.ts'
import type { TrafficCounts } from '../../emulator/traffic.ts'
import type { Report } from '../faults/report.ts'
import type { Outcome } from './programs.ts'

/** Where the programs run, and how they are reached there. */
export interface Site {
  /** Calls the emulator's control API. */
  control(method: string, path: string, body?: unknown): Promise<unknown>
  /** Runs the bootstrapper against the emulator. */
  bootstrap(...args: string[]): Promise<Outcome>
  /** Runs a command of the handler where the handler runs. */
  handler(...args: string[]): Promise<Outcome>
  /** Ends the handler in order and starts it again, as the platform does; resolves when it is ready. */
  restart(): Promise<void>
}

/** Lives it; what does not hold is a violation. */
export async function live(site: Site, cosignerId: string, report: Report): Promise<void> {
  const ask = async (payload: unknown): Promise<string> => {
    const answer = await site.control('POST', '/callbacks', {
      endpoint: 'tx_sign_request',
      payload,
    })
    const action = Object.getOwnPropertyDescriptor(answer, 'action')?.value
    report.count('callbacks')
    return typeof action === 'string' ? action : JSON.stringify(answer)
  }
  const expectAction = async (what: string, payload: unknown, expected: string) => {
    const action = await ask(payload)
    report.must(action === expected, `${what} is answered ${expected}`, action)
  }
  const pairing = ['--cosigner-id', cosignerId]
  const bootstrap = async (...args: string[]): Promise<Record<string, unknown>> => {
    const outcome = await site.bootstrap(...args, '--json')
    report.must(outcome.exitCode === 0, `\`${args[0]}\` ends with exit code 0`, outcome)
    const result: Record<string, unknown> = JSON.parse(outcome.stdout || '{}')
    return result
  }

  await site.control('POST', '/auto-approve', { after_ms: 300 })
  report.say('creates the API user and pairs it')
  const up = await bootstrap(
    'up',
    ...pairing,
    '--name',
    'harness',
    '--role',
    'SIGNER',
    '--wait',
    '60s',
  )
  report.must(up['generation'] === 1, 'generation 1 is paired', up)
  pairing.push('--api-key-id', String(up['apiKeyId']))

  report.say('callbacks')
  const approved = transfer('0.25')
  await expectAction('what the policy allows', approved, 'APPROVE')
  await expectAction('what is for people', transfer('4'), 'RETRY')
  await expectAction('a stranger', transfer('0.25', `0x${'11'.repeat(20)}`), 'REJECT')

  report.say('rotates while callbacks flow')
  await site.control('POST', '/traffic', { ratePerSecond: 20, seconds: 60 })
  const rotated = await bootstrap('rotate', ...pairing, '--yes', '--wait', '60s')
  report.must(rotated['generation'] === 2, 'generation 2 is paired', rotated)
  await sleep(1_000)
  await site.control('DELETE', '/traffic')
  const traffic = (await site.control('GET', '/traffic')) as TrafficCounts
  report.count('callbacks', traffic.sent)
  report.must(traffic.failed.total === 0, 'no callback fails', describeFailures(traffic))
  report.must(Object.keys(traffic.byUrl).length === 2, 'both generations are called', traffic.byUrl)

  report.say('restarts')
  await site.restart()
  await expectAction('the same request after a restart', approved, 'APPROVE')
  await bootstrap('doctor', ...pairing)
  const verified = await site.handler('audit', 'verify', '--json')
  // 11: consistent, and what came after the last checkpoint is not signed yet.
  report.must([0, 11].includes(verified.exitCode ?? 1), 'the audit chain verifies', verified)
}
