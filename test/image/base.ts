/**
 * A stand-in for the official Node.js image, made of Debian's packages and of the Node.js binary that npm carries: for
 * machines that reach no image registry. It has the layout and the user of the official one, and bears its name.
 */
import {
  access,
  appendFile,
  copyFile,
  cp,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from './engine.ts'
import { must } from './programs.ts'

/** Name and version of the image that the Dockerfile is built on. */
export async function baseOf(project: string): Promise<{ image: string; version: string }> {
  const dockerfile = await readFile(join(project, 'Dockerfile'), 'utf8')
  const [, image, version] =
    /^ARG NODE_IMAGE=(\S+\/node:(\d+\.\d+\.\d+)-bookworm-slim)$/m.exec(dockerfile) ?? []
  if (image === undefined || version === undefined) {
    throw new Error('the Dockerfile names no `NODE_IMAGE` with a full version on bookworm-slim')
  }
  return { image, version }
}

/**
 * Gives the store an image called `image` with that version of Node.js.
 *
 * @param cache directory where the file system of the image is kept for the next run
 * @param say hears what takes long
 */
export async function makeBase(
  engine: Engine,
  { image, version }: { image: string; version: string },
  cache: string,
  environment: Readonly<Record<string, string>>,
  say: (text: string) => void,
): Promise<void> {
  const tar = join(cache, `node-${version}-bookworm-${process.arch}.tar`)
  const cached = await access(tar).then(
    () => true,
    () => false,
  )
  if (!cached) {
    say(`makes the base of Debian's packages and node-linux-${process.arch}@${version}`)
    await makeFileSystem(join(engine.directory, 'base'), version, tar, environment)
  }
  const container = (await engine.buildah('from', 'scratch')).trim()
  await engine.buildah('add', '--quiet', container, tar, '/')
  await engine.buildah('config', '--cmd', 'node', '--env', `NODE_VERSION=${version}`, container)
  const ca = environment['NODE_EXTRA_CA_CERTS']
  if (ca !== undefined) {
    // npm trusts what Node.js was built with; behind a proxy of its own a machine says what else.
    await engine.buildah('copy', '--quiet', container, ca, '/usr/local/share/ca.pem')
    await engine.buildah(
      'config',
      '--env',
      'NODE_EXTRA_CA_CERTS=/usr/local/share/ca.pem',
      container,
    )
  }
  await engine.buildah('commit', '--quiet', '--rm', container, image)
}

async function makeFileSystem(
  work: string,
  version: string,
  tar: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const root = join(work, 'root')
  const packages = join(work, 'packages')
  await mkdir(packages, { recursive: true })
  await writeFile(join(packages, 'package.json'), '{"private":true}\n')
  const npm = (await must('npm', ['--version'], { env })).trim()
  const binary = `node-linux-${process.arch}`
  await Promise.all([
    // Node.js 26 is linked with libatomic.
    must('debootstrap', ['--variant=minbase', '--include=libatomic1', 'bookworm', root], { env }),
    must('npm', ['install', '--ignore-scripts', `${binary}@${version}`, `npm@${npm}`], {
      env,
      cwd: packages,
    }),
  ])
  const local = join(root, 'usr/local')
  await copyFile(join(packages, 'node_modules', binary, 'bin/node'), join(local, 'bin/node'))
  await cp(join(packages, 'node_modules/npm'), join(local, 'lib/node_modules/npm'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name))
  }
  await appendFile(join(root, 'etc/passwd'), 'node:x:1000:1000::/home/node:/bin/bash\n')
  await appendFile(join(root, 'etc/group'), 'node:x:1000:\n')
  await must('install', ['-d', '-o', '1000', '-g', '1000', join(root, 'home/node')], { env })
  await rm(join(root, 'var/cache/apt'), { recursive: true, force: true })
  await mkdir(join(tar, '..'), { recursive: true })
  await must('tar', ['-C', root, '-cf', `${tar}.part`, '.'], { env })
  await rename(`${tar}.part`, tar)
  await rm(work, { recursive: true, force: true })
}
