/** RAW and TYPED_MESSAGE requests: the digests of the contents they show are the payloads that will be signed. */
import type { JsonValue } from '../../protocol/json-value.ts'
import { Unreadable } from '../../protocol/request.ts'
import type { TxSignRequest } from '../../protocol/request.ts'
import type { Assets } from '../chains/assets.ts'
import { bytesToHex, concatBytes, keccak_256, parseHex, sha256 } from './bytes.ts'
import type { TypedData } from './eip712.ts'
import { hashTypedData } from './eip712.ts'
import { arrayOf, objectOf, textOf } from './json-content.ts'
import type { ReadableTx } from './readable.ts'
import type { Finding, Proof, RawTxFacts } from './verdict.ts'
import { gravest, mismatch, proven, unverifiable } from './verdict.ts'

/** The vendor's limit for one raw signing request. */
const MAX_MESSAGES = 127

/** Operations that sign contents instead of transactions. */
export function signsContent(operation: string): boolean {
  return operation === 'RAW' || operation === 'TYPED_MESSAGE'
}

/**
 * Names what a RAW or TYPED_MESSAGE request has signed: hex SHA-256 over the signed digests (RAW: the contents
 * themselves), in order, in lower-case hex. An initiator puts it into a statement.
 */
export function contentDigest(digests: readonly string[]): string {
  const text = `countersign content v1\n${digests.join('\n')}`
  return bytesToHex(sha256(new TextEncoder().encode(text)))
}

/** The content digest of a request; undefined when it signs no contents or they cannot be read. */
export function contentDigestOf(request: ReadableTx): string | undefined {
  const contents = readContents(request)
  return typeof contents === 'string' ? undefined : contentDigest(contents.digests)
}

/** The verdict on contents. `approvedContent` is the digest that an extra signature vouches for. */
export function verifyMessages(
  request: ReadableTx,
  assets: Assets,
  approvedContent: string | undefined,
): Finding {
  const contents = readContents(request)
  if (typeof contents === 'string') return unverifiable(contents)
  const { digests, typed } = contents
  const otherChain = otherChainOf(request, typed, assets)
  const facts: RawTxFacts = {
    contentDigest: contentDigest(digests),
    ...(typed === undefined ? {} : { primaryType: typed.primaryType, domain: typed.domain }),
    ...(otherChain === undefined ? {} : { otherChain }),
  }
  const finding =
    checkPayloads(request, contents) ??
    checkApproval(request, facts, approvedContent) ??
    proven(missingChain(typed, otherChain))
  return { ...finding, facts }
}

/** A typed message, as far as a policy can ask about it. */
export type TypedMessage =
  | ({ readonly kind: 'typed' } & Pick<TypedData, 'primaryType' | 'domain'>)
  /** Of another kind: it has no domain and no type. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unreadable' }

const UNREADABLE: TypedMessage = { kind: 'unreadable' }

/** Kinds of messages without domain and type. */
const UNTYPED: ReadonlySet<string> = new Set(['EIP191', 'TIP191', 'BTC_MESSAGE'])

/** The messages of a TYPED_MESSAGE, at least one; none of any other operation. */
export function typedMessagesOf(request: TxSignRequest): readonly TypedMessage[] {
  if (request.operation instanceof Unreadable) return [UNREADABLE]
  if (request.operation !== 'TYPED_MESSAGE') return []
  const messages = messagesOf(request)
  return typeof messages === 'string' ? [UNREADABLE] : messages.map(typedMessage)
}

function typedMessage(message: JsonValue): TypedMessage {
  const type = textOf(objectOf(message)?.['type']) ?? ''
  if (type !== 'EIP712') return UNTYPED.has(type) ? { kind: 'other' } : UNREADABLE
  const typed = typedDataOf(message)
  if (typed === undefined) return UNREADABLE
  const { primaryType, domain } = typed
  return { kind: 'typed', primaryType, domain }
}

function typedDataOf(message: JsonValue | undefined): TypedData | undefined {
  const content = objectOf(objectOf(message)?.['content'])
  return content === undefined ? undefined : hashTypedData(content)
}

