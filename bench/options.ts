/** The command line of the benchmark. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { SCENARIO_NAMES } from './scenarios/names.ts'
import type { ScenarioName } from './scenarios/names.ts'

export interface Options {
  readonly quick: boolean
  readonly json: boolean
  readonly writeDocs: boolean
  readonly scenarios: readonly ScenarioName[]
  readonly soakMinutes: number
  /** The command that gives the same run. */
  readonly how: string
}

/** Everything but the soak. */
const DEFAULT = SCENARIO_NAMES.filter((name) => name !== 'soak')
/** What fits into a minute. */
const QUICK: readonly ScenarioName[] = ['decision', 'refusal', 'policy', 'start-up']
const MOST_MINUTES = 24 * 60

/** Reads argv; a mistake ends the process with commander's message. */
export function parseOptions(argv: readonly string[]): Options {
  const command = new Command('npm run bench --')
    .description(
      'measures the built handler against the floor, the vendor sample and Express + jose',
    )
    .option('--quick', 'a short run for CI: fewer rounds, no growth, overload or memory')
    .option(
      '--soak [minutes]',
      'the soak: steady load, slope of memory and files; alone, or after a complete run',
      minutes,
    )
    .addOption(new Option('--only <name>', 'one scenario').choices(SCENARIO_NAMES))
    .option('--json', 'print the report as JSON')
    .option(
      '--write-docs',
      'write docs/performance.md; only for a complete run, with or without the soak',
    )
    .parse([...argv])
  const { quick = false, soak, only, json = false, writeDocs = false } = command.opts<Flags>()
  if (writeDocs && (quick || only !== undefined)) {
    command.error('error: `--write-docs` needs a complete run')
  }
  return {
    quick,
    json,
    writeDocs,
    scenarios: writeDocs && soak !== undefined ? SCENARIO_NAMES : scenariosOf(quick, soak, only),
    soakMinutes: typeof soak === 'number' ? soak : 10,
    how: ['npm run bench', ...howOf(argv.slice(2))].join(' '),
  }
}

interface Flags {
  readonly quick?: boolean
  readonly soak?: number | true
  readonly only?: ScenarioName
  readonly json?: boolean
  readonly writeDocs?: boolean
}

function scenariosOf(
  quick: boolean,
  soak: Flags['soak'],
  only: ScenarioName | undefined,
): readonly ScenarioName[] {
  if (soak !== undefined) return ['soak']
  if (only !== undefined) return [only]
  return quick ? QUICK : DEFAULT
}

function minutes(value: string): number {
  const parsed = Number(value)
  if (parsed > 0 && parsed <= MOST_MINUTES) return parsed
  throw new InvalidArgumentError(`expected minutes, at most ${MOST_MINUTES}`)
}

/** The flags that shape the figures. */
function howOf(flags: readonly string[]): string[] {
  const shaping = flags.filter((flag) => flag !== '--json' && flag !== '--write-docs')
  return shaping.length === 0 ? [] : ['--', ...shaping]
}
