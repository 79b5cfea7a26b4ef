/** How far each target has come in the chain, in a file of its own. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ensurePrivateDirectory, writeFileAtomic } from '../../common/atomic-file.ts'
import { errnoOf } from '../../common/errors.ts'
import type { Position } from './queue.ts'

const number = z.number().int().min(0)
const cursorSchema = z.strictObject({
  version: z.literal(1),
  storeId: z.string(),
  seq: number,
  done: z.array(number),
})

export interface CursorFile {
  /** Where to go on; undefined when there is no place that fits this chain. */
  readonly position: Position | undefined
  /** A file is there, and cannot be used. */
  readonly unusable: boolean
  save(position: Position): Promise<void>
}

/** Opens the cursor of a target; `head` is the number of the last record of that store. */
export async function openCursor(
  directory: string,
  name: string,
  storeId: string,
  head: number,
): Promise<CursorFile> {
  await ensurePrivateDirectory(directory)
  const path = join(directory, `${name}.json`)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  const found = text === undefined ? undefined : cursorSchema.safeParse(jsonOf(text)).data
  const fits = found !== undefined && found.storeId === storeId && found.seq <= head
  return {
    position: fits ? { seq: found.seq, done: found.done } : undefined,
    unusable: text !== undefined && !fits,
    save: async ({ seq, done }) => {
      await writeFileAtomic(path, `${JSON.stringify({ version: 1, storeId, seq, done })}\n`)
    },
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
