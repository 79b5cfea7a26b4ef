import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { Command, Option } from 'commander'
import { completionScript, SHELLS } from '../../common/completion.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

function program(): Command {
  const root = new Command('two-words').version('1.0.0')
  const policy = root.command('policy').description('what an Owner’s policy says: it’s "all" of it')
  policy.command('check').description('look').option('--json', 'one JSON object')
  policy.command('replay').option('--policy <file>', 'another policy')
  root.command('secret', { hidden: true })
  root.command('freeze').addOption(new Option('--reason <text>').hideHelp())
  return root
}

/** What bash offers for what was typed, the last word being under the cursor. */
function offered(script: string, ...typed: string[]): string[] {
  const words = ['two-words', ...typed].map((word) => `'${word}'`).join(' ')
  const ask = `${script}
COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _two_words; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', ask], { encoding: 'utf8' }).trim().split('\n')
}

describe('completion in bash', () => {
  const script = completionScript('bash', program())

  it.each([
    [[''], ['policy', 'freeze', '--version', '--help']],
    [['po'], ['policy']],
    [
      ['policy', ''],
      ['check', 'replay', '--help'],
    ],
    [
      ['policy', 'check', '--'],
      ['--json', '--help'],
    ],
    [['policy', 'check', 'some.yaml', '--j'], ['--json']],
    [['freeze', '--'], ['--help']],
  ])('offers after %j what may follow', (typed, expected) => {
    expect(offered(script, ...typed)).toEqual(expected)
  })

  it('offers nothing of its own for a file, and no hidden command', () => {
    expect(offered(script, 'policy', 'check', './x')).toEqual([''])
    expect(script).not.toContain('secret')
  })
})

describe.each(SHELLS)('the script for %s', (shell) => {
  const path = ['/bin', '/usr/bin', '/usr/local/bin'].map((folder) => join(folder, shell))
  const there = path.find((file) => existsSync(file))

  ;(there === undefined ? it.skip : it)('is accepted by the shell, quotes included', async () => {
    const file = join(await temporaryDirectory(), 'script')
    await writeFile(file, completionScript(shell, program()))
    execFileSync(there ?? shell, ['-n', file])
  })

  it('knows every command and every option', () => {
    const script = completionScript(shell, program())
    for (const word of ['policy', 'check', 'replay', 'freeze', 'json', 'version']) {
      expect(script).toContain(word)
    }
  })
})
