/**
 * The arrows between rooms: what each folder may import, types included. A folder imports only from folders further down;
 * docs/architecture.md says what each is for. Pure files do no I/O, read no clock and take no randomness.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from '@jest/globals'

const ROOT = join(import.meta.dirname, '..')
const PRODUCTS = ['handler', 'bootstrap', 'certs', 'common', 'emulator', 'bench']

/** Top to bottom: a room imports only from rooms below it, besides itself. */
const HANDLER_ROOMS = [
  'handler',
  'handler/commands',
  'handler/service',
  'handler/console',
  'handler/control',
  'handler/telemetry',
  'handler/events',
  'handler/large',
  'handler/policy-files',
  'handler/edge',
  'handler/hooks',
  'handler/callback',
  'handler/generations',
  'handler/decisions',
  'handler/display',
  'handler/policy',
  'handler/protocol',
  'handler/config',
]
const SHELF = ['certs', 'common']

/** What a room may import besides itself; types only where the entry says so. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    HANDLER_ROOMS.map((room, at) => [room, [...HANDLER_ROOMS.slice(at + 1), ...SHELF]]),
  ),
  'handler/display': ['handler/protocol', 'common'],
  'handler/policy': ['handler/protocol', 'common'],
  'handler/protocol': ['common'],
  'handler/config': ['common'],
  bootstrap: ['bootstrap/commands', 'bootstrap/api', ...SHELF],
  'bootstrap/commands': ['bootstrap', 'bootstrap/api', ...SHELF],
  'bootstrap/api': ['bootstrap/errors.ts', ...SHELF],
  certs: ['common'],
  common: [],
  emulator: ['handler (types)', 'bootstrap (types)', ...SHELF],
  bench: ['handler', 'emulator', ...SHELF],
}

/** Inside a room: the folder named first imports only from those named behind it (and from outside as its room may). */
const INNER: Readonly<Record<string, readonly string[]>> = {
  'handler/policy/chains': ['handler/policy/chains', 'handler/policy/rawtx', 'handler/protocol'],
}

