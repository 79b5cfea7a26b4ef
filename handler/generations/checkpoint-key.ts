/** The key that signs checkpoints of the audit chain: the answer key of the live generation. */
import type { CheckpointKey } from '../decisions/checkpoint.ts'
import { liveGeneration } from './generation-states.ts'
import type { RegistryState } from './generation-states.ts'
import type { Keyring } from './keyring.ts'

/** The key at this moment; undefined when there is none. Before the first pairing it is that of the newest generation. */
export function checkpointKey(state: RegistryState, keyring: Keyring): CheckpointKey | undefined {
  const live = liveGeneration(state)
  const found = live === undefined ? undefined : keyring.get(live)
  const entry =
    found?.signer === undefined
      ? keyring.entries().findLast(({ signer }) => signer !== undefined)
      : found
  const signer = entry?.signer
  if (entry === undefined || signer === undefined) return undefined
  const { algorithm } = signer
  return { generation: entry.generation, algorithm, sign: (data) => signer.sign(data) }
}
