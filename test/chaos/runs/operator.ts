/**
 * The person at the keyboard: types the same command until it has ended, does what its hints say, looks into the approval
 * app before sending anything again, and is sometimes away for a day.
 */
import { appendFileSync, existsSync } from 'node:fs'
import { decide, settle } from '../../../emulator/approvals.ts'
import { draw, drawOne } from '../../../emulator/chaos.ts'
import { apiNow } from '../../../emulator/custody-api.ts'
import { heldAt } from '../../../emulator/state.ts'
import type { ChangeRequest } from '../../../emulator/state.ts'
import { pairingJournalPath, userDirectory } from '../../../bootstrap/state-paths.ts'
import { userJournalPath } from '../../../bootstrap/user-files.ts'
import type { World } from '../../bootstrap/world.ts'
import type { Life } from './life.ts'

/** How a command came to its end, or did not. */
export interface Ending {
  readonly exit: number
  /** Command lines typed. */
  readonly typed: number
  readonly killed: number
  readonly rejections: number
  readonly resubmits: number
  readonly abandons: number
  /** Stops because people approved an older, abandoned request after the current one. */
  readonly overtaken: number
  /** What was typed and how it ended, for the report of a violation. */
  readonly story: readonly string[]
}

/** Command lines after which even a patient person would call support. */
const PATIENCE = 80

/** Command lines after which people have understood, and approve. */
const KIND_AFTER = 20

/** Longer than the API remembers an idempotency key. */
const DAY_MS = 26 * 3_600_000

/** Longer than an old generation is served. */
const DRAIN_MS = 3 * 3_600_000

/** Types `argv` until it ends with 0, or with something that nobody should ever see. */
export async function persist(
  world: World,
  life: Life,
  argv: readonly string[],
  look: (after: string) => void,
): Promise<Ending> {
  const tally = { killed: 0, rejections: 0, resubmits: 0, abandons: 0, overtaken: 0 }
  const story: string[] = []
  let flags: readonly string[] = []
  for (let typed = 1; typed <= PATIENCE; typed += 1) {
    const dieAt = percent(life, 'dies', life.killPct)
      ? 1 + Math.floor(draw(life.chance, 'at') * 60)
      : undefined
    world.dieAt = dieAt
    if (typed === KIND_AFTER) world.knobs({ ...life.knobs, APPROVAL_OUTCOME: 'approve' })
    const exit = await world.run(...argv, '--wait', '2m', '--api-family', life.family, ...flags)
    const killed = dieAt !== undefined && world.contacts >= dieAt
    world.dieAt = undefined
    const words = [...argv, ...flags].join(' ')
    story.push(
      `${words.replace(/--cosigner-id \S+ ?/, '')} → ${killed ? `killed at contact ${dieAt}` : exit} ${errorOf(world)}`,
    )
    look(story.join('\n'))
    if (killed) {
      tally.killed += 1
      tearJournal(world, life)
    } else if (exit === 0 && !flags.includes('--abandon')) {
      tidy(world)
      return { exit, typed, ...tally, story }
    } else if (exit === 6) tally.rejections += 1
    else if (exit === 7 && isOvertaken(world)) tally.overtaken += 1
    else if (![0, 4, 5].includes(exit) && !isPending(world, exit) && !hasHappened(world, exit)) {
      return { exit, typed, ...tally, story }
    }
    const drains = world.stderr.includes('no slot is free')
    world.nowMs += percent(life, 'away', 5) ? DAY_MS : drains ? DRAIN_MS : 60_000
    if (exit === 7 && !killed) flags = ['--abandon']
    else
      flags =
        (exit === 5 || isPending(world, exit)) && !killed
          ? decideAbout(world, life, argv, typed < KIND_AFTER)
          : []
    if (flags.includes('--resubmit')) tally.resubmits += 1
    if (flags.includes('--abandon')) tally.abandons += 1
    retireQuiet(world)
  }
  return { exit: -1, typed: PATIENCE, ...tally, story }
}

