/** Reads what a command was given to read: a file, or standard input for `-`. */
import { readFile } from 'node:fs/promises'
import { CountersignError, errnoOf, messageOf } from '../../common/errors.ts'
import type { CommandIo } from './command-io.ts'

/** The text; throws `CountersignError` when it cannot be read. */
export async function readInput(name: string, io: CommandIo): Promise<string> {
  if (name === '-') return readAll(io.stdin)
  try {
    return await readFile(name, 'utf8')
  } catch (cause) {
    throw new CountersignError(
      `\`${name}\` cannot be read (${errnoOf(cause) ?? messageOf(cause)})`,
      { cause },
    )
  }
}

async function readAll(input: CommandIo['stdin']): Promise<string> {
  if (input === undefined) throw new CountersignError('there is no standard input to read')
  const parts: Buffer[] = []
  for await (const part of input) parts.push(Buffer.from(part))
  return Buffer.concat(parts).toString('utf8')
}
