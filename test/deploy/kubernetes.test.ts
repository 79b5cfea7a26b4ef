import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { StatefulSet } from 'kubernetes-types/apps/v1.d.ts'
import type { Job } from 'kubernetes-types/batch/v1.d.ts'
import type {
  ConfigMap,
  Container,
  PersistentVolumeClaim,
  PodSpec,
} from 'kubernetes-types/core/v1.d.ts'
import { parseCli } from '../../bootstrap/cli.ts'
import { SETTINGS } from '../../handler/config/settings.ts'
import { parsePolicy } from '../../handler/policy/parse.ts'
import { ofKind, readManifests } from './manifests.ts'
import type { Manifest } from './manifests.ts'

const ROOT = join(import.meta.dirname, '../..')
const manifests = readManifests(join(ROOT, 'deploy/kubernetes'))
const [handler] = ofKind<StatefulSet>(manifests, 'StatefulSet')
const [job] = ofKind<Job>(manifests, 'Job')
const pods = [handler?.spec?.template.spec, job?.spec?.template.spec].filter(
  (spec): spec is PodSpec => spec !== undefined,
)
const containersOf = (pod: PodSpec): Container[] => [
  ...(pod.initContainers ?? []),
  ...pod.containers,
]

/**
 * What is wrong with the documents by the types that are generated from the published OpenAPI schemas: an object literal
 * may have no member that its type does not know, so that a misspelt field is found, too.
 */
function misfits(documents: readonly Manifest[]): string {
  // Below node_modules, because that is where the types are looked for.
  const folder = join(ROOT, `node_modules/.cache/countersign-manifests-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'manifests.ts')
  const lines = documents.map((document, at) => {
    const group =
      document.apiVersion === 'v1' ? 'core/v1' : document.apiVersion.replace('.k8s.io', '')
    return `export const m${at}: import('kubernetes-types/${group}').${document.kind} = ${JSON.stringify(document)}`
  })
  writeFileSync(file, lines.join('\n'))
  try {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const args = [tsc, '--ignoreConfig', '--noEmit', '--strict', '--types', '', file]
    execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe', encoding: 'utf8' })
    return ''
  } catch (error) {
    return String(Object.getOwnPropertyDescriptor(error, 'stdout')?.value)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('the Kubernetes manifests', () => {
  it('fit the published schemas', () => {
    const kinds = new Set(manifests.map(({ kind }) => kind))
    for (const kind of ['StatefulSet', 'Job', 'NetworkPolicy', 'PodDisruptionBudget']) {
      expect(kinds).toContain(kind)
    }
    expect(misfits(manifests)).toBe('')
  })

  it('would not fit with a misspelt field or a value of another type', () => {
    const text = JSON.stringify(handler)
    const wrong = [
      ['"fsGroupChangePolicy"', '"fsGroupChange"'],
      ['"replicas":1', '"replicas":"1"'],
      ['"serviceName":"countersign",', ''],
    ] as const
    const found = misfits(
      wrong.map(([right, other]): Manifest => {
        expect(text).toContain(right)
        return JSON.parse(text.replace(right, other))
      }),
    )
    expect(found.match(/^manifests\.ts\(\d+/gm)).toEqual([
      'manifests.ts(1',
      'manifests.ts(2',
      'manifests.ts(3',
    ])
  })

  it('all live in the namespace that enforces the restricted standard', () => {
    const outside = manifests.filter(
      ({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'countersign',
    )
    expect(outside).toEqual([])
    expect(JSON.stringify(ofKind(manifests, 'Namespace'))).toContain(
      '"pod-security.kubernetes.io/enforce":"restricted"',
    )
  })

  it('give pods no more than that standard allows, and a read-only root', () => {
    expect(pods).toHaveLength(2)
    for (const pod of pods) {
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      })
      for (const { securityContext } of containersOf(pod)) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      }
    }
  })

  it('mount only what is claimed or configured, where a container names it', () => {
    const claims = ofKind<PersistentVolumeClaim>(manifests, 'PersistentVolumeClaim')
    const configured = ofKind<ConfigMap>(manifests, 'ConfigMap').map(
      ({ metadata }) => metadata.name,
    )
    const byCommand = ['countersign-cosigner-keys', 'countersign-api']
    const templates =
      handler?.spec?.volumeClaimTemplates?.map(({ metadata }) => metadata?.name) ?? []
    for (const pod of pods) {
      for (const { persistentVolumeClaim, configMap, secret } of pod.volumes ?? []) {
        if (persistentVolumeClaim !== undefined) {
          expect(claims.map(({ metadata }) => metadata.name)).toContain(
            persistentVolumeClaim.claimName,
          )
        }
        const source = configMap?.name ?? secret?.secretName
        if (source !== undefined) expect([...configured, ...byCommand]).toContain(source)
      }
      const volumes = [...(pod.volumes ?? []).map(({ name }) => name), ...templates]
      for (const { volumeMounts = [], envFrom = [] } of containersOf(pod)) {
        expect(volumes).toEqual(expect.arrayContaining(volumeMounts.map(({ name }) => name)))
        expect(configured).toEqual(
          expect.arrayContaining(envFrom.map(({ configMapRef }) => configMapRef?.name)),
        )
      }
    }
  })

  it('keep the handler’s keys and decisions out of the bootstrapper’s sight', () => {
    const claimed = (job?.spec?.template.spec?.volumes ?? []).flatMap(
      ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [],
    )
    expect(claimed).toEqual(['countersign-admin', 'countersign-bootstrap'])
  })

  it('set only what is a setting, and say a policy that is one', () => {
    const names = Object.values(SETTINGS).map(({ name }) => name)
    const [settings, policy] = ['countersign-settings', 'countersign-policy'].map(
      (name) =>
        ofKind<ConfigMap>(manifests, 'ConfigMap').find(({ metadata }) => metadata.name === name)
          ?.data,
    )
    const set = handler?.spec?.template.spec?.containers[0]?.env?.map(({ name }) => name) ?? []
    expect(names).toEqual(expect.arrayContaining([...Object.keys(settings ?? {}), ...set]))
    expect(parsePolicy(policy?.['policy.yaml'] ?? '', 'policy.yaml')).toMatchObject({ ok: true })
  })

  it('type a command of the bootstrapper that exists', () => {
    const args = job?.spec?.template.spec?.containers[0]?.args ?? []
    expect(args[0]).toBe('dist/bootstrap/main.js')
    expect(parseCli(args.slice(1), () => undefined)).toHaveProperty('invocation')
  })
})
