/** Log lines on their way out: written in batches by the thread pool, in order, and never waited for by a decision. */
import { write } from 'node:fs'
import { promisify } from 'node:util'
import { errnoOf } from '../../common/errors.ts'
import type { LogStream } from './log.ts'

/** How long a line may wait for others, in milliseconds. */
const BATCH_MS = 100

/** What may wait for a reader that does not read; lines beyond it are dropped before memory runs out. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** How long to wait before a full pipe is tried again, in milliseconds. */
const FULL_PIPE_MS = 10

/** A stream that collects lines. */
export interface BufferedOutput extends LogStream {
  /** Resolves when everything written so far has been handed on, or can never be. */
  readonly flush: () => Promise<void>
}

const writeBytes = promisify(write)

/** Output to a file descriptor; the lines must be ASCII. A reader that is gone does not bring the handler down. */
export function bufferedOutput(fd: number): BufferedOutput {
  let waiting = ''
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  const writeBatch = async () => {
    const batch = Buffer.from(waiting, 'latin1')
    waiting = ''
    await writeAll(fd, batch)
  }
  const somethingWaits = () => waiting !== '' && !closed
  const later = () => {
    timer ??= setTimeout(() => void start(), BATCH_MS).unref()
  }
  const start = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing ??= writeBatch()
      .catch(() => {
        closed = true
      })
      .finally(() => {
        writing = undefined
        // What came meanwhile waits for company too: a write of its own for each line would cost more than the line.
        if (somethingWaits()) later()
      })
    return writing
  }
  return {
    write(line) {
      if (closed || waiting.length > MAX_WAITING_BYTES) return
      waiting += line
      if (writing === undefined) later()
    },
    async flush() {
      await writing
      while (somethingWaits()) await start()
    },
  }
}

async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  let rest = bytes
  while (rest.length > 0) {
    try {
      const { bytesWritten } = await writeBytes(fd, rest)
      rest = rest.subarray(bytesWritten)
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error
      await new Promise((resolve) => setTimeout(resolve, FULL_PIPE_MS))
    }
  }
}
