/** `export-addresses`: the addresses of the workspace's vault accounts, as the file that a policy's `vaultAddresses` names. */
import { isObject } from '../../common/json.ts'
import { BootstrapError } from '../errors.ts'
import { parseVaultAccounts, parseVaultAddresses, paths } from '../api/resources.ts'
import type { Page } from '../api/resources.ts'
import type { Run } from '../runtime.ts'
import { safePoint } from '../session.ts'
import type { Outcome } from './pairing.ts'

/** Pages that are read of one list; the vendor's largest pages hold 500 accounts or 1,000 addresses. */
const MAX_PAGES = 2_000

/** What a line can hold: no blanks, and no sign that begins a comment. */
const WORD = /^[\x21\x22\x24-\x7e]+$/

/** Reads all vault accounts and their addresses; changes nothing. */
export async function runExport(run: Run): Promise<Outcome> {
  const lines: string[] = []
  const accounts = await readPages(run, paths.vaultAccounts, parseVaultAccounts, 'vault accounts')
  for (const { id, assets } of accounts) {
    if (!isWanted(run.config.vaults, id)) continue
    for (const asset of assets) {
      if (!isWanted(run.config.assets, asset)) continue
      const path = (after?: string) => paths.vaultAddresses(id, asset, after)
      const addresses = await readPages(run, path, parseVaultAddresses, `addresses of vault ${id}`)
      for (const address of addresses.flat()) {
        if ([id, asset, address].every((word) => WORD.test(word))) {
          lines.push(`${id} ${asset} ${address}`)
        } else run.reporter.warning(`an address of vault ${id} is no address: left out`)
      }
    }
    run.reporter.progress(`vault ${id}: ${lines.length} addresses so far`)
  }
  const unique = [...new Set(lines)]
  const facts = { command: 'export-addresses', addresses: unique }
  return {
    result: { facts, lines: ['# <vault id> <asset id> <address>', ...unique] },
  }
}

function isWanted(wanted: readonly string[] | undefined, id: string): boolean {
  return wanted === undefined || wanted.includes(id)
}

/** All pages of a list; one that does not end is an error, since a part of it is no list of own addresses. */
async function readPages<T>(
  run: Run,
  path: (after?: string) => string,
  parse: (body: unknown) => Page<T> | undefined,
  what: string,
): Promise<readonly T[]> {
  const all: T[] = []
  let after: string | undefined
  for (let count = 0; count < MAX_PAGES; count += 1) {
    safePoint(run.runtime)
    const { body } = await run.api.get(path(after))
    const page = isObject(body) ? parse(body) : undefined
    if (page === undefined) {
      throw new BootstrapError('ERR_API_UNAVAILABLE', `the API's list of ${what} cannot be read`)
    }
    all.push(...page.items)
    if (page.after === undefined) return all
    after = page.after
  }
  throw new BootstrapError('ERR_API_UNAVAILABLE', `the API's list of ${what} does not end`)
}
