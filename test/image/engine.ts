/** A container engine without a daemon and without a registry: buildah and podman on a store of their own. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must, run } from './programs.ts'
import type { Outcome } from './programs.ts'

export interface Engine {
  /** Where this run keeps its files; removed at the end. */
  readonly directory: string
  /** Resolves with what was printed; rejects unless it succeeds. */
  podman(...args: string[]): Promise<string>
  buildah(...args: string[]): Promise<string>
  /** The same as `podman`, whatever its exit code. */
  tryPodman(...args: string[]): Promise<Outcome>
  /** Removes all containers, their volumes and their networks; images stay. */
  clear(): Promise<void>
  /** Ends all containers and removes the store. */
  remove(): Promise<void>
}

/**
 * Opens an empty store below `directory`.
 *
 * @param environment of the programs; settings of the machine's own engine in it are overruled
 */
export async function openEngine(
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<Engine> {
  const file = (name: string) => join(directory, name)
  await mkdir(file('networks'), { recursive: true })
  await writeFile(
    file('storage.conf'),
    `[storage]\ndriver = "overlay"\ngraphroot = "${file('store')}"\nrunroot = "${file('run')}"\n`,
  )
  // runc and cgroupfs: also where systemd does not run and cgroups of both versions are mounted. The limits: also where
  // they may not be raised above those of this process.
  await writeFile(
    file('containers.conf'),
    `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=20000:20000"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
[network]
network_config_dir = "${file('networks')}"
`,
  )
  await writeFile(file('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}\n')
  const env = {
    ...environment,
    CONTAINERS_STORAGE_CONF: file('storage.conf'),
    CONTAINERS_CONF: file('containers.conf'),
    BUILDAH_ISOLATION: 'chroot',
  }
  const podman = (...args: string[]) => must('podman', args, { env })
  const clear = async () => {
    await run('podman', ['rm', '--all', '--force', '--time', '0'], { env })
    await run('podman', ['volume', 'prune', '--force'], { env })
    await run('podman', ['network', 'prune', '--force'], { env })
  }
  return {
    directory,
    clear,
    podman,
    buildah: (...args) => must('buildah', args, { env }),
    tryPodman: (...args) => run('podman', args, { env }),
    async remove() {
      await clear()
      await run('umount', ['--recursive', file('store/overlay')])
      await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}
