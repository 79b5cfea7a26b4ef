/** `forget`: drops a pairing from the state directory that the API does not have. */
import { rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from '../../common/atomic-file.ts'
import { BootstrapError } from '../errors.ts'
import { readJournal } from '../journal.ts'
import { rememberPairing } from '../memory.ts'
import { observeKey } from '../observe.ts'
import type { Run } from '../runtime.ts'
import { listPairings, type PairingIds, pairingJournalPath } from '../state-paths.ts'
import { type Outcome, subjectOf } from './pairing.ts'

/**
 * Has the handler forget the pairing, and keeps its journal under a name that no command reads.
 *
 * @throws BootstrapError when the pairing exists, or may still come to be
 */
export async function runForget(run: Run): Promise<Outcome> {
  const ids = await idsOf(run)
  const path = pairingJournalPath(run.config.stateDir, ids)
  const { operation } = rememberPairing(await readJournal(path, subjectOf(ids)))
  await assertUnpaired(ids, run)
  const outcome = operation?.submission?.outcome ?? 'clear'
  if (operation !== null && outcome !== 'clear') {
    throw new BootstrapError('ERR_USAGE', 'a change is under way that may still be approved', {
      hint: `give it up first with \`${operation.kind} --abandon\``,
    })
  }
  const facts = { command: 'forget', ...ids, dryRun: run.config.dryRun }
  if (run.config.dryRun) return { result: { facts, lines: [`would forget ${subjectOf(ids)}`] } }
  await run.handler.forget(ids.cosignerId, ids.apiKeyId)
  const kept = `${path}.forgotten-${run.clock.now().toISOString().replaceAll(/[:.]/g, '-')}`
  await rename(path, kept)
  await syncDirectory(dirname(path))
  return { result: { facts: { ...facts, kept }, lines: [`forgotten; its journal is ${kept}`] } }
}

async function idsOf({ config }: Run): Promise<PairingIds> {
  const { cosignerId, apiKeyId, stateDir } = config
  const known = await listPairings(stateDir)
  const found = known.find((ids) => ids.cosignerId === cosignerId && ids.apiKeyId === apiKeyId)
  if (found !== undefined) return found
  throw new BootstrapError('ERR_USAGE', 'no such pairing is known here', {
    details: known.map((ids) => `--cosigner-id ${ids.cosignerId} --api-key-id ${ids.apiKeyId}`),
    hint: 'give `--cosigner-id` and `--api-key-id` of a known one',
  })
}

/** A co-signer or user that the API does not know is not paired either. */
async function assertUnpaired(ids: PairingIds, run: Run): Promise<void> {
  const key = await observeKey(run, ids).catch((error: unknown) => {
    if (error instanceof BootstrapError && error.api?.status === 404) return undefined
    throw error
  })
  if (key === undefined) return
  throw new BootstrapError('ERR_DRIFT', 'the API shows this pairing', {
    hint: 'remove it with `unpair`',
  })
}
