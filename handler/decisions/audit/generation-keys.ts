/** Public keys of the generations, for the signatures of checkpoints. */
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answerPublicKey } from '../../../certs/inspect.ts'
import { listGenerations } from '../../../certs/store.ts'

/**
 * The public answer key of each generation under a keys directory, retired ones included. No private key is read.
 *
 * @throws KeyMaterialError when a file is not such a key
 */
export async function generationPublicKeys(
  keysDir: string,
): Promise<ReadonlyMap<number, KeyObject>> {
  const keys = new Map<number, KeyObject>()
  for (const generation of await listGenerations(keysDir)) {
    const pem = await readFile(join(keysDir, `g${generation}`, 'public.pem'), 'utf8')
    keys.set(generation, answerPublicKey(pem))
  }
  return keys
}
