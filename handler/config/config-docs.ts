/** Prints docs/configuration.md from the table of settings, so that the two cannot differ. */
import { SETTINGS } from './settings.ts'
import type { Setting } from './settings.ts'

const INTRODUCTION = `# Handler settings

Settings are environment variables. A wrong value, an unknown \`HANDLER_*\` name or a contradiction keeps the handler from starting, with all problems listed at once and exit code 2. Secrets are given as paths of files, never as values. No setting weakens verification. \`countersign-handler check\` tells whether the handler would start: it also tries the store, the lock, the addresses and the admin socket.

This page is printed by \`countersign-handler config-docs\`.
`

/** The page as Markdown, with a final line feed. */
export function renderConfigDocs(): string {
  const settings: readonly Setting<unknown>[] = Object.values(SETTINGS)
  return [INTRODUCTION, ...settings.map(section)].join('\n')
}

function section({ name, fallback, otherwise, meaning }: Setting<unknown>): string {
  const standard = fallback === undefined ? (otherwise ?? 'none') : `\`${fallback}\``
  return `## ${name}\n\n${meaning}\n\nDefault: ${standard}.\n`
}
