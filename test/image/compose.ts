/**
 * The settings of docker-compose.yml as arguments of `podman run`. What is not known here is refused, so that the file
 * cannot say anything that was not run.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Network } from './network.ts'

const TEXTS = z.array(z.string())

const SERVICE = z.strictObject({
  build: z.strictObject({ context: z.literal('.'), args: z.record(z.string(), z.string()) }),
  image: z.string(),
  user: z.string(),
  read_only: z.literal(true),
  cap_drop: TEXTS,
  security_opt: TEXTS,
  tmpfs: TEXTS,
  // How the engine starts and stops it: the harness does that itself.
  restart: z.string().optional(),
  stop_grace_period: z.string().optional(),
  depends_on: z.unknown().optional(),
  profiles: TEXTS.optional(),
  // A variable without a value reads as null.
  environment: z
    .record(
      z.string(),
      z
        .string()
        .nullable()
        .transform((value) => value ?? ''),
    )
    .default({}),
  ports: TEXTS.default([]),
  volumes: TEXTS.default([]),
  secrets: TEXTS.default([]),
  entrypoint: TEXTS.optional(),
  command: TEXTS.optional(),
  network_mode: z.string().optional(),
  healthcheck: z
    .strictObject({
      test: TEXTS,
      interval: z.string(),
      retries: z.number(),
      timeout: z.string().optional(),
      start_period: z.string().optional(),
    })
    .optional(),
})

const COMPOSE = z.object({
  services: z.record(z.string(), SERVICE),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
})

export type Service = z.infer<typeof SERVICE>

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  /** File on the host of each secret. */
  readonly secrets: Readonly<Record<string, string>>
}

/** Reads the file with the variables that `.env` would give. */
export async function readCompose(
  project: string,
  variables: Readonly<Record<string, string>>,
): Promise<Compose> {
  const text = await readFile(join(project, 'docker-compose.yml'), 'utf8')
  const filled = text.replaceAll(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, otherwise: string) => variables[name] ?? otherwise,
  )
  const { services, secrets } = COMPOSE.parse(parse(filled, { merge: true }))
  const files = Object.entries(secrets).map(([name, { file }]) => [name, file] as const)
  return { services, secrets: Object.fromEntries(files) }
}

/** How a service of compose is run beside others: names of this run, and where they find each other. */
export interface Place {
  /** Put before names of containers and volumes. */
  readonly prefix: string
  readonly image: string
  readonly network: Network
}

/**
 * Arguments of `podman run` for a service, without `run`.
 *
 * @param args what stands behind the service's name in `docker compose run`; default: the service's own command
 */
export function podmanArguments(
  { services, secrets }: Compose,
  name: string,
  place: Place,
  args?: readonly string[],
): string[] {
  const service = services[name]
  if (service === undefined) throw new Error(`docker-compose.yml has no service \`${name}\``)
  const shared = /^service:(.*)$/.exec(service.network_mode ?? '')?.[1]
  const [program, ...before] = service.entrypoint ?? []
  return [
    `--name=${place.prefix}-${name}`,
    '--pull=never',
    '--read-only',
    `--user=${service.user}`,
    ...service.cap_drop.map((each) => `--cap-drop=${each}`),
    ...service.security_opt.map((each) => `--security-opt=${each.replace(/:true$/, '')}`),
    ...service.tmpfs.map((each) => `--tmpfs=${each}`),
    ...Object.entries(service.environment).map(([key, value]) => `--env=${key}=${value}`),
    ...service.ports.map((each) => `--publish=${each}`),
    ...service.volumes.map((each) => `--volume=${volume(each, place.prefix)}`),
    ...service.secrets.map((each) => `--volume=${secrets[each]}:/run/secrets/${each}:ro`),
    ...(service.healthcheck === undefined ? [] : healthArguments(service.healthcheck)),
    ...(shared === undefined
      ? place.network.connect(name)
      : place.network.join(`${place.prefix}-${shared}`)),
    ...(program === undefined ? [] : [`--entrypoint=${program}`]),
    place.image,
    ...before,
    ...(args ?? service.command ?? []),
  ]
}

/** Named volumes are those of this run; paths are those of the host. */
function volume(text: string, prefix: string): string {
  return /^[./]/.test(text) ? text : `${prefix}-${text}`
}

function healthArguments({
  test,
  interval,
  retries,
}: NonNullable<Service['healthcheck']>): string[] {
  return [
    `--health-cmd=${JSON.stringify(test.slice(1))}`,
    `--health-interval=${interval}`,
    `--health-retries=${retries}`,
  ]
}
