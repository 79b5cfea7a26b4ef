/** ABI files that a policy names: the functions of a team's contracts, so that people read a call before they approve it. */
import { z } from 'zod'
import { bytesToHex, keccak_256 } from '../rawtx/bytes.ts'
import { isListFileName } from './lists.ts'
import type { Findings } from './lists.ts'

/** A function of a contract. It explains calls; it decides nothing. */
export interface AbiFunction {
  /** First four bytes of the call data: `0x` and 8 hex digits (Solidity ABI specification, "Function Selector"). */
  readonly selector: string
  /** As Solidity writes it: `function transfer(address to, uint256 value)`. */
  readonly declaration: string
  readonly file: string
}

/** More functions than this are a mistake, such as a folder of all contracts in one file. */
const MAX_FUNCTIONS = 5_000

const NAME = /^[A-Za-z_$][A-Za-z0-9_$]{0,127}$/
const TYPE =
  /^(?:address|bool|string|bytes(?:[1-9]|[12][0-9]|3[0-2])?|u?int(?:8|16|24|32|40|48|56|64|72|80|88|96|104|112|120|128|136|144|152|160|168|176|184|192|200|208|216|224|232|240|248|256)?|tuple)(?:\[[0-9]{0,4}\]){0,4}$/

interface Parameter {
  readonly name?: string | undefined
  readonly type: string
  /** Of a tuple, and of nothing else. */
  readonly components?: readonly Parameter[] | undefined
}

const parameter: z.ZodType<Parameter> = z
  .object({
    name: z.string().regex(NAME).or(z.literal('')).optional(),
    type: z.string().regex(TYPE),
    components: z
      .array(z.lazy(() => parameter))
      .min(1)
      .max(64)
      .optional(),
  })
  .refine(({ type, components }) => type.startsWith('tuple') === (components !== undefined))

const functionSchema = z.object({
  type: z.literal('function'),
  name: z.string().regex(NAME),
  inputs: z.array(parameter).max(64).default([]),
})

/** The compiler's output, or an artifact that has it as `abi`. What is no function is not looked at. */
const abiSchema = z.preprocess(
  (file) => (Array.isArray(file) ? file : member(file, 'abi')),
  z.array(z.union([functionSchema, z.looseObject({ type: z.string() })])),
)

/** The functions in the files; `files` has their texts. */
export function readAbiFiles(
  names: readonly string[],
  files: ReadonlyMap<string, string>,
  findings: Findings,
): readonly AbiFunction[] {
  const functions: AbiFunction[] = []
  for (const [index, name] of names.entries()) {
    const found = functionsIn(name, files)
    if (typeof found === 'string') findings.report(['abiFiles', index], found)
    else functions.push(...found)
  }
  if (functions.length <= MAX_FUNCTIONS) return functions
  findings.report(['abiFiles'], `more than ${MAX_FUNCTIONS} functions`)
  return []
}

/** The functions of one file, or what is wrong with it. */
function functionsIn(
  name: string,
  files: ReadonlyMap<string, string>,
): readonly AbiFunction[] | string {
  if (!isListFileName(name)) return 'expected the name of a file beside the policy'
  const text = files.get(name)
  if (text === undefined) return `\`${name}\` was not found beside the policy`
  const parsed = abiSchema.safeParse(jsonIn(text))
  const refused = `\`${name}\` is no contract ABI in JSON`
  if (!parsed.success) return refused
  const functions: AbiFunction[] = []
  for (const item of parsed.data) {
    if (item.type !== 'function') continue
    const read = functionSchema.safeParse(item)
    if (!read.success) return `${refused}: a function has a name or types that Solidity has not`
    const { name: called, inputs } = read.data
    const selector = bytesToHex(
      keccak_256(new TextEncoder().encode(`${called}(${typesOf(inputs)})`)).subarray(0, 4),
    )
    const declaration = `function ${called}(${declared(inputs)})`
    functions.push({ selector: `0x${selector}`, declaration, file: name })
  }
  return functions
}

/** Types as the selector is made of them: a tuple is its members, and `uint` is `uint256`. */
function typesOf(inputs: readonly Parameter[]): string {
  return inputs.map((input) => typed(input, typesOf)).join(',')
}

/** Types and names; one without a name is called by its place. */
function declared(inputs: readonly Parameter[]): string {
  return inputs
    .map((input, index) => `${typed(input, declared)} ${input.name || `_${index}`}`)
    .join(', ')
}

function typed(
  { type, components = [] }: Parameter,
  members: (inputs: readonly Parameter[]) => string,
): string {
  return type
    .replace(/^tuple/, () => `(${members(components)})`)
    .replace(/^(u?int)(?=\[|$)/, '$1256')
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
