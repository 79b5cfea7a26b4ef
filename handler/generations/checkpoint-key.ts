/** The key that signs checkpoints of the audit chain: that of the newest generation, whoever is paired. */
import { sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { CheckpointKey } from '../decisions/checkpoint.ts'
import type { Keyring } from './keyring.ts'

const signAsync = promisify(sign)

/** The key at this moment; undefined when there is none. */
export function checkpointKey(keyring: Keyring): CheckpointKey | undefined {
  const newest = keyring.entries().findLast((entry) => entry.privateKey !== undefined)
  const key = newest?.privateKey
  if (newest === undefined || key === undefined) return undefined
  return { generation: newest.generation, sign: (data) => signAsync('sha256', data, key) }
}
