/** The requests of the load: shaped like the vendor's published sample, each with its own requestId, signed RS256. */
import { createPrivateKey, randomUUID, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'

const signAsync = promisify(sign)

/** One request of the load. */
export interface LoadToken {
  readonly requestId: string
  readonly token: string
}

/** Hands out requests that nobody has answered yet. */
export interface TokenSource {
  /** Undefined when there is none left. */
  next(): LoadToken | undefined
  /** Takes one back that was turned away undecided, to be handed out again. */
  giveBack(token: LoadToken): void
}

/** The address that the benchmark's policies allow. */
export const ALLOWED_ADDRESS = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'

const HEADER = Buffer.from('{"typ":"JWT","alg":"RS256"}').toString('base64url')
/** RSA-2048: 256 bytes. */
const SIGNATURE_CHARS = 342

/** A transfer whose token has `chars` characters, or as few as its content needs; call data fills the rest. */
export function transferJson(requestId: string, chars: number): string {
  const bare = JSON.stringify(transfer(requestId, ''))
  const wanted = Math.floor(((chars - HEADER.length - SIGNATURE_CHARS - 2) * 3) / 4)
  return JSON.stringify(transfer(requestId, 'a9'.repeat(Math.max(0, (wanted - bare.length) >> 1))))
}

/** Signs a payload as a co-signer does, on the thread pool. */
export async function signLoadToken(payload: string, key: KeyObject): Promise<string> {
  const input = `${HEADER}.${Buffer.from(payload).toString('base64url')}`
  const signature = await signAsync('sha256', Buffer.from(input), key)
  return `${input}.${signature.toString('base64url')}`
}

/** Hands out the tokens of a pool file (`requestId token` per line) from line `from` on. */
export function poolSource(file: string, from: number): TokenSource {
  const lines = linesOf(file)
  const returned: LoadToken[] = []
  let position = from
  return {
    next() {
      const line = lines[position]
      if (line === undefined || line === '') return returned.shift()
      position += 1
      const [requestId = '', token = ''] = line.split(' ', 2)
      return { requestId, token }
    },
    giveBack: (token) => returned.push(token),
  }
}

let cached: { readonly file: string; readonly lines: readonly string[] } | undefined

/** A pool serves many jobs in a row, so the last one stays in memory. */
function linesOf(file: string): readonly string[] {
  if (cached?.file !== file) cached = { file, lines: readFileSync(file, 'latin1').split('\n') }
  return cached.lines
}

/** Makes every token when it is asked for, so that a run can last as long as it likes. */
export function liveSource(keyFile: string, chars: number): TokenSource {
  const key = createPrivateKey(readFileSync(keyFile))
  return {
    next() {
      const requestId = randomUUID()
      const payload = Buffer.from(transferJson(requestId, chars)).toString('base64url')
      const input = `${HEADER}.${payload}`
      const signature = sign('sha256', Buffer.from(input), key).toString('base64url')
      return { requestId, token: `${input}.${signature}` }
    },
    giveBack: () => undefined,
  }
}

/** The same token with one character of its signature changed. */
export function tampered({ requestId, token }: LoadToken): LoadToken {
  const at = token.lastIndexOf('.') + 20
  const other = token[at] === 'A' ? 'B' : 'A'
  return { requestId, token: `${token.slice(0, at)}${other}${token.slice(at + 1)}` }
}

function transfer(requestId: string, callData: string): Record<string, unknown> {
  return {
    txId: requestId,
    operation: 'TRANSFER',
    sourceType: 'VAULT',
    sourceId: '0',
    destType: 'ONE_TIME',
    destId: '',
    asset: 'ETH_TEST5',
    amount: 0.01,
    amountStr: '0.010000000000000000',
    requestedAmount: 0.01,
    requestedAmountStr: '0.01',
    destAddressType: 'ONE_TIME',
    destAddress: ALLOWED_ADDRESS,
    destinations: [
      {
        amountNative: 0.01,
        amountNativeStr: '0.01',
        amountUSD: 17.35,
        dstAddressType: 'ONE_TIME',
        dstId: '',
        dstWalletId: '',
        dstType: 'ONE_TIME_ADDRESS',
        dstAddress: ALLOWED_ADDRESS,
        action: 'ALLOW',
      },
    ],
    players: ['21926ecc-4a8a-4614-bbac-7c591aa7efdd', '27900737-46f6-4097-a169-d0ff45649ed5'],
    requestId,
    signerId: '5a1b2c3d-8f3e-4a55-9f7e-0a1b2c3d4e5f',
    extraParameters: { contractCallData: `0x${callData}` },
  }
}
