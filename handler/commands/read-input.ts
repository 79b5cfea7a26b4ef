/** Input of commands: a file that is named, or standard input for `-`. */
import { readFile } from 'node:fs/promises'
import { errnoOf, messageOf, UsageError } from '../../common/errors.ts'
import type { CommandIo } from './command-io.ts'

/** The text. @throws UsageError when it cannot be read */
export async function readInput(name: string, io: CommandIo): Promise<string> {
  if (name === '-') return readAll(io.stdin)
  try {
    return await readFile(name, 'utf8')
  } catch (cause) {
    throw new UsageError(`\`${name}\` cannot be read (${errnoOf(cause) ?? messageOf(cause)})`, {
      cause,
    })
  }
}

async function readAll(input: CommandIo['stdin']): Promise<string> {
  if (input === undefined) throw new UsageError('there is no standard input to read')
  const parts: Uint8Array[] = []
  for await (const part of input) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}
