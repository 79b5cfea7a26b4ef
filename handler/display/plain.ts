/** Foreign text that cannot be mistaken for anything else: as it is when it is plain, else quoted as JSON. Pure. */
import { printableJson } from '../../common/terminal.ts'

/** One line without control or format characters, odd spaces, bars or quotes. */
export function plainText(text: string): string {
  return /^[^\p{C}\p{Z}│"\\]+(?: [^\p{C}\p{Z}│"\\]+)*$/u.test(text) ? text : printableJson(text)
}
