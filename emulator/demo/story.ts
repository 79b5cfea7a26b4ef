/** What the demo prints: numbered steps, evidence below each, colours only on a terminal. */
import { printable } from '../../common/terminal.ts'

export interface Story {
  /** Begins a step. */
  step(title: string): void
  /** One line of evidence for the current step. */
  evidence(label: string, value: string | number): void
  /** Ends the demo unless the fact holds; the fact is printed either way. */
  prove(fact: string, holds: boolean): void
  summary(text: string): void
}

/** A fact that did not hold. */
export class DemoFailure extends Error {}

interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
}

/** Tells the story on `out`; `elapsed` gives the milliseconds since the demo began. */
export function createStory(out: Output, elapsed: () => number): Story {
  const paint = (code: number, text: string) =>
    out.isTTY === true ? `\u001B[${code}m${text}\u001B[0m` : text
  let steps = 0
  return {
    step(title) {
      steps += 1
      const seconds = (elapsed() / 1000).toFixed(1).padStart(5)
      out.write(`\n${paint(1, `${steps}. ${title}`)} ${paint(2, `(${seconds.trim()} s)`)}\n`)
    },
    evidence(label, value) {
      out.write(`   ${paint(2, `${label}:`)} ${printable(String(value))}\n`)
    },
    prove(fact, holds) {
      out.write(`   ${holds ? paint(32, 'ok') : paint(31, 'FAILED')} ${printable(fact)}\n`)
      if (!holds) throw new DemoFailure(fact)
    },
    summary(text) {
      out.write(`\n${paint(1, text)}\n`)
    },
  }
}
