/** A question that a person at a terminal answers with yes or no. */
import { createInterface } from 'node:readline'
import { printable } from './terminal.ts'

interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** How to ask; undefined without a terminal. The end of the input, and of `signal`, is a no; without raw mode Ctrl-C stays a signal. */
export function questionOn(
  { stdin, stderr }: Terminal,
  signal?: AbortSignal,
): ((question: string) => Promise<boolean>) | undefined {
  if (stdin.isTTY !== true || stderr.isTTY !== true) return undefined
  return (question) =>
    new Promise((resolve) => {
      const input = createInterface({ input: stdin, terminal: false })
      const end = () => input.close()
      signal?.addEventListener('abort', end, { once: true })
      input.once('close', () => resolve(false))
      input.once('line', (line) => {
        resolve(/^y(es)?$/i.test(line.trim()))
        input.close()
      })
      stderr.write(`${printable(question)} [y/N] `)
    })
}
