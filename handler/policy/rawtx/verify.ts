/** Rebuilds what is about to be signed from `rawTx`, and says whether it is what the request says. */
import { messageOf } from '../../../common/errors.ts'
import type { TxSignRequest } from '../../protocol/request.ts'
import { Unreadable } from '../../protocol/request.ts'
import type { Asset, Assets } from '../chains/assets.ts'
import { checkPaths, readEntries } from './entries.ts'
import type { Entry } from './entries.ts'
import { verifyEvm } from './evm.ts'
import { signsContent, verifyMessages } from './messages.ts'
import type { OwnAddress } from './own-address.ts'
import { NO_OWN_ADDRESSES } from './own-address.ts'
import { verifyUtxo } from './utxo.ts'
import { isReadable, unreadableIn } from './readable.ts'
import type { ReadableTx } from './readable.ts'
import type { Finding, RawTxVerdict } from './verdict.ts'
import { isGraver, unverifiable } from './verdict.ts'

/** What the policy adds to the check. */
export interface RawTxOptions {
  /**
   * Bitcoin signature hash types beside which none is tolerated, e.g. `['ALL', 'ALL|ANYONECANPAY']`; default `ALL` only.
   * Types that leave outputs open (`NONE…`, `SINGLE…`) can be named but are then `unverifiable`, never `verified`.
   */
  readonly allowedSighashTypes?: readonly string[]
  /** Addresses of our own that may receive change although no input proves them, e.g. a vault's permanent address. */
  readonly changeAddresses?: readonly string[]
  /** Tells addresses of own vault accounts; without it none is known. */
  readonly isOwn?: OwnAddress
  /** `contentDigest` of a valid extra signature: makes RAW contents verifiable. */
  readonly approvedContent?: string
}

/**
 * The verdict on the bytes of a request. Pure and total: it never throws, whatever the bytes; its time is linear in their
 * length.
 */
export function verifyRawTx(
  request: TxSignRequest,
  assets: Assets,
  options: RawTxOptions = {},
): RawTxVerdict {
  try {
    return verify(request, assets, options)
  } catch (error) {
    // A fault of ours must not become a pass. No input is known that leads here.
    return unverifiable(`internal error: ${messageOf(error)}`)
  }
}

function verify(request: TxSignRequest, assets: Assets, options: RawTxOptions): RawTxVerdict {
  if (!isReadable(request)) {
    return isWithoutBytes(request)
      ? { status: 'absent' }
      : unverifiable(`\`${unreadableIn(request) ?? ''}\` cannot be read`)
  }
  const list = request.rawTx ?? []
  if (signsContent(request.operation)) {
    const content = verifyMessages(request, assets, options.approvedContent)
    // A RAW request may be for any key of the account; a typed message is for the asset's.
    const asset = request.operation === 'RAW' ? undefined : assets.get(request.asset ?? '')
    return withPath(content, checkPaths(list, request, { asset, signs: 'content' }))
  }
  if (list.length === 0) return { status: 'absent' }
  const entries = readEntries(list)
  if ('status' in entries) return entries
  const asset = assets.get(request.asset ?? '')
  if (asset === undefined) {
    return unverifiable(`asset \`${request.asset ?? 'none'}\` is not in the table of assets`)
  }
  return withPath(
    judge(request, asset, entries, options),
    checkPaths(list, request, { asset, signs: 'transaction' }),
  )
}

function judge(
  request: ReadableTx,
  asset: Asset,
  entries: readonly Entry[],
  options: RawTxOptions,
): Finding {
  const isOwn = options.isOwn ?? NO_OWN_ADDRESSES
  if (asset.family === 'evm') return verifyEvm(request, asset, entries, isOwn)
  if (asset.family !== 'utxo') {
    return unverifiable(`raw transactions of family \`${asset.family}\` are not decoded`)
  }
  return verifyUtxo(request, asset, entries, {
    allowedSighashTypes: options.allowedSighashTypes ?? ['ALL'],
    changeAddresses: options.changeAddresses ?? [],
    isOwn,
  })
}

/** Nothing is there that could be signed, readable or not. */
function isWithoutBytes({ operation, rawTx }: TxSignRequest): boolean {
  const signsMessages = typeof operation === 'string' && signsContent(operation)
  return !signsMessages && !(rawTx instanceof Unreadable) && (rawTx ?? []).length === 0
}

/** The graver of what the bytes and the signing key say; the facts are those of the bytes. */
function withPath(bytes: Finding, path: Finding | undefined): Finding {
  const key = path ?? bytes
  return { ...(isGraver(key, bytes) ? key : bytes), facts: bytes.facts }
}
