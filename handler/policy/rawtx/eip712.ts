/** EIP-712 digests, recomputed strictly: every member declared, every value in range, nothing undeclared beside it. */
import type { JsonObject, JsonValue } from '../../protocol/json-value.ts'
import { bytesToHex, hexToBytes, keccak_256 } from './bytes.ts'
import { encodeAtom } from './eip712-atoms.ts'
import { arrayOf, objectOf, textOf } from './json-content.ts'

/** What is signed, and what a policy may ask about it. */
export interface TypedData {
  /** Lower-case hex, 32 bytes. */
  readonly digest: string
  readonly primaryType: string
  /** Domain members as text: addresses in lower case, `chainId` in decimal. */
  readonly domain: Readonly<Record<string, string>>
}

type Members = readonly { readonly name: string; readonly type: string }[]
type Types = ReadonlyMap<string, Members>

const MAX_TYPES = 64
const MAX_MEMBERS = 64
/** Nested structs and arrays in a value. */
const MAX_DEPTH = 16
const MAX_DOMAIN_TEXT = 256

/** Type names of the standard itself: a struct of that name would be read differently by different wallets. */
const RESERVED = /^(?:u?int[0-9]*|bytes[0-9]*|bool|address|string|function)$/
const NAME = /^[A-Za-z_$][A-Za-z0-9_$]{0,127}$/
const ARRAY = /^(.+)\[([1-9][0-9]{0,5})?\]$/

/** The standard's domain members, in its order. */
const DOMAIN: ReadonlyMap<string, string> = new Map([
  ['name', 'string'],
  ['version', 'string'],
  ['chainId', 'uint256'],
  ['verifyingContract', 'address'],
  ['salt', 'bytes32'],
])

/** The digest of `{ types, primaryType, domain, message }`; undefined when it is not strict, bounded typed data. */
export function hashTypedData(content: JsonObject): TypedData | undefined {
  const types = parseTypes(content['types'])
  const primaryType = textOf(content['primaryType'])
  const domain = objectOf(content['domain'])
  if (types === undefined || primaryType === undefined || domain === undefined) return undefined
  if (Object.keys(content).length !== 4 || primaryType === 'EIP712Domain') return undefined
  const facts = domainFacts(types.get('EIP712Domain'), domain)
  const hash = structHasher(types)
  const separator = hash('EIP712Domain', domain, 0)
  const message = hash(primaryType, content['message'], 0)
  if (facts === undefined || separator === undefined || message === undefined) return undefined
  return {
    digest: bytesToHex(keccak_256(hexToBytes(`1901${separator}${message}`))),
    primaryType,
    domain: facts,
  }
}

function parseTypes(value: JsonValue | undefined): Types | undefined {
  const entries = Object.entries(objectOf(value) ?? {})
  if (entries.length > MAX_TYPES) return undefined
  const types = new Map<string, Members>()
  for (const [name, list] of entries) {
    const members = membersOf(arrayOf(list))
    if (!NAME.test(name) || RESERVED.test(name) || members === undefined) return undefined
    types.set(name, members)
  }
  return types
}

function membersOf(list: readonly JsonValue[] | undefined): Members | undefined {
  if (list === undefined || list.length > MAX_MEMBERS) return undefined
  const members = list.map((each) => {
    const member = objectOf(each)
    return { name: textOf(member?.['name']) ?? '', type: textOf(member?.['type']) ?? '' }
  })
  const names = new Set(members.map(({ name }) => name))
  const sound = members.every(({ name, type }) => NAME.test(name) && type.length <= 160)
  return sound && names.size === members.length ? members : undefined
}

/** Members of the domain as text; undefined unless its type is a selection of the standard's members, in order. */
function domainFacts(members: Members | undefined, domain: JsonObject) {
  if (members === undefined) return undefined
  const declared = members.map(({ name, type }) => `${name} ${type}`)
  const standard = Array.from(DOMAIN, ([name, type]) => `${name} ${type}`)
  const selection = standard.filter((each) => declared.includes(each))
  if (declared.length === 0 || selection.join() !== declared.join()) return undefined
  const facts: Record<string, string> = {}
  for (const { name } of members) {
    const value = domain[name]
    const text = name === 'chainId' ? chainIdText(value) : textOf(value)
    if (text === undefined || text.length > MAX_DOMAIN_TEXT) return undefined
    facts[name] = name === 'verifyingContract' ? text.toLowerCase() : text
  }
  return facts
}

function chainIdText(value: JsonValue | undefined): string | undefined {
  const word = encodeAtom('uint256', value)
  return word === undefined ? undefined : BigInt(`0x${word}`).toString()
}

type HashStruct = (name: string, value: JsonValue | undefined, depth: number) => string | undefined

/** `hashStruct` of the standard over one set of types; each type's hash is computed once. Hex in, hex out. */
function structHasher(types: Types): HashStruct {
  const typeHashes = new Map<string, string>()

  const typeHash = (name: string, members: Members): string => {
    const known =
      typeHashes.get(name) ?? keccakHex(new TextEncoder().encode(encodeType(name, members, types)))
    typeHashes.set(name, known)
    return known
  }

  const hashStruct: HashStruct = (name, value, depth) => {
    const members = types.get(name)
    const struct = objectOf(value)
    if (members === undefined || struct === undefined || depth > MAX_DEPTH) return undefined
    if (Object.keys(struct).length !== members.length) return undefined
    const words = [typeHash(name, members)]
    for (const member of members) {
      const word = encode(member.type, struct[member.name], depth + 1)
      if (word === undefined) return undefined
      words.push(word)
    }
    return keccakHex(hexToBytes(words.join('')))
  }

  const encode = (type: string, value: JsonValue | undefined, depth: number) => {
    const [, element, count] = ARRAY.exec(type) ?? []
    if (element !== undefined) return encodeArray(element, count, value, depth)
    return types.has(type) ? hashStruct(type, value, depth) : encodeAtom(type, value)
  }

  const encodeArray = (
    element: string,
    count: string | undefined,
    value: JsonValue | undefined,
    depth: number,
  ): string | undefined => {
    const list = arrayOf(value)
    if (list === undefined || depth > MAX_DEPTH) return undefined
    if (count !== undefined && list.length !== Number(count)) return undefined
    const words: string[] = []
    for (const each of list) {
      const word = encode(element, each, depth + 1)
      if (word === undefined) return undefined
      words.push(word)
    }
    return keccakHex(hexToBytes(words.join('')))
  }

  return hashStruct
}

/** `Mail(Person from,…)Person(…)`: the type, then what it refers to, by name. */
function encodeType(primary: string, members: Members, types: Types): string {
  const found = new Map([[primary, members]])
  // A map grows while it is walked: this visits each referred type once.
  for (const [, each] of found) {
    for (const { type } of each) {
      const base = type.replace(/\[.*$/, '')
      const referred = types.get(base)
      if (referred !== undefined) found.set(base, referred)
    }
  }
  const others = [...found].slice(1).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return describe([primary, members]) + others.map(describe).join('')
}

function describe([name, members]: readonly [string, Members]): string {
  return `${name}(${members.map((member) => `${member.type} ${member.name}`).join()})`
}

function keccakHex(bytes: Uint8Array): string {
  return bytesToHex(keccak_256(bytes))
}
