/** The command line of the chaos harness: each form has its bounds, and a mistake is one line. */
import { describe, expect, it } from '@jest/globals'
import { parseOptions } from '../chaos/options.ts'

const PARTS = ['bootstraps', 'kills']

function read(line: string) {
  return parseOptions(line === '' ? [] : line.split(' '), PARTS)
}

describe('the options of the chaos harness', () => {
  it.each([
    ['', { form: 'default', runs: 500, minutes: 9, rate: 200, strace: true, only: undefined }],
    ['--short', { form: 'short', runs: 40, rate: 200 }],
    ['--full --write-docs', { form: 'full', runs: 500, writeDocs: true }],
    ['--only kills --no-strace', { only: ['kills'], strace: false }],
    [
      '--runs 7 --rate 40.5 --seed 12 --minutes 0.5',
      { runs: 7, rate: 40.5, seed: 12, minutes: 0.5 },
    ],
  ])('`%s`', (line, expected) => {
    expect(read(line)).toMatchObject(expected)
  })

  it('draws a seed that can be given back', () => {
    const { seed } = read('') as { seed: number }
    expect(read(`--seed ${seed}`)).toMatchObject({ seed })
  })

  it.each([
    ['--runs 1.5', '`--runs` is a whole number'],
    ['--rate 0', '`--rate` is a number of callbacks per second'],
    ['--minutes none', '`--minutes` is a number above 0'],
    ['--seed -1', '--seed'],
    ['--seed 4294967296', '`--seed` is below 2^32'],
    ['--only kills,naps', '`naps` is none of bootstraps, kills'],
    ['--only kills --write-docs', '`--write-docs` needs every part'],
    ['--fast', "Unknown option '--fast'"],
  ])('`%s` is refused', (line, message) => {
    expect(read(line)).toEqual({ error: expect.stringContaining(message) })
  })

  it('explains itself', () => {
    expect(read('--help')).toEqual({ help: expect.stringContaining('bootstraps, kills') })
  })
})
