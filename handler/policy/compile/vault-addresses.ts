/** The list of own addresses: which vault accounts they belong to, so that the label VAULT of a request can be checked. */
import { familyFor, readAddress, vaultAddressKey } from '../chains/address.ts'
import type { AddressRules } from '../chains/address.ts'
import { isListFileName } from './lists.ts'
import type { Findings, ListFileFinding, NamedList } from './lists.ts'

/** The name under which it is kept beside the lists of a policy, which none of them can have. */
export const VAULT_ADDRESSES = '(vault addresses)'

const PATH = ['vaultAddresses', 'file']
const MAX_DOUBTS = 20

/** Reads lines `<vault id> <asset id> <address>`; blank lines and what follows `#` are ignored. */
export function readVaultAddresses(
  file: string,
  files: ReadonlyMap<string, string>,
  rules: AddressRules,
  findings: Findings,
): NamedList {
  const keys = new Set<string>()
  const doubts: ListFileFinding[] = []
  const text = isListFileName(file) ? files.get(file) : undefined
  if (text === undefined) {
    const message = isListFileName(file)
      ? `\`${file}\` was not found beside the policy`
      : 'expected the name of a file beside the policy'
    findings.report(PATH, message)
  }
  for (const [index, raw] of (text ?? '').split('\n').entries()) {
    const line = raw.replace(/(?:^|\s)#.*$/, '').trim()
    if (line === '') continue
    const [vault, asset, address, ...more] = line.split(/\s+/)
    if (vault === undefined || asset === undefined || address === undefined || more.length > 0) {
      findings.reportLine({
        file,
        line: index + 1,
        message: 'expected `<vault id> <asset id> <address>`',
      })
      continue
    }
    const read = readAddress(address, familyFor(rules, asset))
    if (read !== undefined) keys.add(vaultAddressKey(vault, asset, read.bare))
    else if (doubts.length < MAX_DOUBTS) {
      doubts.push({ file, line: index + 1, message: `\`${address}\` is no address of ${asset}` })
    }
  }
  return { name: VAULT_ADDRESSES, kind: 'texts', keys, mayBeEmpty: false, doubts }
}
