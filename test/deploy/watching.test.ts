/** What is watched: the page of metrics, the alerts and the dashboard name what a running handler really has. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { METRICS } from '../../handler/telemetry/metric-table.ts'
import { renderMetricsDocs } from '../../handler/telemetry/metrics-docs.ts'
import { startTestHandler } from '../fixtures/handler.ts'

const ROOT = join(import.meta.dirname, '../..')
const PROMTOOL = '/usr/bin/promtool'
const text = (name: string) => readFileSync(join(ROOT, name), 'utf8')

/** Names that `/metrics` of a handler has just after its start, by type. */
const registered = new Map<string, string>()
let scraped = ''

beforeAll(async () => {
  const handler = await startTestHandler()
  scraped = (await handler.ops('/metrics')).body
  for (const [, name = '', type = ''] of scraped.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    registered.set(name, type)
  }
  await handler.stop()
})

describe('docs/metrics.md', () => {
  it('is what the table prints', () => {
    expect(text('docs/metrics.md')).toBe(renderMetricsDocs())
  })

  it('has every metric of the handler, with its type', () => {
    const own = [...registered].filter(([name]) => !/^countersign_(?:process|nodejs)_/.test(name))
    const table = Object.entries(METRICS).map(([name, { type }]) => [`countersign_${name}`, type])
    expect(new Map(own)).toEqual(new Map(table as [string, string][]))
  })

  it('alarms begin at 0, so that the first of a kind shows as an increase', () => {
    expect(scraped).toContain('countersign_alarms_total{kind="conflict"} 0')
  })
})

describe.each([
  'deploy/prometheus/alerts.yml',
  'deploy/prometheus/canary.yml',
  'deploy/prometheus/alerts.test.yml',
  'deploy/grafana/dashboard.json',
])('%s', (file) => {
  it('names metrics that the handler has', () => {
    // Names of the forms `countersign-handler` and `countersign_x_bucket` are no metrics, and parts of one.
    const named = [...new Set(text(file).match(/countersign_[a-z0-9_]+/g))]
    expect(named.length).toBeGreaterThan(0)
    const isKnown = (name: string) =>
      registered.has(name) ||
      registered.get(name.replace(/_(?:bucket|sum|count)$/, '')) === 'histogram'
    expect(named.filter((name) => !isKnown(name))).toEqual([])
  })
})

describe('the dashboard', () => {
  it('shows something in every panel, and none covers another', () => {
    const { panels } = JSON.parse(text('deploy/grafana/dashboard.json')) as {
      panels: {
        gridPos: { x: number; y: number; w: number; h: number }
        targets: { expr: string }[]
      }[]
    }
    const taken = new Set<string>()
    for (const { gridPos, targets } of panels) {
      expect(targets.every(({ expr }) => expr.includes('countersign_'))).toBe(true)
      const { x, y, w, h } = gridPos
      expect(x + w).toBeLessThanOrEqual(24)
      for (let row = y; row < y + h; row += 1) {
        for (let column = x; column < x + w; column += 1) {
          expect(taken.has(`${column} ${row}`)).toBe(false)
          taken.add(`${column} ${row}`)
        }
      }
    }
  })
})

describe('the alerts', () => {
  const measured = existsSync(PROMTOOL) ? it : it.skip
  const promtool = (...args: string[]) =>
    execFileSync(PROMTOOL, args, { cwd: join(ROOT, 'deploy/prometheus'), encoding: 'utf8' })

  measured('are rules', () => {
    expect(promtool('check', 'rules', 'alerts.yml', 'canary.yml')).toContain('SUCCESS')
  })

  measured('fire when they should, and not otherwise', () => {
    expect(promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS')
  })

  it('each have a test in which they fire', () => {
    const tests = text('deploy/prometheus/alerts.test.yml')
    const alerts = ['alerts.yml', 'canary.yml'].flatMap((file) =>
      [...text(`deploy/prometheus/${file}`).matchAll(/- alert: (\w+)/g)].map(([, name]) => name),
    )
    expect(alerts.length).toBeGreaterThan(10)
    const untested = alerts.filter(
      (name) =>
        !new RegExp(`alertname: ${name}\\n\\s+eval_time: \\S+\\n\\s+exp_alerts:`).test(tests),
    )
    expect(untested).toEqual([])
  })
})
