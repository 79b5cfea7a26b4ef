/** What a run found, as a value, and its one rendering: Markdown tables that read well on a terminal too. */
import type { Machine } from './machine.ts'

/** One table of results with what must be known to read it. */
export interface Section {
  readonly title: string
  /** How it was measured, in sentences. */
  readonly notes: readonly string[]
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly figures: readonly Figure[]
}

/** One number with, where issue or design set one, its goal. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The value may be at most or must be at least this. */
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number }
}

/** A section and how quiet the machine was. */
export interface MeasuredSection extends Section {
  /** Part of all cores that other work used, from 0 to 1; undefined where the system does not tell. */
  readonly foreignCpu: number | undefined
}

/** With more than this part of the cores in other hands nothing is said about goals. */
const MOST_FOREIGN = 0.05

/** A whole run. */
export interface Report {
  readonly machine: Machine
  /** The options that shaped the run, e.g. `--quick`. */
  readonly how: string
  readonly seconds: number
  readonly sections: readonly MeasuredSection[]
}

/** Whether a figure keeps its goal; undefined without one, and NaN keeps none. */
export function met({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined) return undefined
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast
}

/** The whole report as Markdown. */
export function renderReport({ machine, how, seconds, sections }: Report): string {
  const facts = [
    `Measured ${machine.date} on ${machine.cores} cores (${machine.cpu}, ${machine.platform}), ` +
      `Node ${machine.node}, OpenSSL ${machine.openssl}; \`${how}\`, ${Math.round(seconds)} s.`,
    loadNote(machine),
    'Trust ratios to the floor of the same run, not microseconds. CPU is the process time of all threads of the server.',
  ]
  return [...facts, goalsOf(sections), ...sections.map(renderSection)].join('\n\n') + '\n'
}

/** What else ran costs the servers caches, wake-ups and waiting; the floor, a tight loop, hardly notices. */
function loadNote({ cores, loadBefore }: Machine): string {
  const busy = loadBefore > cores / 4
  const verdict = busy ? 'other work shared the cores, so the figures below are too high' : 'idle'
  return `Load average before the run: ${text(loadBefore)} (${verdict}).`
}

/** One section as Markdown. */
export function renderSection(section: MeasuredSection): string {
  const { title, notes, columns, rows, figures, foreignCpu } = section
  const parts = [`## ${title}`]
  if (notes.length > 0) parts.push(notes.join(' '))
  if (rows.length > 0) parts.push(table(columns, rows))
  const row = (figure: Figure) => figureRow(figure, isQuiet(section))
  if (figures.length > 0) parts.push(table(FIGURE_COLUMNS, figures.map(row)))
  if (foreignCpu !== undefined)
    parts.push(`Other work used ${text(foreignCpu * 100)} % of the cores.`)
  return parts.join('\n\n')
}

/** A number with three significant digits, thousands separated; a dash for what could not be measured. */
export function text(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

const FIGURE_COLUMNS = ['figure', 'value', 'goal', '']

function isQuiet({ foreignCpu = 0 }: MeasuredSection): boolean {
  return foreignCpu <= MOST_FOREIGN
}

function figureRow(figure: Figure, quiet: boolean): string[] {
  const { name, value, unit, goal } = figure
  const amount = unit === '' ? text(value) : `${text(value)} ${unit}`
  if (goal === undefined) return [name, amount, '', '']
  const bound = 'atMost' in goal ? `≤ ${text(goal.atMost)}` : `≥ ${text(goal.atLeast)}`
  if (!quiet) return [name, amount, bound, 'no verdict']
  return [name, amount, bound, met(figure) === true ? 'met' : 'not met']
}

function goalsOf(sections: readonly MeasuredSection[]): string {
  const goalsIn = (some: readonly MeasuredSection[]) =>
    some.flatMap(({ figures }) => figures.filter(({ goal }) => goal !== undefined))
  const judged = goalsIn(sections.filter(isQuiet))
  const kept = judged.filter((figure) => met(figure) === true).length
  const open = goalsIn(sections).length - judged.length
  const busy = `; no verdict on ${open}, because other work used more than ${MOST_FOREIGN * 100} % of the cores`
  return `Goals met: ${kept} of ${judged.length}${open === 0 ? '' : busy}.`
}

/** Cells padded as prettier pads them, so that the generated file needs no formatting. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((name, i) =>
    Math.max(3, name.length, ...rows.map((row) => (row[i] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(columns), rule, ...rows.map(line)].join('\n')
}
