import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '..')
const text = (name: string) => readFile(join(root, name), 'utf8')

interface Service {
  readonly read_only?: boolean
  readonly user?: string
  readonly cap_drop?: readonly string[]
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly profiles?: readonly string[]
  readonly command?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
}

async function services(): Promise<Record<string, Service>> {
  const compose: { services: Record<string, Service> } = parse(await text('docker-compose.yml'), {
    merge: true,
  })
  return compose.services
}

describe('the Compose file', () => {
  it('runs every service unprivileged, without capabilities, on a read-only root file system', async () => {
    for (const service of Object.values(await services())) {
      expect(service).toMatchObject({ user: 'node', read_only: true, cap_drop: ['ALL'] })
    }
  })

  it('gives a bootstrapper neither the keys nor the decisions of the handler', async () => {
    const all = await services()
    for (const name of ['bootstrap', 'bootstrap-emulator']) {
      const mounts = all[name]?.volumes ?? []
      expect(mounts.length).toBeGreaterThan(0)
      expect(mounts.filter((mount) => mount.startsWith('state:'))).toEqual([])
    }
  })

  it('starts only the handler by default', async () => {
    const plain = Object.entries(await services()).filter(([, { profiles }]) => !profiles)
    expect(plain.map(([name]) => name)).toEqual(['handler'])
  })

  it('never trusts the emulator where a directory of real co-signer keys is named', async () => {
    const { handler, emulator } = await services()
    expect(handler?.volumes).toContain('${COSIGNER_KEYS:-emulator-cosigner-keys}:/cosigner-keys:ro')
    expect(emulator?.volumes).toContain('emulator-cosigner-keys:/cosigner-keys')
  })
})

describe('the image', () => {
  it('ends as an unprivileged user, checks its health, and runs the built handler', async () => {
    const lines = (await text('Dockerfile')).split('\n')
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
    expect(last).toContain('USER node')
    expect(last.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true)
    expect(last.join('\n')).toContain('/readyz')
    expect(last).toContain('CMD ["dist/handler/main.js", "run"]')
  })

  it('is built on a base that can be chosen, with a full version by default', async () => {
    const dockerfile = await text('Dockerfile')
    const [, base = ''] = /^ARG NODE_IMAGE=(\S+)$/m.exec(dockerfile) ?? []
    expect(base).toMatch(/\/node:\d+\.\d+\.\d+-bookworm-slim$/)
    expect(dockerfile.match(/^FROM .*$/gm)).toEqual([
      'FROM ${NODE_IMAGE} AS build',
      'FROM ${NODE_IMAGE}',
    ])
    expect(await text('docker-compose.yml')).toContain(`NODE_IMAGE: \${NODE_IMAGE:-${base}}`)
  })

  // An image in the OCI format loses the check that its Dockerfile says.
  it('has the same health check in the Compose file', async () => {
    const { handler } = await services()
    const [, check = ''] = /^HEALTHCHECK .*\n\s+CMD (\[.*\])$/m.exec(await text('Dockerfile')) ?? []
    expect(handler?.healthcheck?.test).toEqual(['CMD', ...JSON.parse(check)])
  })

  it('is built from sources alone: no key, state or environment file gets into its context', async () => {
    const rules = (await text('.dockerignore')).trim().split('\n')
    const [all, ...allowed] = rules
    expect(all).toBe('*')
    expect(allowed.toSorted()).toEqual([
      '!.npmrc',
      '!LICENSE',
      '!bootstrap',
      '!certs',
      '!common',
      '!emulator',
      '!handler',
      '!package-lock.json',
      '!package.json',
      '!tsconfig.json',
    ])
  })
})

describe('a checkout', () => {
  // README has them made: each was one `git add -A` away from a commit.
  it('ignores the secrets and the settings that are made in it', async () => {
    const rules = (await text('.gitignore')).split('\n')
    expect(rules).toEqual(
      expect.arrayContaining([
        'state/',
        '/cosigner-keys/',
        '/emulator-state/',
        '/fireblocks_secret.key',
        '/policy.yaml',
        '.env',
      ]),
    )
  })
})

describe('the package', () => {
  it('names exact versions and no registry', async () => {
    const manifest: Record<string, Record<string, string>> = JSON.parse(await text('package.json'))
    const versions = Object.values({
      ...manifest['dependencies'],
      ...manifest['optionalDependencies'],
      ...manifest['devDependencies'],
    })
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
    const lock = await text('package-lock.json')
    expect(lock).not.toContain('"resolved"')
    expect(lock).not.toContain('://registry')
  })

  // 1,654 files were packed once: tests, benchmarks and whatever else lay in the folder.
  it('is packed without tests and benchmarks', async () => {
    const { files, bin }: { files: string[]; bin: Record<string, string> } = JSON.parse(
      await text('package.json'),
    )
    const folders = files.flatMap((file) => /^dist\/(\w+)\//.exec(file)?.[1] ?? [])
    expect(folders.toSorted()).toEqual(['bootstrap', 'certs', 'common', 'emulator', 'handler'])
    expect(files.filter((file) => /test|bench|^dist\/?$|^\*/.test(file))).toEqual([])
    expect(Object.keys(bin).toSorted()).toEqual([
      'countersign-bootstrap',
      'countersign-emulator',
      'countersign-handler',
    ])
  })

  it('gives a reason for every dependency', async () => {
    const manifest: Record<string, Record<string, string>> = JSON.parse(await text('package.json'))
    const reasons = await text('docs/decisions/dependencies.md')
    const names = Object.keys(manifest['dependencies'] ?? {})
    expect(names.filter((name) => !reasons.includes(`| ${name}`))).toEqual([])
  })

  it('compiles its addon from source instead of downloading a binary', async () => {
    expect(JSON.parse(await text('.prebuild-installrc'))).toEqual({ buildFromSource: true })
  })
})
