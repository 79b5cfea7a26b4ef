/** RAW and TYPED_MESSAGE requests: the digests of the contents they show are the payloads that will be signed. */
import type { JsonValue } from '../../protocol/json-value.ts'
import type { TxSignRequest } from '../../protocol/request.ts'
import type { Assets } from '../chains/assets.ts'
import { bytesToHex, concatBytes, keccak_256, parseHex, sha256 } from './bytes.ts'
import type { TypedData } from './eip712.ts'
import { hashTypedData } from './eip712.ts'
import { arrayOf, objectOf, textOf } from './json-content.ts'
import type { Finding, RawTxFacts } from './verdict.ts'
import { mismatch, unverifiable, verified } from './verdict.ts'

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
export function contentDigestOf(request: TxSignRequest): string | undefined {
  const contents = readContents(request)
  return typeof contents === 'string' ? undefined : contentDigest(contents.digests)
}

/** The verdict on contents. `approvedContent` is the digest that an extra signature vouches for. */
export function verifyMessages(
  request: TxSignRequest,
  assets: Assets,
  approvedContent: string | undefined,
): Finding {
  const contents = readContents(request)
  if (typeof contents === 'string') return unverifiable(contents)
  const { digests, typed } = contents
  const facts: RawTxFacts = {
    contentDigest: contentDigest(digests),
    ...(typed === undefined ? {} : { primaryType: typed.primaryType, domain: typed.domain }),
  }
  const finding =
    checkPayloads(request, digests) ??
    checkChain(request, typed, assets) ??
    checkApproval(request, facts, approvedContent)
  return { ...finding, facts }
}

/** Payloads are the digests, one for one, in order. */
function checkPayloads({ rawTx }: TxSignRequest, digests: readonly string[]): Finding | undefined {
  const list = rawTx ?? []
  if (list.length === 0)
    return unverifiable('there is no raw transaction to compare the content with')
  if (list.length !== digests.length) {
    return mismatch('rawTx', `${digests.length} entries`, `${list.length} entries`)
  }
  for (const [index, digest] of digests.entries()) {
    const payload = list[index]?.payload ?? 'none'
    if (payload !== digest) return mismatch(`rawTx[${index}].payload`, digest, payload)
  }
  return undefined
}

/** A typed-data domain that names a chain must name the asset's. */
function checkChain(
  { asset }: TxSignRequest,
  typed: TypedData | undefined,
  assets: Assets,
): Finding | undefined {
  const chainId = typed?.domain['chainId']
  if (chainId === undefined) return undefined
  const known = assets.get(asset ?? '')
  if (known?.family !== 'evm') {
    return unverifiable(`asset \`${asset ?? 'none'}\` is not in the table of assets of EVM chains`)
  }
  return chainId === String(known.chainId)
    ? undefined
    : mismatch('domain.chainId', String(known.chainId), chainId)
}

/** RAW contents are hashes of something unknown: only an expectation from elsewhere can confirm them. */
function checkApproval(
  { operation }: TxSignRequest,
  { contentDigest: found = '' }: RawTxFacts,
  approved: string | undefined,
): Finding {
  if (approved !== undefined && approved !== found) {
    return mismatch('contentDigest', approved, found)
  }
  return operation === 'RAW' && approved === undefined
    ? unverifiable('raw content can only be compared with an extra signature')
    : verified()
}

interface Contents {
  /** What is signed, in lower-case hex. */
  readonly digests: readonly string[]
  /** Of the one EIP-712 message. */
  readonly typed: TypedData | undefined
}

/** The contents, or why they cannot be read. */
function readContents({ operation, extraParameters }: TxSignRequest): Contents | string {
  const data = objectOf(extraParameters?.['rawMessageData'])
  const messages = arrayOf(data?.['messages']) ?? []
  if (messages.length === 0) return '`rawMessageData.messages` is absent or empty'
  if (messages.length > MAX_MESSAGES) return `more than ${MAX_MESSAGES} messages`
  return operation === 'RAW' ? readRaw(messages) : readTyped(messages)
}

function readRaw(messages: readonly JsonValue[]): Contents | string {
  const digests: string[] = []
  for (const [index, message] of messages.entries()) {
    const content = textOf(objectOf(message)?.['content']) ?? ''
    if (content === '' || parseHex(content) === undefined) {
      return `\`messages[${index}].content\` is not lower-case hex`
    }
    digests.push(content)
  }
  return { digests, typed: undefined }
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
      : { digests: [personalDigest(bytes)], typed: undefined }
  }
  if (type !== 'EIP712') return `messages of type \`${type}\` are not decoded`
  const object = objectOf(content)
  const typed = object === undefined ? undefined : hashTypedData(object)
  return typed === undefined
    ? '`content` is not strict EIP-712 typed data'
    : { digests: [typed.digest], typed }
}

/** EIP-191 version 0x45: `personal_sign`. */
function personalDigest(message: Uint8Array): string {
  const prefix = `\x19Ethereum Signed Message:\n${message.length}`
  return bytesToHex(keccak_256(concatBytes(new TextEncoder().encode(prefix), message)))
}
