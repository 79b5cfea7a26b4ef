/** `generations.json`: what the registry must not forget over a restart, replaced in one step or not at all. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../../common/atomic-file.ts'
import { CountersignError, errnoOf } from '../../common/errors.ts'
import type { StoredHits } from './generation-hits.ts'
import type { RegistryState } from './generation-states.ts'

/** The whole contents of the file. */
export interface RegistryFile {
  readonly state: RegistryState
  readonly hits: StoredHits
  /** Milliseconds that draining generations had been quiet; written by an orderly stop only. */
  readonly quietMs: Readonly<Record<string, number>>
}

/** The file is there and cannot be believed. */
export class RegistryFileError extends CountersignError {}

const generation = z.number().int().positive()
const count = z.number().int().nonnegative()
const duration = z.number().nonnegative()

const fileSchema = z.strictObject({
  version: z.literal(1),
  generations: z.array(
    z.strictObject({
      generation,
      slot: z.string().regex(/^[A-Z]$/),
      drain: z.strictObject({ since: z.iso.datetime(), quietMs: duration }).exactOptional(),
      retiredAt: z.iso.datetime().exactOptional(),
      keyDestroyedAt: z.iso.datetime().exactOptional(),
    }),
  ),
  pairings: z.record(
    z.string(),
    z.strictObject({
      live: generation.nullable(),
      pending: generation.nullable(),
      drainMs: duration,
    }),
  ),
  hits: z.record(
    z.string(),
    z.strictObject({
      total: count,
      lastAt: z.iso.datetime().nullable(),
      bySigner: z.record(z.string(), z.strictObject({ total: count, lastAt: z.iso.datetime() })),
    }),
  ),
  quietMs: z.record(z.string(), duration),
})

/**
 * Reads the file; undefined when there is none.
 *
 * @throws RegistryFileError when it is not what `writeRegistryFile` wrote: forgetting which generations are retired,
 * or which are needed, is not something to guess about.
 */
export async function readRegistryFile(path: string): Promise<RegistryFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
  const parsed = fileSchema.safeParse(parseJson(text))
  if (!parsed.success) {
    throw new RegistryFileError(`\`${path}\` is damaged or of another version`, {
      hint: 'restore it from a backup; never start without knowing which generations are paired',
      cause: parsed.error,
    })
  }
  const { generations, pairings, hits, quietMs } = parsed.data
  return { state: { generations, pairings }, hits, quietMs }
}

/** Replaces the file durably. */
export async function writeRegistryFile(path: string, file: RegistryFile): Promise<void> {
  const { state, hits, quietMs } = file
  const contents = { version: 1, ...state, hits, quietMs }
  await writeFileAtomic(path, `${JSON.stringify(contents, null, 2)}\n`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
