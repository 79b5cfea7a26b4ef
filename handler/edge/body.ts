/** Reads a request body as bytes: bounded for itself and together with all others, whatever it claims to be. */
import type { IncomingMessage } from 'node:http'
import type { ByteBudget } from './byte-budget.ts'
import { CallbackError } from '../protocol/errors.ts'

/** A body in memory; `release` gives its bytes back to the budget and must be called once. */
export interface Body {
  readonly bytes: Buffer
  readonly release: () => void
}

/** The caller went away, or was cut off, before the body was complete: nobody is left to be answered. */
export class BodyAbortedError extends Error {}

/**
 * Refuses, before a byte is read, what is encoded, too long by its own account, or finds no room. `begin` is called
 * once the body is wanted: a caller that waits for `100 Continue` sends nothing in vain.
 *
 * @throws CallbackError ERR_BODY_ENCODING, ERR_BODY_TOO_LARGE, ERR_OVERLOADED
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  budget: ByteBudget,
  begin: () => void,
): Promise<Body> {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new CallbackError('ERR_BODY_ENCODING', 'the body has a content encoding')
  }
  // Node undoes `chunked` and leaves any coding before it as it is: two readers would see two bodies.
  const coding = request.headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new CallbackError('ERR_BODY_ENCODING', 'the body has a transfer coding beside `chunked`')
  }
  const declared = request.headers['content-length']
  const length = declared === undefined ? undefined : Number(declared)
  if (length !== undefined && length > maxBytes) throw tooLarge(maxBytes)
  // A declared length is reserved whole: better few bodies complete than many that run out of room half-way.
  let taken = length ?? 0
  if (!budget.take(taken, taken)) throw overloaded()
  const give = () => {
    budget.give(taken)
    taken = 0
  }
  try {
    begin()
    const chunks: Buffer[] = []
    let received = 0
    await eachChunk(request, (chunk) => {
      received += chunk.length
      if (received > maxBytes) throw tooLarge(maxBytes)
      if (received > taken) {
        if (!budget.take(received - taken, received)) throw overloaded()
        taken = received
      }
      chunks.push(chunk)
    })
    const [first] = chunks
    const bytes = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
    return { bytes, release: give }
  } catch (error) {
    give()
    throw error
  }
}

/** Events rather than async iteration, which would destroy the request (and its socket) on the first refusal. */
function eachChunk(request: IncomingMessage, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      request.off('data', onData).off('end', onEnd).off('error', onClose).off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onEnd = () => settle()
    const onClose = () => settle(new BodyAbortedError('the caller went away'))
    const onData = (chunk: Buffer) => {
      try {
        take(chunk)
      } catch (error) {
        request.pause()
        settle(error instanceof Error ? error : new Error(String(error)))
      }
    }
    request.on('data', onData).on('end', onEnd).on('error', onClose).on('close', onClose)
  })
}

function tooLarge(maxBytes: number): CallbackError {
  return new CallbackError('ERR_BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`)
}

function overloaded(): CallbackError {
  return new CallbackError('ERR_OVERLOADED', 'the memory for bodies is used up')
}
