/**
 * Shapes of genuine callbacks that differ from the published samples: legs of a batch, stages that
 * are spelled differently, members of other types. From the vendor's texts and captured payloads;
 * docs/emulator.md says which are guesses.
 */
import { approvalStageOf, destinationsOf, parseObject } from './payload.ts'

/**
 * The requests of a batch: one transaction id, and for each leg a request id with a suffix, a
 * destination and an amount of its own. Without raw transactions, which would be of another
 * payment.
 */
export function legsOf(text: string, count: number): readonly string[] {
  const payload = parseObject(text)
  if (payload === undefined || count < 2) return [text]
  return Array.from({ length: count }, (_, at) => {
    const { rawTx: _rawTx, ...rest } = payload
    const amount = `0.00${at + 1}`
    const account = String(at + 1)
    const leg = { amountNative: Number(amount), amountNativeStr: amount, dstId: account }
    return JSON.stringify({
      ...rest,
      requestId: `${String(payload['requestId'])}_${at}`,
      destId: account,
      amount: Number(amount),
      amountStr: amount,
      requestedAmount: Number(amount),
      requestedAmountStr: amount,
      destinations: destinationsOf(payload).map((entry) => ({ ...entry, ...leg })),
    })
  })
}

/**
 * The approval stage of a transaction as a co-signer may spell it otherwise: no address of a vault
 * yet, other words for the same account type, an address in lower case, an amount with other zeros,
 * empty text where the other stage has null.
 */
export function otherApprovalStageOf(text: string): string {
  const payload = parseObject(approvalStageOf(text))
  if (payload === undefined) return text
  const { destAddress, destType, amountStr } = payload
  return JSON.stringify({
    ...payload,
    destAddress: destType === 'VAULT' ? '' : lower(destAddress),
    destType: destType === 'ONE_TIME_ADDRESS' ? 'ONE_TIME' : destType,
    amountStr: typeof amountStr === 'string' ? amountStr.replace(/(\.\d*?)0+$/, '$1') : amountStr,
    destinations: destinationsOf(payload).map(({ dstAddress, ...entry }) => ({
      ...entry,
      ...(dstAddress === undefined ? {} : { dstAddress: lower(dstAddress) }),
      dstSubType: null,
    })),
  })
}

/**
 * The same transaction with members of other types than documented, where no rule needs to look.
 */
export function withDriftedTypes(text: string): string {
  const payload = parseObject(text)
  if (payload?.['destinations'] === undefined) return text
  const [first, ...more] = destinationsOf(payload)
  return JSON.stringify({
    ...payload,
    players: 'none',
    note: 7,
    externalTxId: null,
    requestedAmount: -1,
    requestedAmountStr: exponentOf(payload['requestedAmountStr']),
    destinations: [
      { ...first, amountUSD: null, dstName: 'N/A', dstTag: '7' },
      ...more.map((entry) => ({ ...entry, amountUSD: '0' })),
    ],
  })
}

/** JavaScript prints small numbers so. */
function exponentOf(amount: unknown): unknown {
  return typeof amount === 'string' ? `${amount}e0` : amount
}

function lower(address: unknown): unknown {
  return typeof address === 'string' && address.startsWith('0x') ? address.toLowerCase() : address
}
