import { describe, expect, it } from '@jest/globals'
import { readYaml } from '../../../../handler/policy/file/yaml-source.ts'

describe('readYaml', () => {
  it('places keys, values, missing values and whatever lies above them', () => {
    const source = readYaml('a:\n  - b: 1\n    c:\n  - d\n')
    const at = (path: (string | number)[], key?: string) =>
      source.locate({ path, message: '', ...(key === undefined ? {} : { key }) })
    expect(at([])).toEqual({ line: 1, column: 1 })
    expect(at(['a', 0, 'b'])).toEqual({ line: 2, column: 8 })
    expect(at(['a', 0], 'b')).toEqual({ line: 2, column: 5 })
    expect(at(['a', 0], 'x')).toEqual({ line: 2, column: 5 })
    expect(at(['a', 0, 'x'])).toEqual({ line: 2, column: 5 })
    expect(at(['a', 1])).toEqual({ line: 4, column: 5 })
    expect(at(['a', 1, 'x'])).toEqual({ line: 4, column: 5 })
    expect(at(['a', 9])).toEqual({ line: 2, column: 3 })
    expect(at(['a', 1], 'x')).toEqual({ line: 4, column: 5 })
    expect(at(['a', 0, 'c']).line).toBe(3)
    expect(readYaml('{ a, b: 1 }').locate({ path: ['a'], message: '' })).toEqual({
      line: 1,
      column: 3,
    })
  })
})
