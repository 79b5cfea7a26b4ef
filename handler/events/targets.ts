/** The file of targets: who is told what, and in which form. Read once at the start; every problem is named at once. */
import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { readPrivateFile } from '../../common/atomic-file.ts'
import { DURATION, durationMs } from '../../common/duration.ts'
import { errnoOf, messageOf, UnsafeFileError } from '../../common/errors.ts'
import { assertSafe } from '../../common/file-safety.ts'
import { readYaml } from '../policy/file/yaml-source.ts'
import { EVENTS, isEventType } from './catalogue.ts'
import type { EventType } from './catalogue.ts'
import { PLACEHOLDERS, placeholdersOf } from './render.ts'
import type { Template } from './render.ts'

/** Whom to tell. Its address and secrets never leave this value. */
export interface Target {
  readonly name: string
  readonly url: URL
  /** Keys of the signatures, several while they change; none: nothing is signed. */
  readonly secrets: readonly Buffer[]
  readonly events: ReadonlySet<EventType>
  /** Whether it is told what people wrote, amounts and addresses. */
  readonly full: boolean
  readonly timeoutMs: number
  readonly template: Template | undefined
}

export interface ReadTargets {
  readonly targets: readonly Target[]
  readonly problems: readonly string[]
}

const MAX_TARGETS = 16
const MAX_BYTES = 256 * 1024
const MAX_TIMEOUT_MS = 30_000

/** Standard Webhooks: 24 to 64 bytes. */
const SECRET_BYTES = { min: 24, max: 64 }

const targetSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'is not of the form `a-z 0-9 -`'),
  url: z.string().exactOptional(),
  urlFile: z.string().exactOptional(),
  secretFile: z.string().exactOptional(),
  events: z.array(z.string()).min(1).default(['*']),
  details: z.enum(['none', 'full']).default('none'),
  timeout: z.string().regex(DURATION, 'is no duration like `10s`').default('10s'),
  body: z.record(z.string(), z.json()).exactOptional(),
})
const fileSchema = z.strictObject({
  version: z.literal(1),
  targets: z.array(targetSchema).min(1).max(MAX_TARGETS),
})

type Entry = z.infer<typeof targetSchema>

/** Reads the targets; their own files are looked for beside this one. Never throws. */
export async function readTargets(path: string): Promise<ReadTargets> {
  try {
    const source = readYaml(await readTrusted(path))
    const [first] = source.problems
    if (first !== undefined) return refused(path, [`line ${first.place.line}: ${first.message}`])
    const parsed = fileSchema.safeParse(source.value)
    if (!parsed.success) {
      return refused(
        path,
        parsed.error.issues.map(
          ({ path: at, message }) => `${at.length === 0 ? '' : `${at.join('.')}: `}${message}`,
        ),
      )
    }
    return await readEntries(path, parsed.data.targets)
  } catch (error) {
    const missing = errnoOf(error) === 'ENOENT'
    return {
      targets: [],
      problems: [missing ? `\`${path}\`: there is no such file` : messageOf(error)],
    }
  }
}

async function readEntries(path: string, entries: readonly Entry[]): Promise<ReadTargets> {
  const problems: string[] = []
  const targets: Target[] = []
  const names = new Set<string>()
  for (const entry of entries) {
    if (names.has(entry.name)) problems.push(`\`${entry.name}\`: two targets have this name`)
    names.add(entry.name)
    const own: string[] = []
    const target = await targetOf(entry, dirname(path), own)
    problems.push(...own.map((problem) => `\`${entry.name}\`: ${problem}`))
    if (target !== undefined) targets.push(target)
  }
  return problems.length === 0 ? { targets, problems } : refused(path, problems)
}

function refused(path: string, problems: readonly string[]): ReadTargets {
  return { targets: [], problems: problems.map((problem) => `\`${path}\`: ${problem}`) }
}

async function targetOf(
  entry: Entry,
  directory: string,
  problems: string[],
): Promise<Target | undefined> {
  const { name, details, body } = entry
  const url = await urlOf(entry, directory, problems)
  const secrets = await secretsOf(entry, directory, problems)
  const events = eventsOf(entry.events, problems)
  const timeoutMs = durationMs(entry.timeout)
  if (timeoutMs > MAX_TIMEOUT_MS) problems.push('`timeout` is longer than 30s')
  const template: Template | undefined = body
  const unknown = placeholdersOf(template ?? null).filter((each) => !PLACEHOLDERS.has(each))
  if (unknown.length > 0) problems.push(`\`body\`: no placeholder is called \`${unknown[0]}\``)
  if (url === undefined || problems.length > 0) return undefined
  return { name, url, secrets, events, full: details === 'full', timeoutMs, template }
}

async function urlOf(
  { url, urlFile }: Entry,
  directory: string,
  problems: string[],
): Promise<URL | undefined> {
  if ((url === undefined) === (urlFile === undefined)) {
    problems.push('give either `url` or `urlFile`')
    return undefined
  }
  const text = url ?? (await secretLines(directory, urlFile, problems))[0] ?? ''
  if (problems.length > 0) return undefined
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) problems.push('its URL is none')
  else if (parsed.username + parsed.password !== '') problems.push('its URL holds a password')
  else if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname)) {
    problems.push('its URL must be https, except on this machine')
  }
  return parsed
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

async function secretsOf(
  { secretFile, body }: Entry,
  directory: string,
  problems: string[],
): Promise<readonly Buffer[]> {
  if (secretFile === undefined) {
    // A chat cannot verify; whoever gets the standard body can, and should.
    if (body === undefined) problems.push('`secretFile` is missing')
    return []
  }
  const lines = await secretLines(directory, secretFile, problems)
  const secrets = lines.map((line) => Buffer.from(line.replace(/^whsec_/, ''), 'base64'))
  const { min, max } = SECRET_BYTES
  const fits = (line: string, at: number) => {
    const { length = 0 } = secrets[at] ?? {}
    return /^(?:whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(line) && length >= min && length <= max
  }
  if (problems.length === 0 && (lines.length === 0 || !lines.every(fits))) {
    problems.push('`secretFile`: each line must be `whsec_` and 24 to 64 bytes in Base64')
  }
  return secrets
}

async function secretLines(
  directory: string,
  file = '',
  problems: string[] = [],
): Promise<readonly string[]> {
  const path = resolve(directory, file)
  try {
    const text = await readPrivateFile(path)
    return text.split(/\r?\n/).filter((line) => line !== '')
  } catch (error) {
    problems.push(
      errnoOf(error) === 'ENOENT' ? `\`${path}\`: there is no such file` : messageOf(error),
    )
    return []
  }
}

/** `*`, `hold.*` or a type. */
function eventsOf(patterns: readonly string[], problems: string[]): ReadonlySet<EventType> {
  const types = Object.keys(EVENTS).filter(isEventType)
  const chosen = new Set<EventType>()
  for (const pattern of patterns) {
    const found = types.filter(
      (type) =>
        pattern === '*' ||
        pattern === type ||
        (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
    )
    if (found.length === 0) problems.push(`\`events\`: \`${pattern}\` is no event`)
    for (const type of found) chosen.add(type)
  }
  return chosen
}

/** Who can write this file reads everything that is told. */
async function readTrusted(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const facts = await file.stat()
    if (!facts.isFile()) throw new UnsafeFileError(`\`${path}\` is not a regular file`)
    assertSafe(path, facts, 'trusted')
    assertSafe(dirname(path), await lstat(dirname(path)), 'trusted', { sticky: true })
    if (facts.size > MAX_BYTES) throw new UnsafeFileError(`\`${path}\` is larger than 256 KiB`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
