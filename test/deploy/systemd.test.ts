import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parseCli } from '../../bootstrap/cli.ts'

const FOLDER = join(import.meta.dirname, '../../deploy/systemd')
const ANALYZE = '/usr/bin/systemd-analyze'
const BIN = '/opt/countersign/bin/'
const CANARY =
  '/usr/bin/env node /opt/countersign/lib/node_modules/countersign/deploy/canary/canary.mjs'

const services = readdirSync(FOLDER).filter((name) => name.endsWith('.service'))
const text = (name: string) => readFile(join(FOLDER, name), 'utf8')

/** The values of a setting, in order. */
const values = (unit: string, name: string) =>
  unit
    .split('\n')
    .flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []))

describe.each(services)('%s', (name) => {
  it('is hardened as every other unit', async () => {
    const [first, own] = await Promise.all([text('countersign-handler.service'), text(name)])
    const hardening = /^LimitCORE=0\n.*^SystemCallErrorNumber=EPERM$/ms
    expect(own.match(hardening)?.[0]).toBeDefined()
    expect(own.match(hardening)?.[0]).toBe(first.match(hardening)?.[0])
  })

  // A unit whose command line the program refuses fails at night, not when it is written.
  it('types commands that exist', async () => {
    const unit = await text(name)
    const lines = [...values(unit, 'ExecStartPre'), ...values(unit, 'ExecStart')]
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) {
      if (line === CANARY) {
        expect(existsSync(join(FOLDER, '../canary/canary.mjs'))).toBe(true)
        continue
      }
      expect(line.startsWith(BIN)).toBe(true)
      const [program, ...args] = line.slice(BIN.length).split(' ')
      if (program === 'countersign-bootstrap') {
        expect(parseCli(args, () => undefined)).toHaveProperty('invocation')
      } else {
        expect([program, ...args].join(' ')).toMatch(/^countersign-handler (run|check)$/)
      }
    }
  })

  const measured = existsSync(ANALYZE) ? it : it.skip
  measured('is exposed less than 2.0 of 10', async () => {
    const args = ['security', '--offline=true', '--no-pager', '--threshold=20', join(FOLDER, name)]
    const verdict = execFileSync(ANALYZE, args, { encoding: 'utf8' })
    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(verdict)?.[1])).toBeLessThan(2)
  })
})

describe('the timers', () => {
  it('each start a service that is there', async () => {
    const timers = readdirSync(FOLDER).filter((name) => name.endsWith('.timer'))
    expect(timers.length).toBeGreaterThan(0)
    for (const timer of timers) expect(services).toContain(timer.replace(/timer$/, 'service'))
  })
})