/** Payloads are the digests, one for one, in order. */
function checkPayloads({ rawTx }: ReadableTx, { digests, hashed }: Contents): Finding | undefined {
  const list = rawTx ?? []
  if (list.length === 0)
    return unverifiable('there is no raw transaction to compare the content with')
  if (list.length !== digests.length) {
    return mismatch('rawTx', `${digests.length} entries`, `${list.length} entries`)
  }
  const findings = digests.flatMap((digest, index) => {
    const field = `rawTx[${index}].payload`
    const payload = list[index]?.payload ?? ''
    if (payload === digest) return []
    if (payload === '') return [unverifiable(`\`${field}\` is absent`)]
    // What was hashed before, or will be, has a payload of its own; which hash, only the vendor knows.
    return hashed.has(index) || payload.length !== digest.length
      ? [unverifiable(`\`${field}\` is not the content itself, which may be hashed`)]
      : [mismatch(field, digest, payload)]
  })
  return gravest(findings)
}

/** The chain that typed data name, unless it is certainly the asset's. */
function otherChainOf(
  { asset }: ReadableTx,
  typed: TypedData | undefined,
  assets: Assets,
): string | undefined {
  const chainId = typed?.domain['chainId']
  const known = assets.get(asset ?? '')
  const isAssets = known?.family === 'evm' && chainId === String(known.chainId)
  return isAssets ? undefined : chainId
}

/** Typed data that name another chain, or none, are good elsewhere. Plain messages are about no chain. */
function missingChain(
  typed: TypedData | undefined,
  otherChain: string | undefined,
): readonly Proof[] {
  if (typed === undefined) return []
  return otherChain !== undefined || typed.domain['chainId'] === undefined ? ['chain'] : []
}

/** RAW contents are hashes of something unknown: only an expectation from elsewhere can confirm them. */
function checkApproval(
  { operation }: ReadableTx,
  { contentDigest: found = '' }: RawTxFacts,
  approved: string | undefined,
): Finding | undefined {
  if (approved !== undefined && approved !== found) {
    return mismatch('contentDigest', approved, found)
  }
  return operation === 'RAW' && approved === undefined
    ? unverifiable('raw content can only be compared with an extra signature')
    : undefined
}

interface Contents {
  /** What is signed, in lower-case hex. */
  readonly digests: readonly string[]
  /** Of the one EIP-712 message. */
  readonly typed: TypedData | undefined
  /** Positions of contents that were hashed before. */
  readonly hashed: ReadonlySet<number>
}

const NONE_HASHED: ReadonlySet<number> = new Set()

/** The contents, or why they cannot be read. */
function readContents(request: ReadableTx): Contents | string {
  const messages = messagesOf(request)
  if (typeof messages === 'string') return messages
  return request.operation === 'RAW' ? readRaw(messages) : readTyped(messages)
}

function messagesOf({ extraParameters }: TxSignRequest): readonly JsonValue[] | string {
  if (extraParameters instanceof Unreadable) return '`extraParameters` cannot be read'
  const data = objectOf(extraParameters?.['rawMessageData'])
  const messages = arrayOf(data?.['messages']) ?? []
  if (messages.length === 0) return '`rawMessageData.messages` is absent or empty'
  return messages.length > MAX_MESSAGES ? `more than ${MAX_MESSAGES} messages` : messages
}

function readRaw(messages: readonly JsonValue[]): Contents | string {
  const digests: string[] = []
  const hashed = new Set<number>()
  for (const [index, message] of messages.entries()) {
    const { content: text, preHash } = objectOf(message) ?? {}
    const content = textOf(text) ?? ''
    if (preHash !== undefined && preHash !== null) hashed.add(index)
    if (content === '' || parseHex(content) === undefined) {
      return `\`messages[${index}].content\` is not lower-case hex`
    }
    digests.push(content)
  }
  return { digests, typed: undefined, hashed }
}

/** One typed message: facts about several could not say which is meant. */
function readTyped(messages: readonly JsonValue[]): Contents | string {
  if (messages.length > 1) return 'more than one typed message'
  const message = objectOf(messages[0])
  const type = textOf(message?.['type']) ?? 'none'
  const content = message?.['content']
  if (type === 'EIP191') {
    const bytes = parseHex(textOf(content) ?? 'none')
    return bytes === undefined
      ? '`content` is not lower-case hex'
      : { digests: [personalDigest(bytes)], typed: undefined, hashed: NONE_HASHED }
  }
  if (type !== 'EIP712') return `messages of type \`${type}\` are not decoded`
  const typed = typedDataOf(message)
  return typed === undefined
    ? '`content` is not strict EIP-712 typed data'
    : { digests: [typed.digest], typed, hashed: NONE_HASHED }
}

/** EIP-191 version 0x45: `personal_sign`. */
function personalDigest(message: Uint8Array): string {
  const prefix = `\x19Ethereum Signed Message:\n${message.length}`
  return bytesToHex(keccak_256(concatBytes(new TextEncoder().encode(prefix), message)))
}