/** What to add to the command after it ended with "waiting for people", once people have done what they do. */
function decideAbout(
  world: World,
  life: Life,
  argv: readonly string[],
  moody: boolean,
): readonly string[] {
  const { emulator } = world
  const now = apiNow(emulator, new Date(world.nowMs))
  settle(emulator, now)
  const open = emulator.requests.filter(
    ({ status }) => status === 'WAITING_FOR_APPROVAL' || status === 'APPROVED',
  )
  for (const request of open) {
    if (request.status !== 'WAITING_FOR_APPROVAL' || request.decideAt !== undefined) continue
    if (moody && isLatest(request, emulator.requests) && argv[0] === 'rotate') {
      if (percent(life, 'abandons', 20)) return ['--abandon']
    }
    const listed = request.user !== undefined && life.knobs.LIST_UNAPPROVED
    const verdict = listed || !moody ? 'approve' : drawOne(life.chance, 'verdict', VERDICTS)
    // Approving what a later change has overtaken would be drift made by people.
    decide(emulator, request, isLatest(request, emulator.requests) ? verdict : 'reject', now)
  }
  if (open.length > 0 || world.stderr.includes('no slot is free')) return []
  // Nothing waits: it never arrived, or people refused it and the command has no number to ask for.
  return [
    moody && argv[0] === 'rotate' && percent(life, 'gives up', 20) ? '--abandon' : '--resubmit',
  ]
}

/** Duplicate prompts that nobody wants any more are refused. */
function tidy({ emulator, nowMs }: World): void {
  const now = apiNow(emulator, new Date(nowMs))
  settle(emulator, now)
  for (const request of emulator.requests) decide(emulator, request, 'reject', now)
}

const VERDICTS = ['approve', 'approve', 'approve', 'reject', 'cancel'] as const

function isLatest(request: ChangeRequest, requests: readonly ChangeRequest[]): boolean {
  return request === requests.at(-1)
}

/** The API takes no second change while one is pending, and the hint says where to look. */
function isPending({ stderr }: World, exit: number): boolean {
  return exit === 3 && stderr.includes('hint: another request for this pairing may be pending')
}

/** Too late to give up: "run the command without `--abandon`". */
function hasHappened({ stderr }: World, exit: number): boolean {
  return exit === 2 && stderr.includes('hint: run the command without `--abandon`')
}

/** People have approved an older request after the latest one: real drift, and the way out is `--abandon`. */
function isOvertaken({ emulator, nowMs }: World): boolean {
  const now = apiNow(emulator, new Date(nowMs))
  const [pairing] = emulator.pairings.values()
  const latest = emulator.requests.findLast(({ status }) => status === 'COMPLETED')
  return heldAt(pairing?.shown ?? [], now)?.url !== latest?.target?.handler?.url
}

function percent(life: Life, stream: string, pct: number): boolean {
  return draw(life.chance, stream) * 100 < pct
}

function errorOf({ stderr }: World): string {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('error:'))
    .join(' ')
}

/** A process that dies while it writes leaves half a line; half of all kills do. */
function tearJournal({ stateDir, emulator }: World, life: Life): void {
  if (!percent(life, 'torn line', 50)) return
  const pairings = Array.from(emulator.pairings.values(), (ids) =>
    pairingJournalPath(stateDir, ids),
  )
  const journals = [userJournalPath(userDirectory(stateDir, 'countersign')), ...pairings]
  for (const path of journals) if (existsSync(path)) appendFileSync(path, '{"seq":9,"pr')
}

/** What the handler does by itself: what nobody has called for its drain time answers 410. */
function retireQuiet({ handler, emulator, nowMs }: World): void {
  const now = apiNow(emulator, new Date(nowMs))
  // A change that was approved while the operator was away is called by now, and what is called is not quiet.
  settle(emulator, now)
  const called = new Set(
    Array.from(emulator.pairings.values(), ({ used }) =>
      used.map((changes) => heldAt(changes, now)?.url),
    ).flat(),
  )
  for (const { generation, state, drain, url } of handler.status().generations) {
    const made = handler.generations.get(generation)
    if (state !== 'draining' || drain === undefined || made === undefined) continue
    if (called.has(url)) made.drainSince = new Date(nowMs).toISOString()
    else if (nowMs - Date.parse(drain.since) >= drain.quietMs) made.retired = true
  }
}
