/** Paths that commands work on: from the settings, with flags on top. */
import { UsageError } from '../../common/errors.ts'
import { placesIn, readSetting, unknownNames } from './config.ts'
import type { Config, Environment } from './config.ts'
import { SETTINGS } from './settings.ts'
import type { Setting } from './settings.ts'

/** Flags that stand for settings. */
export interface PathFlags {
  readonly stateDir?: string | undefined
  readonly store?: string | undefined
  readonly socket?: string | undefined
  readonly policy?: string | undefined
}

export interface Paths extends Pick<
  Config,
  'stateDir' | 'keysDir' | 'storePath' | 'adminSocket' | 'policyFile'
> {
  /** Settings that are set but not used, because `--state-dir` wins over them. */
  readonly passedOver: readonly string[]
}

/**
 * The paths of a command. Flags win over settings, and `--state-dir` also over the settings of what lies in the state
 * directory by default. No other setting is looked at, so that an auditor needs no co-signer keys; a name that is no
 * setting is an error here, too, or a misspelt `HANDLER_STORE` would lead to another store.
 *
 * @throws UsageError with every problem
 */
export function pathsOf(env: Environment, flags: PathFlags): Paths {
  const problems = unknownNames(env)
  const { stateDir, store, adminSocket, policyFile } = SETTINGS
  const flagOf = new Map<string, readonly [string, string | undefined]>([
    [stateDir.name, ['--state-dir', flags.stateDir]],
    [store.name, ['--store', flags.store]],
    [adminSocket.name, ['--socket', flags.socket]],
    [policyFile.name, ['--policy', flags.policy]],
  ])
  const passedOver = [store.name, adminSocket.name].filter(
    (name) =>
      flags.stateDir !== undefined &&
      flagOf.get(name)?.[1] === undefined &&
      env[name] !== undefined,
  )
  const read = <T>(setting: Setting<T>): T | undefined => {
    const { name } = setting
    const [flag, given] = flagOf.get(name) ?? [name, undefined]
    if (given !== undefined) return readSetting(setting, given, flag, problems)
    return readSetting(setting, passedOver.includes(name) ? undefined : env[name], name, problems)
  }
  const directory = read(stateDir) ?? ''
  const paths = {
    stateDir: directory,
    ...placesIn(directory, read(store), read(adminSocket)),
    policyFile: read(policyFile) ?? '',
    passedOver,
  }
  const [first, ...more] = problems
  if (first === undefined) return paths
  if (more.length === 0) throw new UsageError(first)
  throw new UsageError(`${problems.length} settings cannot be used`, { details: problems })
}
