/** `audit show`: who asked, when, what was decided by which rule and policy, who released it, and what would be signed. */
import type { ViewSection } from '../../common/admin-api.ts'
import { UsageError } from '../../common/errors.ts'
import type { Reporter } from '../../common/reporter.ts'
import { storyOf } from '../decisions/audit/story.ts'
import type { Story, StoryRecord } from '../decisions/audit/story.ts'
import { rowsOf } from '../display/rows.ts'
import { sectionsOf } from '../display/sections.ts'
import { isObject } from '../protocol/json-value.ts'
import { claimsOf } from '../protocol/stored-token.ts'
import { parseStrictJson } from '../protocol/strict-json.ts'
import type { CommandIo } from './command-io.ts'
import { openForReading } from './open-store.ts'
import { storePathsOf } from './options.ts'
import type { StoreFlags } from './options.ts'
import { sectionLines } from './sections.ts'

/** Prints the story of an id. @throws UsageError when nothing is on record about it */
export async function showStory(
  id: string,
  flags: StoreFlags,
  io: CommandIo,
  reporter: Reporter,
): Promise<void> {
  const { storePath } = storePathsOf(flags, io, reporter)
  const story = read(storePath, id, reporter)
  if (story.records.length === 0) {
    throw new UsageError(`nothing is on record about \`${id}\``, {
      hint: 'give a `txId`, a `requestId` or the whole id of a hold',
    })
  }
  const { records, checkpointSeq } = story
  const asked = await askedIn(records)
  const sections = [...records.map(sectionOf), ...asked]
  const signed =
    checkpointSeq === undefined
      ? 'no checkpoint signs all of this yet'
      : `signed by the checkpoint in record ${checkpointSeq}`
  reporter.result({
    facts: {
      id,
      records: records.map(({ seq, body }) => ({ seq, ...body })),
      request: asked,
      checkpointSeq: checkpointSeq ?? null,
    },
    lines: [
      ...sectionLines(sections, io.stdout.columns),
      '',
      `${records.length} records, ${signed}; \`audit verify\` checks them`,
    ],
  })
}

function read(path: string, id: string, reporter: Reporter): Story {
  const db = openForReading(path)
  try {
    return storyOf(db, id, (seq, last) => reporter.progress(`looked at ${seq} of ${last} records`))
  } finally {
    db.close()
  }
}

const NOT_SHOWN = new Set(['v', 'time', 'kind'])

function sectionOf({ seq, text, body }: StoryRecord): ViewSection {
  const what = body.kind === 'operator' ? body.act : body.kind
  const written = parseStrictJson(text)
  const members = Object.entries(isObject(written) ? written : {}).filter(
    ([name]) => !NOT_SHOWN.has(name),
  )
  return {
    title: `Record ${seq}, ${body.time}: ${what}`,
    rows: members.flatMap(([name, value]) => rowsOf(name, value)),
  }
}

/** What was asked, as the last decision's token has it: the later stage knows more. */
async function askedIn(records: readonly StoryRecord[]): Promise<readonly ViewSection[]> {
  const last = records.findLast(({ body, token }) => body.kind === 'decision' && token !== null)
  if (last?.body.kind !== 'decision' || last.token === null) return []
  const { endpoint, cosigner, rawTx } = last.body
  const claims = claimsOf(last.token)
  return claims === undefined ? [] : sectionsOf(endpoint, claims, { cosigner, verdict: rawTx })
}
