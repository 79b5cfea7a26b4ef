/** `policy assets import`: the vendor's list of supported assets as a file that a policy names. */
import type { Command } from 'commander'
import { UsageError } from '../../common/errors.ts'
import { EXIT } from '../../common/exit-codes.ts'
import { parseJson } from '../../common/json.ts'
import { contradictionOf, importAssets } from '../policy/compile/asset-import.ts'
import type { CommandIo } from './command-io.ts'
import { perform } from './command-io.ts'
import { readInput } from './read-input.ts'

/** Adds the commands to `policy`. */
export function registerAssetCommands(policy: Command, io: CommandIo): void {
  policy
    .command('assets')
    .description('what asset ids mean on their chains')
    .command('import')
    .description('turn the answer of GET /supported_assets into a file for `assetsFile`, on stdout')
    .argument('<file>', 'the answer as JSON; `-` for stdin')
    .action((file: string) =>
      perform(io, {}, async (reporter) => {
        const imported = importAssets(parseJson(await readInput(file, io)))
        if (imported === undefined) {
          throw new UsageError(`\`${file}\` is no answer of GET /supported_assets`, {
            hint: 'it is a JSON list of objects with `id`, `type`, `nativeAsset`, `decimals` and `contractAddress`',
          })
        }
        const { assets, left } = imported
        const rows = Object.entries(assets)
        for (const [id, row] of rows) {
          const contradiction = contradictionOf(id, row)
          if (contradiction !== undefined) reporter.warning(`\`${id}\`: ${contradiction}`)
        }
        reporter.story(`${rows.length} assets, ${left.length} left out: their chains are not known`)
        const lines = rows.map(([id, row], at) => {
          const comma = at + 1 < rows.length ? ',' : ''
          return `    ${JSON.stringify(id)}: ${JSON.stringify(row)}${comma}`
        })
        reporter.result({
          facts: { assets, left },
          lines: ['{', '  "assets": {', ...lines, '  }', '}'],
        })
        return EXIT.done
      }),
    )
}
