/** Pods of the manifests as arguments of `podman run`, with volumes as the kubelet makes them. */
import { join } from 'node:path'
import type { ConfigMap, Container, PodSpec, Volume } from 'kubernetes-types/core/v1.d.ts'
import { emptyDirectory, mountClaim, newClaim, project } from './volumes.ts'

/** What the API server would know. */
export interface Cluster {
  /** Directory on the host for everything that is mounted. */
  readonly directory: string
  readonly configMaps: Map<string, Readonly<Record<string, string>>>
  readonly secrets: Map<string, Readonly<Record<string, string>>>
}

/** What `kubectl apply` does with a ConfigMap. */
export function addConfigMap(cluster: Cluster, { metadata, data = {} }: ConfigMap): void {
  cluster.configMaps.set(metadata?.name ?? '', data)
}

/** Mounts what the pod names, as at the start of every pod; gives the path of each volume on the host. */
export function mountVolumes(
  cluster: Cluster,
  pod: PodSpec,
  claimTemplates: readonly string[],
): Map<string, string> {
  const volumes = [...(pod.volumes ?? []), ...claimTemplates.map(fromTemplate)]
  return new Map(volumes.map((volume) => [volume.name, mount(cluster, pod, volume)]))
}

function fromTemplate(name: string): Volume {
  return { name, persistentVolumeClaim: { claimName: `template-${name}` } }
}

function mount({ directory, configMaps, secrets }: Cluster, pod: PodSpec, volume: Volume): string {
  const fsGroup = pod.securityContext?.fsGroup ?? 0
  const claim = volume.persistentVolumeClaim?.claimName
  const path = join(directory, claim === undefined ? 'pod' : 'claims', claim ?? volume.name)
  if (claim !== undefined) {
    newClaim(path)
    mountClaim(path, fsGroup, pod.securityContext?.fsGroupChangePolicy ?? 'Always')
  } else if (volume.emptyDir !== undefined) {
    emptyDirectory(path, fsGroup, volume.emptyDir.medium === 'Memory')
  } else {
    const source = volume.secret?.secretName ?? volume.configMap?.name ?? ''
    const data = (volume.secret === undefined ? configMaps : secrets).get(source)
    if (data === undefined) throw new Error(`there is no ConfigMap or Secret \`${source}\``)
    const mode = volume.secret?.defaultMode ?? volume.configMap?.defaultMode ?? 0o644
    project(path, data, { fsGroup, mode, secret: volume.secret !== undefined })
  }
  return path
}

/** Arguments of `podman run` for one container of a pod, without `run`. */
export function containerArguments(
  cluster: Cluster,
  pod: PodSpec,
  container: Container,
  mounts: ReadonlyMap<string, string>,
  { image, args }: { readonly image: string; readonly args?: readonly string[] },
): string[] {
  const { runAsUser = 0, runAsGroup = 0, fsGroup = 0 } = pod.securityContext ?? {}
  const own = container.securityContext
  const fromMaps = (container.envFrom ?? []).flatMap(({ configMapRef }) =>
    Object.entries(cluster.configMaps.get(configMapRef?.name ?? '') ?? {}),
  )
  const env = [...fromMaps, ...(container.env ?? []).map(({ name, value = '' }) => [name, value])]
  const [program, ...command] = container.command ?? []
  return [
    '--pull=never',
    `--user=${runAsUser}:${runAsGroup}`,
    `--group-add=${fsGroup}`,
    ...(own?.readOnlyRootFilesystem === true ? ['--read-only', '--read-only-tmpfs=false'] : []),
    ...(own?.capabilities?.drop ?? []).map((each) => `--cap-drop=${each}`),
    ...(own?.allowPrivilegeEscalation === false ? ['--security-opt=no-new-privileges'] : []),
    ...env.map(([name, value]) => `--env=${name}=${value}`),
    ...(container.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly }) => {
      const path = mounts.get(name) ?? ''
      const source = subPath === undefined ? path : join(path, '..data', subPath)
      return `--volume=${source}:${mountPath}${readOnly === true ? ':ro' : ''}`
    }),
    ...(program === undefined ? [] : [`--entrypoint=${program}`]),
    image,
    ...command,
    ...(args ?? container.args ?? []),
  ]
}
