/** The file of assets that a policy names: read into rows, and compared with the built-in ones. */
import type { Asset } from '../chains/asset.ts'
import { contradictionOf } from './asset-import.ts'
import { assetsSchema, BUILT_IN_ASSETS } from '../chains/assets.ts'
import type { Finding } from '../file/problems.ts'
import { isListFileName } from './lists.ts'
import type { Findings } from './lists.ts'

export interface AssetsFile {
  /** Rows that the built-in table does not have, or has otherwise. */
  readonly assets: Readonly<Record<string, Asset>>
  /** Rows that contradict the built-in table. */
  readonly conflicts: readonly Finding[]
}

const PATH = ['assetsFile']
const NOTHING: AssetsFile = { assets: {}, conflicts: [] }

/** Reads the file; `files` has its text. */
export function readAssetsFile(
  name: string | undefined,
  files: ReadonlyMap<string, string>,
  findings: Findings,
): AssetsFile {
  if (name === undefined) return NOTHING
  const text = files.get(name)
  if (!isListFileName(name)) {
    findings.report(PATH, 'expected the name of a file beside the policy')
    return NOTHING
  }
  if (text === undefined) {
    findings.report(PATH, `\`${name}\` was not found beside the policy`)
    return NOTHING
  }
  const parsed = assetsSchema.safeParse(rowsIn(text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')})`
    findings.report(PATH, `\`${name}\` is no file of \`policy assets import\`${where}`)
    return NOTHING
  }
  const conflicts: Finding[] = []
  const assets: Record<string, Asset> = {}
  for (const [id, row] of Object.entries(parsed.data)) {
    const contradiction = contradictionOf(id, row)
    if (contradiction !== undefined) {
      conflicts.push({ path: PATH, message: `\`${id}\` in \`${name}\`: ${contradiction}` })
    }
    // A row that agrees with the built-in one knows less: the coin types stay.
    if (contradiction !== undefined || !BUILT_IN_ASSETS.has(id)) assets[id] = row
  }
  return { assets, conflicts }
}

function rowsIn(text: string): unknown {
  try {
    const file: unknown = JSON.parse(text)
    return typeof file === 'object' && file !== null ? Reflect.get(file, 'assets') : undefined
  } catch {
    return undefined
  }
}
