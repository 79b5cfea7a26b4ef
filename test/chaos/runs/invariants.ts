/** What must hold after every single command line, and what must hold at the end of a run. */
import { createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kidOf } from '../../../certs/inspect.ts'
import { settle } from '../../../emulator/approvals.ts'
import { apiNow } from '../../../emulator/custody-api.ts'
import { readJournal } from '../../../bootstrap/journal.ts'
import { listPairings, pairingJournalPath, userDirectory } from '../../../bootstrap/state-paths.ts'
import type { World } from '../../bootstrap/world.ts'

/** What kind of promise. */
export type Kind = 'users' | 'key' | 'handler' | 'end'

/** A promise that did not hold. */
export class Broken extends Error {
  readonly kind: Kind

  constructor(kind: Kind, message: string) {
    super(message)
    this.kind = kind
  }
}

/** Looks at one world again and again and remembers what may never change. */
export interface Watch {
  /** @throws Broken */
  look(): void
  /** The private key as it was when it was first seen. */
  keyFile(): string | undefined
}

export function watch(world: World): Watch {
  let key: string | undefined
  let seenWrites = 0
  return {
    keyFile: () => key,
    look() {
      const now = privateKeys(world)
      if (now.length > 1) throw new Broken('key', 'there is more than one private key')
      const [only] = now
      if (key !== undefined && only !== key)
        throw new Broken('key', 'the private key was lost or changed')
      key = only
      for (const { method, path, body } of world.writes.slice(seenWrites)) {
        if (method === 'PUT' || method === 'PATCH') assertHandlerIn(body, world)
        if (method === 'POST' && path.endsWith('/api_users')) assertKeyIsSafe(key)
      }
      seenWrites = world.writes.length
      assertHandlerAlways(world)
      const made = usersMade(world)
      if (made.length > 1) throw new Broken('users', `${made.length} API users were made`)
    },
  }
}

/** The API users that exist because of the run. */
export function usersMade({ emulator }: World) {
  return Array.from(emulator.users.values()).filter(({ name }) => name.startsWith('countersign-'))
}

/** The end of a run: one user with the key on disk, one pairing with `generation`, everywhere. @throws Broken */
export async function assertEnd(world: World, generation: number): Promise<void> {
  const { emulator, handler, stateDir } = world
  const [user] = usersMade(world)
  if (user === undefined) throw new Broken('end', 'there is no API user')
  const [pem = ''] = privateKeys(world)
  if (kidOf(createPublicKey(pem)) !== kidOf(user.publicKey)) {
    throw new Broken('key', 'the API user has another key than the one on disk')
  }
  // Far enough ahead for every machine to have switched.
  settle(emulator, apiNow(emulator, new Date(world.nowMs)) + 3_600_000)
  const pairings = Array.from(emulator.pairings.values())
  const [pairing] = pairings
  if (pairing === undefined || pairings.length > 1)
    throw new Broken('end', `${pairings.length} pairings`)
  const served = handler.generations.get(generation)
  const urls = [pairing.shown, ...pairing.used].map((changes) => changes.at(-1)?.handler?.url)
  if (urls.some((url) => url === undefined || url !== served?.info.url)) {
    throw new Broken('end', `the co-signer calls ${urls.join(', ')}, not generation ${generation}`)
  }
  if (served?.retired === true) throw new Broken('end', `generation ${generation} is retired`)
  const needs = Object.values(handler.needs)
  const told = needs.length === 1 && needs[0]?.live === generation && needs[0].pending === null
  if (!told) throw new Broken('end', `the handler was told ${JSON.stringify(needs)}`)
  for (const ids of await listPairings(stateDir)) {
    const records = await readJournal(pairingJournalPath(stateDir, ids))
    if (JSON.stringify(records).includes('PRIVATE KEY'))
      throw new Broken('end', 'a secret is in a journal')
  }
}

function assertHandlerIn(body: string, { handler }: World): void {
  const { callbackHandler }: { callbackHandler?: Record<string, unknown> } = JSON.parse(body)
  const key = typeof callbackHandler?.['publicKey'] === 'string'
  const cert = typeof callbackHandler?.['cert'] === 'string'
  const right = { hybrid: key && cert, 'public-key': key && !cert, certificate: cert && !key }
  if (typeof callbackHandler?.['url'] === 'string' && right[handler.auth]) return
  throw new Broken('handler', `a body without a complete callback handler was sent: ${body}`)
}

function assertKeyIsSafe(key: string | undefined): void {
  if (key === undefined) throw new Broken('key', 'a user was asked for before its key was on disk')
}

/** From the first pairing on no instant, past or decided, without a callback handler. */
function assertHandlerAlways({ emulator }: World): void {
  for (const { shown, used } of emulator.pairings.values()) {
    const changes = [shown, ...used].flat()
    if (changes.some(({ handler }) => !handler)) {
      throw new Broken('handler', 'a co-signer was paired without a callback handler')
    }
  }
}

function privateKeys({ stateDir }: World): string[] {
  const directory = userDirectory(stateDir, 'countersign')
  try {
    return readdirSync(directory)
      .filter((name) => name.startsWith('key') && !name.endsWith('.tmp'))
      .map((name) => readFileSync(join(directory, name, 'private.pem'), 'utf8'))
  } catch {
    return []
  }
}
