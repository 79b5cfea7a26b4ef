/**
 * Call data of contract calls in words: the functions of ERC-20, ERC-721, ERC-1155, Permit2 and of the team's own ABI
 * files. Only what reads exactly is explained: encoding the arguments again must give the same bytes.
 */
import type { ViewRow } from '../../common/admin-api.ts'
import { sha256 } from '../protocol/digest.ts'
import { row } from './rows.ts'

/** A function that the policy's ABI files have. */
export interface OwnFunction {
  /** `0x` and 8 hex digits. */
  readonly selector: string
  /** As Solidity writes it. */
  readonly declaration: string
  readonly file: string
}

/** ERC-20, ERC-721, ERC-1155 (their EIPs), and Permit2 (Uniswap/permit2, `IAllowanceTransfer`, `ISignatureTransfer`). */
const STANDARD_FUNCTIONS: readonly string[] = [
  'function transfer(address to, uint256 value)',
  'function approve(address spender, uint256 value)',
  'function transferFrom(address from, address to, uint256 value)',
  'function increaseAllowance(address spender, uint256 addedValue)',
  'function decreaseAllowance(address spender, uint256 subtractedValue)',
  'function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)',
  'function safeTransferFrom(address from, address to, uint256 tokenId)',
  'function safeTransferFrom(address from, address to, uint256 tokenId, bytes data)',
  'function setApprovalForAll(address operator, bool approved)',
  'function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes data)',
  'function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data)',
  'function approve(address token, address spender, uint160 amount, uint48 expiration)',
  'function transferFrom(address from, address to, uint160 amount, address token)',
]

/** Rows about the data: the function and each argument, or selector and bytes. */
export async function callDataRows(
  hex: string,
  own: readonly OwnFunction[] = [],
): Promise<readonly ViewRow[]> {
  const digits = hex.startsWith('0x') ? hex.slice(2) : hex
  if (digits === '') return [row('call data', '(empty)')]
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits)) return [row('call data', hex)]
  const bytes = Buffer.from(digits, 'hex')
  const size = row(
    'size',
    `${bytes.length} bytes, SHA-256 ${sha256(digits.toLowerCase())} of the digits`,
  )
  const selector = `0x${digits.slice(0, 8).toLowerCase()}`
  const standard = firstCall(await (standardReaders ??= readersOf(STANDARD_FUNCTIONS)), bytes)
  if (standard !== undefined) return [...callRows(standard), size]
  for (const { declaration, file } of own.filter((each) => each.selector === selector)) {
    const call = firstCall(await readersOf([declaration]), bytes)
    if (call !== undefined) return [...callRows(call, ` (by ${file})`), size]
  }
  return [row('function', `unknown, selector ${selector}`), row('bytes', `0x${digits}`), size]
}

interface Call {
  readonly declaration: string
  readonly value: unknown
}

type Reader = (data: Uint8Array) => Call | undefined

function firstCall(readers: readonly Reader[], data: Uint8Array): Call | undefined {
  for (const read of readers) {
    const call = read(data)
    if (call !== undefined) return call
  }
  return undefined
}

function callRows({ declaration, value }: Call, by = ''): readonly ViewRow[] {
  const told = value === undefined ? [] : argumentRows('', value)
  return [row('function', declaration + by), ...told]
}

let standardReaders: Promise<readonly Reader[]> | undefined

/** The library is loaded when something is shown, not at the start of the handler. */
async function readersOf(declarations: readonly string[]): Promise<readonly Reader[]> {
  const { createContract, Decoder, parseAbi } = await import('micro-eth-signer/abi.js')
  const anywhere = `0x${'0'.repeat(40)}`
  return declarations.map((declaration) => {
    const abi = parseAbi([declaration])
    const decoder = new Decoder()
    decoder.add(anywhere, abi)
    const contract = createContract(abi)
    return (data) => {
      try {
        const call = decoder.decode(anywhere, data)
        if (call === undefined || Array.isArray(call)) return undefined
        const again = contract[call.name]?.encodeInput(call.value)
        const isExact = again !== undefined && Buffer.from(again).equals(data)
        return isExact
          ? { declaration: declaration.replace(/^function /, ''), value: call.value }
          : undefined
      } catch {
        // Not the arguments of this function.
        return undefined
      }
    }
  })
}

const GREATEST = [160n, 256n].map((bits) => 2n ** bits - 1n)

function argumentRows(path: string, value: unknown): readonly ViewRow[] {
  if (value instanceof Uint8Array) return [row(path, `0x${Buffer.from(value).toString('hex')}`)]
  if (Array.isArray(value)) {
    return value.flatMap((element, index) => argumentRows(`${path}[${index}]`, element))
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, member]) =>
      argumentRows(path === '' ? name : `${path}.${name}`, member),
    )
  }
  const isUnlimited = typeof value === 'bigint' && GREATEST.includes(value)
  return [
    row(
      path || 'value',
      `${String(value)}${isUnlimited ? ' (the greatest possible: unlimited)' : ''}`,
    ),
  ]
}
