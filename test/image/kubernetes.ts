/** Part `kubernetes`: the pods of deploy/kubernetes, run as the kubelet would run them, with its owners and modes. */
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StatefulSet } from 'kubernetes-types/apps/v1.d.ts'
import type { Job } from 'kubernetes-types/batch/v1.d.ts'
import type { ConfigMap, Container, PodSpec, Probe } from 'kubernetes-types/core/v1.d.ts'
import { POLICY } from '../../emulator/demo/requests.ts'
import { ofKind, readManifests } from '../deploy/manifests.ts'
import { emulatorArguments, emulatorControl, readEmulator, readEmulatorFile } from './emulator.ts'
import type { Engine } from './engine.ts'
import { live } from './life.ts'
import { makeNetwork } from './network.ts'
import type { Part } from './part.ts'
import { addConfigMap, containerArguments, mountVolumes } from './pod.ts'
import type { Cluster } from './pod.ts'

const HOST = 'countersign.countersign.svc'
const HANDLER = 'kube-handler'
const EMULATOR = 'kube-emulator'

/** A pod, a Job, a new pod on the same volumes, and a ConfigMap that changes meanwhile. */
export const kubernetes: Part = {
  name: 'kubernetes',
  async run({ engine, project, image, report }) {
    const manifests = readManifests(join(project, 'deploy/kubernetes'))
    const [set] = ofKind<StatefulSet>(manifests, 'StatefulSet')
    const [job] = ofKind<Job>(manifests, 'Job')
    const handler = podOf(set?.spec?.template.spec)
    const bootstrap = podOf(job?.spec?.template.spec)
    const templates = (set?.spec?.volumeClaimTemplates ?? []).map(
      ({ metadata }) => metadata?.name ?? '',
    )
    const net = await makeNetwork(engine, 'kube-default', [HOST])

    const names = ['--handler-host', HOST]
    await engine.podman(
      'run',
      '--detach',
      ...emulatorArguments(EMULATOR, image, net.connect(EMULATOR), names),
    )
    const remote = await readEmulator(engine, EMULATOR)

    const cluster: Cluster = {
      directory: join(engine.directory, 'cluster'),
      configMaps: new Map(),
      secrets: new Map([
        [
          'countersign-api',
          { 'fireblocks_secret.key': await readEmulatorFile(engine, EMULATOR, 'api-secret.pem') },
        ],
      ]),
    }
    rmSync(cluster.directory, { recursive: true, force: true })
    mkdirSync(cluster.directory)
    for (const map of ofKind<ConfigMap>(manifests, 'ConfigMap')) addConfigMap(cluster, map)
    const own = {
      FIREBLOCKS_API_KEY: remote.apiKey,
      FIREBLOCKS_BASE_PATH: 'http://127.0.0.1:9070/v1',
    }
    cluster.configMaps.set('countersign-bootstrap', own)
    const publicKey = await readEmulatorFile(engine, EMULATOR, 'cosigner-public.pem')
    cluster.configMaps.set('countersign-cosigner-keys', { 'cosigner.pem': publicKey })

    const start = async () => {
      const mounts = mountVolumes(cluster, handler.pod, templates)
      const args = containerArguments(cluster, handler.pod, handler.container, mounts, { image })
      const where = ['--detach', `--name=${HANDLER}`, ...net.connect(HOST)]
      await engine.podman('run', ...where, ...args)
      for (const probe of [handler.container.startupProbe, handler.container.readinessProbe]) {
        await succeeds(engine, probe, handler.container, net.address(HOST))
      }
    }
    report.say('starts the pod')
    await start()

    report.say('changes the policy in its ConfigMap')
    cluster.configMaps.set('countersign-policy', { 'policy.yaml': POLICY })
    mountVolumes(
      cluster,
      {
        ...handler.pod,
        volumes: handler.pod.volumes?.filter(({ name }) => name === 'policy') ?? [],
      },
      [],
    )
    await logged(engine, createHash('sha256').update(POLICY).digest('hex'))

    const place = (bootstrap.container.args ?? []).filter((each) =>
      /^--(state-dir|handler-socket)=/.test(each),
    )
    const site = {
      control: emulatorControl(engine, EMULATOR),
      bootstrap: async (...args: string[]) => {
        const mounts = mountVolumes(cluster, bootstrap.pod, [])
        const within = (container: Container, all?: readonly string[]) =>
          engine.tryPodman(
            'run',
            '--rm',
            ...net.join(EMULATOR),
            ...containerArguments(cluster, bootstrap.pod, container, mounts, {
              image,
              ...(all === undefined ? {} : { args: all }),
            }),
          )
        for (const first of bootstrap.pod.initContainers ?? []) {
          const outcome = await within(first)
          if (outcome.exitCode !== 0) return outcome
        }
        const [script = ''] = bootstrap.container.args ?? []
        return within(bootstrap.container, [script, ...args, ...place])
      },
      handler: (...args: string[]) =>
        engine.tryPodman('exec', HANDLER, 'node', 'dist/handler/main.js', ...args),
      restart: async () => {
        const grace = String(handler.pod.terminationGracePeriodSeconds ?? 30)
        await engine.podman('stop', '--time', grace, HANDLER)
        await engine.podman('rm', HANDLER)
        await start()
      },
    }
    await live(site, remote.cosignerId, report)
  },
}

function podOf(spec: PodSpec | undefined): {
  readonly pod: PodSpec
  readonly container: Container
} {
  const container = spec?.containers[0]
  if (spec === undefined || container === undefined) throw new Error('a pod is missing')
  return { pod: spec, container }
}

/** Waits as the kubelet does: `failureThreshold` times, `periodSeconds` apart. */
async function succeeds(
  engine: Engine,
  probe: Probe | undefined,
  { ports = [] }: Container,
  address: string,
): Promise<void> {
  const port = ports.find(({ name }) => name === probe?.httpGet?.port)?.containerPort
  if (probe?.httpGet === undefined || port === undefined) throw new Error('a probe is missing')
  const url = `http://${address}:${port}${probe.httpGet.path}`
  for (let tries = 0; tries < 60; tries += 1) {
    const good = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.ok,
      () => false,
    )
    if (good) return
    await sleep(500)
  }
  throw new Error(`\`${url}\` stays red:\n${await engine.podman('logs', HANDLER)}`)
}

async function logged(engine: Engine, text: string): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if ((await engine.podman('logs', HANDLER)).includes(text)) return
    await sleep(500)
  }
  throw new Error(`the log never says \`${text}\`:\n${await engine.podman('logs', HANDLER)}`)
}
