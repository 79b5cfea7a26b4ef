/** Looks at everything the handler stands on, opens no socket, makes nothing, and names every problem at once. */
import { join } from 'node:path'
import type { Clock } from '../../common/clock.ts'
import { parseConfig } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import type { RegistryFile } from '../generations/generation-file.ts'
import {
  lookAtCosigners,
  lookAtEvents,
  lookAtGenerations,
  lookAtPassphrase,
  lookAtPolicy,
  lookAtSigner,
  lookAtState,
  lookAtTls,
} from './inspections.ts'
import type { Finding, Looked } from './inspections.ts'
import type { Keystores, OpenKeystore } from '../generations/signers/keystores.ts'
import { openKeystores } from './keystores.ts'
import type { KeyringEntry } from '../generations/keyring.ts'
import type { Target } from '../events/targets.ts'
import type { Policy } from '../policy/compile/policy.ts'
import type { CosignerKey } from '../protocol/token.ts'
import type { FilePair } from '../generations/tls-files.ts'

/** What a handler is started from. */
export interface Material {
  readonly config: Config
  readonly passphrase: string | undefined
  readonly entries: readonly KeyringEntry[]
  readonly file: RegistryFile
  readonly cosigners: readonly CosignerKey[]
  readonly policy: Policy
  /** In spite of what the policy is kept after an upgrade. */
  readonly keptPolicy: readonly string[]
  /** The pair of `HANDLER_TLS=files`. */
  readonly filePair: FilePair | undefined
  /** Whom to tell of what happens. */
  readonly targets: readonly Target[]
  /** Open as far as they were needed; whoever is done with the material closes them. */
  readonly keystores: Keystores
}

export interface Inspection {
  readonly findings: readonly Finding[]
  readonly warnings: readonly string[]
  /** Present when every finding is good. */
  readonly material?: Material
}

/** Reads settings, keys, co-signer keys, policy and certificate files; what can be read is read, whatever else fails. */
export async function inspect(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  more: Readonly<Record<string, OpenKeystore>> = {},
): Promise<Inspection> {
  const keystores = openKeystores(env, more)
  const inspection = await lookAtAll(env, clock, keystores)
  if (inspection.material === undefined) await keystores.close()
  return inspection
}

async function lookAtAll(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  keystores: Keystores,
): Promise<Inspection> {
  const parsed = parseConfig(env)
  const config = parsed.ok ? parsed.config : undefined
  const { stateDir, passphraseFile, cosignerKeys, policyFile } =
    config ?? (parsed.ok ? {} : parsed.known)

  const state = await look(stateDir, lookAtState)
  const secret = await look(passphraseFile, lookAtPassphrase)
  const generations = await look(stateDir, (directory) =>
    lookAtGenerations(
      { keysDir: join(directory, 'keys'), passphrase: secret.value, keystores },
      directory,
      config?.slots,
      clock.now(),
    ),
  )
  const signer = await look(config?.newAnswerKey.signer, (where) => lookAtSigner(where, keystores))
  const cosigners = await look(cosignerKeys, lookAtCosigners)
  const policy = await look(policyFile, (path) => lookAtPolicy(path, config?.storePath, stateDir))
  const tls = await look(config?.tls, lookAtTls)
  const events = await look(config?.eventsFile, lookAtEvents)

  const settings = parsed.ok
    ? [{ item: 'settings', ok: true, detail: describe(parsed.config) } as const]
    : parsed.problems.map((detail) => ({ item: 'settings', ok: false, detail }) as const)
  const findings = [
    settings,
    ...[state, secret, generations, signer, cosigners, policy, tls, events].map(
      (each) => each.findings,
    ),
  ].flat()
  const warnings = parsed.ok ? parsed.warnings : []
  const complete = findings.every(({ ok }) => ok)
  if (!complete || config === undefined || !generations.value || !policy.value) {
    return { findings, warnings }
  }
  const material = {
    config,
    passphrase: secret.value,
    ...generations.value,
    cosigners: cosigners.value ?? [],
    policy: policy.value.policy,
    keptPolicy: policy.value.kept,
    filePair: tls.value,
    targets: events.value ?? [],
    keystores,
  }
  return { findings, warnings, material }
}

function look<A, T>(what: A | undefined, at: (what: A) => Promise<Looked<T>>): Promise<Looked<T>> {
  return what === undefined ? Promise.resolve({ findings: [] }) : at(what)
}

function describe({ auth, tls, slots }: Config): string {
  const where = slots.map(({ publicUrl }) => publicUrl.url).join(', ')
  return `${auth} authentication, TLS ${tls.mode}, ${where}`
}
