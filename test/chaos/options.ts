/** The command line of the harness: numbers and names, or one line that says what is wrong with them. */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { messageOf } from '../../common/errors.ts'
import type { Context } from './part.ts'

export interface Options {
  readonly form: Context['form']
  readonly runs: number
  readonly rate: number
  readonly seed: number
  /** After so many minutes of the whole run no further step is sampled; the full form samples nothing. */
  readonly minutes: number
  readonly strace: boolean
  /** Names of parts; undefined = all. */
  readonly only: readonly string[] | undefined
  /** Writes the figures into docs/chaos.md. */
  readonly writeDocs: boolean
}

/** Runs and minutes by form. */
const DEFAULTS = {
  short: { runs: 40, minutes: 0.7 },
  default: { runs: 500, minutes: 9 },
  full: { runs: 500, minutes: 30 },
} as const

/** What `--help` prints. */
function usage(parts: readonly string[]): string {
  return `Usage: npm run test:chaos -- [options]

Pairs and rotates while everything that can fail fails. Exit code 0 when every promise held, 1 when one did not.

  --short         a few minutes, for continuous integration
  --full          every step and every skew, about half an hour
  --only <names>  parts, with commas: ${parts.join(', ')}
  --runs <n>      lives of a pairing (default: ${DEFAULTS.default.runs}; short: ${DEFAULTS.short.runs})
  --rate <n>      callbacks per second during rotations (default: 200)
  --seed <n>      the same faults, decisions and order as the run that printed it
  --minutes <n>   when to stop starting things (default: ${DEFAULTS.default.minutes}; full: ${DEFAULTS.full.minutes})
  --no-strace     kill without strace, where it may not trace
  --write-docs    write docs/chaos.md, when every promise held
`
}

/** Reads the arguments (without node and script); the text is what is wrong with them. */
export function parseOptions(
  argv: readonly string[],
  parts: readonly string[],
): Options | { readonly help: string } | { readonly error: string } {
  const options = readOptions(argv, parts)
  if (typeof options !== 'string') return options
  return options === HELP ? { help: usage(parts) } : { error: options }
}

const HELP = 'help'

function readOptions(argv: readonly string[], parts: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        short: { type: 'boolean', default: false },
        full: { type: 'boolean', default: false },
        runs: { type: 'string' },
        rate: { type: 'string' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        'no-strace': { type: 'boolean', default: false },
        only: { type: 'string' },
        'write-docs': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return HELP
    const form = values.full ? 'full' : values.short ? 'short' : 'default'
    const runs = Number(values.runs ?? DEFAULTS[form].runs)
    const rate = Number(values.rate ?? 200)
    const minutes = Number(values.minutes ?? DEFAULTS[form].minutes)
    const seed = Number(values.seed ?? randomInt(2 ** 32))
    const only = values.only?.split(',')
    const unknown = only?.find((name) => !parts.includes(name))
    if (values['write-docs'] && only !== undefined) return '`--write-docs` needs every part'
    if (!Number.isInteger(runs) || runs < 0) return '`--runs` is a whole number'
    if (!(rate > 0 && rate <= 10_000)) return '`--rate` is a number of callbacks per second'
    if (!(minutes > 0)) return '`--minutes` is a number above 0'
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) return '`--seed` is below 2^32'
    if (unknown !== undefined) return `\`${unknown}\` is none of ${parts.join(', ')}`
    return {
      form,
      runs,
      rate,
      strace: !values['no-strace'],
      minutes,
      seed,
      only,
      writeDocs: values['write-docs'],
    }
  } catch (error) {
    return messageOf(error)
  }
}
