/** The entries of `rawTx`, read once: bytes, the hash that is signed, and the key that signs it. */
import type { Asset } from '../chains/assets.ts'
import { parseHex } from './bytes.ts'
import type { ReadableEntry, ReadableTx } from './readable.ts'
import type { Finding } from './verdict.ts'
import { gravest, mismatch, unverifiable } from './verdict.ts'

/** One entry whose texts are well-formed. */
export interface Entry {
  /** `rawTx[<index>]`, for findings. */
  readonly name: string
  readonly bytes: Uint8Array
  /** 32 bytes in lower-case hex. */
  readonly payload: string
}

/** At most this many entries: 4096 inputs do not fit into a standard transaction. */
const MAX_ENTRIES = 4096

const PAYLOAD = /^[0-9a-f]{64}$/

const INDEX = '(?:0|[1-9][0-9]{0,9})'
const PATH = new RegExp(`^\\[ ?${INDEX}(?:, ?${INDEX}){4} ?\\]$`)

/** Sources whose id is a vault account (both spellings occur in the vendor's documents). */
const VAULT_TYPES: ReadonlySet<string> = new Set(['VAULT', 'VAULT_ACCOUNT'])

/** Every entry, or why one of them cannot be read. */
export function readEntries(list: readonly ReadableEntry[]): readonly Entry[] | Finding {
  if (list.length > MAX_ENTRIES)
    return unverifiable(`more than ${MAX_ENTRIES} entries in \`rawTx\``)
  const entries: Entry[] = []
  for (const [index, { rawTx, payload }] of list.entries()) {
    const name = `rawTx[${index}]`
    const bytes = parseHex(rawTx ?? '')
    if (bytes === undefined || bytes.length === 0) {
      return unverifiable(`\`${name}.rawTx\` is not lower-case hex of a bounded length`)
    }
    if (payload === undefined || payload === null || !PAYLOAD.test(payload)) {
      return unverifiable(`\`${name}.payload\` is not 32 bytes of lower-case hex`)
    }
    entries.push({ name, bytes, payload })
  }
  return entries
}

/** What the paths of keys are compared with. */
export interface KeyRules {
  /** Undefined when the table does not say what the asset is, or the content says nothing about assets. */
  readonly asset: Asset | undefined
  /** A key of another coin signs something else (a transaction), or something that nobody can judge (a message). */
  readonly signs: 'transaction' | 'content'
}

/**
 * The key must be the source vault account's: `[44, coin type, account, change, index]` with the account equal to
 * `sourceId`. Undefined when every entry's path agrees, else the gravest finding. Account-based chains have one key per
 * account, at 0, 0. Under another purpose the numbers have another meaning.
 */
export function checkPaths(
  list: readonly ReadableEntry[],
  { sourceType, sourceId }: ReadableTx,
  rules: KeyRules,
): Finding | undefined {
  if (!VAULT_TYPES.has(sourceType ?? '')) {
    return unverifiable(`the key of a source of type \`${sourceType ?? 'none'}\` is not known`)
  }
  const findings = list.flatMap(
    ({ keyDerivationPath }, index) =>
      checkPath(
        `rawTx[${index}].keyDerivationPath`,
        parsePath(keyDerivationPath ?? ''),
        sourceId,
        rules,
      ) ?? [],
  )
  return gravest(findings)
}

function checkPath(
  field: string,
  path: readonly number[] | undefined,
  sourceId: string | null | undefined,
  { asset, signs }: KeyRules,
): Finding | undefined {
  if (path === undefined) return unverifiable(`\`${field}\` is not five numbers`)
  const found = `[${path.join(', ')}]`
  const [purpose, coinType = -1, account, change = -1, address] = path
  if (purpose !== 44) return unverifiable(`\`${field}\` has a purpose other than 44: ${found}`)
  if (String(account) !== sourceId) return mismatch(field, `account ${sourceId ?? ''}`, found)
  if (asset?.coinTypes !== undefined && !asset.coinTypes.includes(coinType)) {
    return signs === 'transaction'
      ? mismatch(field, `coin type ${asset.coinTypes.join(' or ')}`, found)
      : unverifiable(`\`${field}\` is a key of another coin: ${found}`)
  }
  if (change > (asset?.family === 'utxo' ? 1 : 0)) {
    return unverifiable(`\`${field}\` is not a known branch of the account: ${found}`)
  }
  return asset?.family === 'evm' && address !== 0
    ? unverifiable(`\`${field}\` is not the account's only key: ${found}`)
    : undefined
}

function parsePath(text: string): number[] | undefined {
  return PATH.test(text) ? text.slice(1, -1).split(',').map(Number) : undefined
}