/** Inside a room as well: files of the first form import none of the second. */
const NEVER: readonly (readonly [RegExp, RegExp])[] = [
  [/^handler\/decisions\/[^/]+\.ts$/, /^handler\/decisions\/[^/]+\//],
  [/^handler\/decisions\/sqlite\//, /^handler\/decisions\/audit\//],
]

const PURE = [
  /^handler\/protocol\//,
  /^handler\/policy\//,
  /^handler\/display\//,
  /^handler\/console\/(?:html|words|layout|plots|overview|[\w-]+-(?:page|panels?))\.ts$/,
  /^handler\/decisions\/[^/]+\.ts$/,
  /^handler\/generations\/generation-states\.ts$/,
  /^bootstrap\/(?:plan|plan-keys|plan-steps|plan-user|steps|compare|cosigner-fit|describe|memory|doctor)\.ts$/,
  /^bootstrap\/api\/(?:auth|resources)\.ts$/,
]
/** Pure files that hash, sign or verify. */
const CRYPTO = [
  'handler/protocol/token.ts',
  'handler/protocol/digest.ts',
  'handler/policy/signature.ts',
  'handler/policy/approvals/approver-key.ts',
  'handler/policy/approvals/assertion.ts',
  'handler/decisions/checkpoint.ts',
  'bootstrap/api/auth.ts',
  'bootstrap/api/resources.ts',
]

/** The only files that may import a package. */
const FENCED: Readonly<Record<string, RegExp>> = {
  'node-forge': /^(?:certs\/generate\.ts|bench\/)/,
  'node:sqlite': /^common\/sqlite\.ts$/,
  express: /^(?:handler\/edge\/app\.ts|bench\/)/,
}

interface Import {
  readonly from: string
  /** A file of ours, or the name of a package. */
  readonly target: string
  readonly typeOnly: boolean
}

const files = PRODUCTS.flatMap((product) =>
  readdirSync(join(ROOT, product), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(product, name)),
)
const imports = files.flatMap(importsOf)
const ours = imports.filter(({ target }) => target.endsWith('.ts'))

describe('the arrows between rooms', () => {
  it('run down', () => {
    expect(
      ours
        .filter(({ from, target, typeOnly }) => !mayImport(from, target, typeOnly))
        .map(({ from, target }) => `${from} → ${target}`),
    ).toEqual([])
  })

  it('are not circular, types included', () => {
    expect(circles()).toEqual([])
  })

  it('cover every room, so that a new folder has to say where it stands', () => {
    const rooms = new Set(files.map(roomOf))
    expect([...rooms].filter((room) => ALLOWED[room] === undefined)).toEqual([])
  })
})

describe('a pure file', () => {
  const pure = files.filter((file) => PURE.some((pattern) => pattern.test(file)))

  it('imports no I/O and no framework', () => {
    const impure = imports.filter(
      ({ from, target, typeOnly }) =>
        pure.includes(from) &&
        !typeOnly &&
        /^(?:node:|express$|pino$|better-sqlite3$)/.test(target) &&
        !(target === 'node:crypto' && CRYPTO.includes(from)),
    )
    expect(impure.map(({ from, target }) => `${from} → ${target}`)).toEqual([])
  })

  it('is what its head says, and the heads that say so are checked here', () => {
    const says = files.filter((file) => /\bpure(?:[;.]|\s[*\s]*file)/i.test(headOf(file)))
    expect(says.filter((file) => !pure.includes(file))).toEqual([])
  })

  it('reads no clock, no process and no randomness', () => {
    const forbidden = /\b(?:Date\.now|Math\.random|setTimeout|setInterval|process\.\w)|new Date\(\)/
    expect(pure.filter((file) => forbidden.test(withoutComments(textOf(file))))).toEqual([])
  })
})

describe('a package', () => {
  it('that few files may know is imported there only', () => {
    const strays = imports.filter(
      ({ from, target }) => FENCED[target] !== undefined && !FENCED[target].test(from),
    )
    expect(strays.map(({ from, target }) => `${from} → ${target}`)).toEqual([])
  })

  it('that reads tokens unverified is not used so', () => {
    const reading = files.filter((file) => /decodeJwt|decodeProtectedHeader/.test(textOf(file)))
    expect(reading.filter((file) => file.startsWith('handler/'))).toEqual([])
  })
})

function mayImport(from: string, target: string, typeOnly: boolean): boolean {
  const [here, there] = [roomOf(from), roomOf(target)]
  const inner = Object.keys(INNER).find((folder) => from.startsWith(`${folder}/`))
  if (inner !== undefined && INNER[inner]?.every((place) => !target.startsWith(`${place}/`))) {
    return false
  }
  if (NEVER.some(([file, other]) => file.test(from) && other.test(target))) return false
  if (here === there) return true
  return (ALLOWED[here] ?? []).some((entry) => {
    const types = entry.endsWith(' (types)')
    if (types && !typeOnly) return false
    const room = entry.replace(' (types)', '')
    return (
      target === room ||
      there === room ||
      (types && there.startsWith(`${room}/`)) ||
      reaches(here, room, there)
    )
  })
}

/** The benchmark starts servers in every mode: it may look into any room. */
function reaches(here: string, room: string, there: string): boolean {
  return here === 'bench' && there.startsWith(`${room}/`)
}

function roomOf(file: string): string {
  const [product = '', folder = ''] = dirname(file).split('/')
  const hasRooms = product === 'handler' || product === 'bootstrap'
  return hasRooms && folder !== '' ? `${product}/${folder}` : product
}

function importsOf(from: string): Import[] {
  const text = withoutComments(textOf(from))
  const found = [
    ...text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm),
    ...text.matchAll(/\bimport\((\s*)'([^']+)'\)/g),
  ]
  return found.map(([statement, type = '', specifier = '']) => ({
    from,
    target: specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : specifier,
    typeOnly: type.trim() === 'type' || /^import \{(?:\s*type [^,}]+,?)+\s*\}/.test(statement),
  }))
}

function circles(): string[] {
  const next = new Map<string, string[]>()
  for (const { from, target } of ours) next.set(from, [...(next.get(from) ?? []), target])
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      found.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    state.set(file, 'open')
    for (const target of next.get(file) ?? []) visit(target, [...path, file])
    state.set(file, 'done')
  }
  for (const file of next.keys()) visit(file, [])
  return found
}

function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** The comment that a file begins with. */
function headOf(file: string): string {
  return /^\/\*\*[\s\S]*?\*\//.exec(textOf(file))?.[0] ?? ''
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
}
