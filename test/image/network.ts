/** A bridge of this run's own, on which programs find each other by name. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from './engine.ts'

export interface Network {
  /** Arguments that connect a container called so; one without an address of its own only finds the others. */
  readonly connect: (name: string) => string[]
  /** Arguments that put a container into the network of another one. */
  readonly join: (container: string) => string[]
  readonly address: (name: string) => string
}

/** Makes the bridge; `names` get an address each, and everybody knows them. */
export async function makeNetwork(
  engine: Engine,
  network: string,
  names: readonly string[],
): Promise<Network> {
  await engine.podman('network', 'create', '--disable-dns', network)
  const [found]: { subnets?: { subnet: string }[] }[] = JSON.parse(
    await engine.podman('network', 'inspect', network),
  )
  const prefix = found?.subnets?.[0]?.subnet.replace(/\.0\/24$/, '')
  if (prefix === undefined) throw new Error('the network has no addresses')
  const address = (name: string) => `${prefix}.${10 + names.indexOf(name)}`
  // One file for all, because the engine rewrites its own whenever a container comes or goes; and one hardware address for
  // each name, so that neighbours reach a container that was started again.
  const hosts = join(engine.directory, `${network}.hosts`)
  const lines = names.map((name) => `${address(name)} ${name}\n`)
  await writeFile(hosts, `127.0.0.1 localhost\n${lines.join('')}`, { mode: 0o644 })
  const shared = ['--no-hosts', `--volume=${hosts}:/etc/hosts:ro`]
  return {
    address,
    connect: (name) => {
      const at = names.indexOf(name)
      const own = at < 0 ? [] : [`--ip=${address(name)}`, `--mac-address=02:00:00:00:00:${10 + at}`]
      return [`--network=${network}`, ...own, ...shared]
    },
    join: (container) => [`--network=container:${container}`, ...shared],
  }
}
