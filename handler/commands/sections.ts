/**
 * Sections of foreign text on a terminal: every value stands behind a bar, so that no text can be taken for a title or
 * for another row; what is not plain is quoted as JSON.
 */
import type { ViewRow, ViewSection } from '../../common/admin-api.ts'
import { plainText } from '../display/plain.ts'

/** Columns when the terminal does not say; text in a file is easier to read narrow. */
const COLUMNS = 100
const NAME_COLUMNS = 24
const BAR = '│'

/** Lines of all sections, titles flush left, an empty line between sections. */
export function sectionLines(
  sections: readonly ViewSection[],
  columns: number = COLUMNS,
): readonly string[] {
  return sections.flatMap(({ title, rows }, index) => [
    ...(index === 0 ? [] : ['']),
    title,
    ...rows.flatMap((row) => rowLines(row, columns)),
  ])
}

/** The name, then the value in as many lines as it needs. */
function rowLines({ name, text }: ViewRow, columns: number): readonly string[] {
  const label = plainText(name)
  const isLong = label.length > NAME_COLUMNS
  const parts = wrapped(plainText(text), Math.max(20, columns - NAME_COLUMNS - 5))
  const lines = parts.map((part, index) => {
    const left = index === 0 && !isLong ? label : ''
    return `  ${left.padEnd(NAME_COLUMNS)} ${BAR} ${part}`
  })
  return isLong ? [`  ${label}`, ...lines] : lines
}

function wrapped(text: string, width: number): readonly string[] {
  const characters = Array.from(text)
  return Array.from({ length: Math.max(1, Math.ceil(characters.length / width)) }, (_, index) =>
    characters.slice(index * width, (index + 1) * width).join(''),
  )
}
