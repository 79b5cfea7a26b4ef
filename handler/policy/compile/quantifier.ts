/** `every:` and `any:` around a condition on what a request has several of. */
import type { Path } from '../file/problems.ts'
import type { CompileContext } from './texts.ts'

interface Quantified<Block> {
  readonly block: Block
  /** Where the block stands. */
  readonly at: Path
  /** `every` is written; without it the action of the rule decides. */
  readonly isEvery: boolean
}

/** The block inside, and which of its elements it is about. A mixture, and `any` where a rule approves, are reported. */
export function quantified<Block extends object>(
  entry: Block & { readonly every?: Block | undefined; readonly any?: Block | undefined },
  path: Path,
  context: CompileContext,
): Quantified<Block> {
  const { every, any, ...own } = entry
  const written = every ?? any
  if (written === undefined) return { block: entry, at: path, isEvery: false }
  const quantifier = every === undefined ? 'any' : 'every'
  if (Object.keys(own).length > 0 || (every !== undefined && any !== undefined)) {
    context.findings.report(path, `\`${quantifier}\` stands alone, around all conditions`)
  }
  if (quantifier === 'any' && context.reading === 'every') {
    context.findings.report(
      [...path, 'any'],
      'a rule that approves or abstains must hold for every one of them',
    )
  }
  return { block: written, at: [...path, quantifier], isEvery: quantifier === 'every' }
}
