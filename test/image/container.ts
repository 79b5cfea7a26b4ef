/** Part `container`: the image of the Dockerfile, run with the settings of docker-compose.yml. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { freePorts } from '../../emulator/demo/programs.ts'
import { POLICY } from '../../emulator/demo/requests.ts'
import { podmanArguments, readCompose } from './compose.ts'
import type { Compose } from './compose.ts'
import { emulatorControl, readEmulator } from './emulator.ts'
import type { Engine } from './engine.ts'
import { live } from './life.ts'
import { makeNetwork } from './network.ts'
import type { Part } from './part.ts'

const PREFIX = 'compose'

/** Up, callbacks, rotation, restart; and what the image must not hold or allow. */
export const container: Part = {
  name: 'container',
  async run({ engine, project, image, report }) {
    const [a = 0, b = 0] = await freePorts(2)
    const policyFile = join(engine.directory, 'policy.yaml')
    await writeFile(policyFile, POLICY, { mode: 0o644 })
    const compose = await readCompose(project, {
      PORT_A: String(a),
      PORT_B: String(b),
      BIND_ADDRESS: '127.0.0.1',
      POLICY_FILE: policyFile,
    })
    const network = await makeNetwork(engine, `${PREFIX}-default`, ['handler', 'emulator'])
    const place = { prefix: PREFIX, image, network }
    const run = (...args: string[]) => engine.podman('run', ...args)

    report.say('starts emulator and handler')
    await run('--detach', ...podmanArguments(compose, 'emulator', place))
    await healthy(engine, 'emulator')
    await run('--detach', ...podmanArguments(compose, 'handler', place))
    await healthy(engine, 'handler')

    const remote = await readEmulator(engine, `${PREFIX}-emulator`)
    const site = {
      control: emulatorControl(engine, `${PREFIX}-emulator`),
      bootstrap: (...args: string[]) => {
        const key = { FIREBLOCKS_API_KEY: remote.apiKey }
        const once = podmanArguments(
          withEnvironment(compose, key),
          'bootstrap-emulator',
          place,
          args,
        )
        return engine.tryPodman('run', '--rm', ...once)
      },
      handler: (...args: string[]) =>
        engine.tryPodman('exec', `${PREFIX}-handler`, 'node', 'dist/handler/main.js', ...args),
      restart: async () => {
        const grace = compose.services['handler']?.stop_grace_period?.replace('s', '') ?? '10'
        await engine.podman('stop', '--time', grace, `${PREFIX}-handler`)
        const code = await engine.podman(
          'inspect',
          '--format',
          '{{.State.ExitCode}}',
          `${PREFIX}-handler`,
        )
        report.must(code.trim() === '0', 'the handler ends in order', code)
        await engine.podman('start', `${PREFIX}-handler`)
        await healthy(engine, 'handler')
      },
    }
    await live(site, remote.cosignerId, report)
    // After a rotation both slots have a certificate to show.
    for (const port of [a, b]) {
      report.must(await shakesHands(port), 'a published port answers on the host', port)
    }
    await confinement(engine, report)
  },
}

function withEnvironment(compose: Compose, more: Readonly<Record<string, string>>): Compose {
  const services = Object.entries(compose.services).map(
    ([name, service]) =>
      [name, { ...service, environment: { ...service.environment, ...more } }] as const,
  )
  return { ...compose, services: Object.fromEntries(services) }
}

/** Waits until the service's own health check says so. */
async function healthy(engine: Engine, service: string): Promise<void> {
  const name = `${PREFIX}-${service}`
  for (let tries = 0; tries < 150; tries += 1) {
    const { exitCode } = await engine.tryPodman('healthcheck', 'run', name)
    if (exitCode === 0) return
    await sleep(200)
  }
  throw new Error(`\`${service}\` did not become healthy:\n${await engine.podman('logs', name)}`)
}

function shakesHands(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    const end = (good: boolean) => {
      socket.destroy()
      resolve(good)
    }
    socket.once('secureConnect', () => end(true)).once('error', () => end(false))
    // As long as the co-signer waits.
    socket.setTimeout(30_000, () => end(false))
  })
}

/** What the handler's container may do, asked of the kernel. */
async function confinement(
  engine: Engine,
  report: Parameters<Part['run']>[0]['report'],
): Promise<void> {
  const inside = (script: string) =>
    engine.tryPodman('exec', `${PREFIX}-handler`, 'node', '-e', script)
  const { stdout } = await inside(
    `const s = fs.readFileSync('/proc/1/status', 'utf8'); console.log(process.getuid(), /CapEff:\\s*0+$/m.test(s), /NoNewPrivs:\\s*1/.test(s))`,
  )
  report.must(stdout.trim() === '1000 true true', 'it runs as 1000, without capabilities', stdout)
  const written = await inside(`fs.writeFileSync('/app/dist/x', '')`)
  report.must(written.stderr.includes('EROFS'), 'its root file system is read-only', written)
}
