/** The emulator in a container: it listens on its own loopback only, so it is asked from inside. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from './engine.ts'
import type { Site } from './life.ts'

/** What of emulator.json is needed outside. */
export interface Remote {
  readonly apiKey: string
  readonly cosignerId: string
}

const FILE = '/emulator/emulator.json'

/** Arguments of `podman run` for an emulator that is part of no compose file, without `run`. */
export function emulatorArguments(
  name: string,
  image: string,
  network: readonly string[],
  more: readonly string[],
): string[] {
  const place = ['--listen', '127.0.0.1:9070', '--dir', '/emulator']
  return [
    `--name=${name}`,
    '--pull=never',
    ...network,
    image,
    'dist/emulator/main.js',
    ...place,
    ...more,
  ]
}

/** Reads emulator.json, which is there once the emulator listens. */
export async function readEmulator(engine: Engine, name: string): Promise<Remote> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { exitCode } = await engine.tryPodman('exec', name, 'test', '-f', FILE)
    if (exitCode === 0) break
    await sleep(200)
  }
  const remote: Remote = JSON.parse(await readEmulatorFile(engine, name, 'emulator.json'))
  return remote
}

/** Reads a file that the emulator wrote. */
export function readEmulatorFile(engine: Engine, name: string, file: string): Promise<string> {
  return engine.podman('exec', name, 'cat', `/emulator/${file}`)
}

const CALL = `const { controlUrl } = JSON.parse(fs.readFileSync('${FILE}', 'utf8'))
const [method, path, body] = process.argv.slice(1)
fetch(controlUrl + path, { method, ...(body ? { body } : {}) }).then((r) => r.text()).then((t) => console.log(t))`

/** Calls its control API from inside the container. */
export function emulatorControl(engine: Engine, name: string): Site['control'] {
  return async (method, path, body) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const answer: unknown = JSON.parse(
      await engine.podman('exec', name, 'node', '-e', CALL, '--', method, path, text),
    )
    return answer
  }
}
