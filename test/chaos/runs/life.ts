/** What happens in one run, drawn from its seed: the mode, the faults of the API, and how people and machines behave. */
import { createChaos, draw, drawOne, drawWithin } from '../../../emulator/chaos.ts'
import type { Chaos } from '../../../emulator/chaos.ts'
import { CALM } from '../../../emulator/knobs.ts'
import type { Knobs } from '../../../emulator/knobs.ts'
import type { AuthMode } from '../../../common/admin-api.ts'

export interface Life {
  /** Chance of the operator; the emulator has its own, by the same seed. */
  readonly chance: Chaos
  readonly seed: number
  readonly auth: AuthMode
  readonly knobs: Knobs
  readonly family: 'api_keys' | 'api_users'
  /** Percent of command lines that are killed at some contact with the outside. */
  readonly killPct: number
}

/** The life of run `index` under the harness's seed. */
export function drawLife(seed: number, index: number): Life {
  const own = (Math.imul(seed ^ 0x5bd1e995, 0x27d4eb2f) + index) >>> 0
  const chance = createChaos(own)
  // A user that is listed, refused, and asked for again has a new id; what was begun for the old one stays behind.
  const listUnapproved = draw(chance, 'unapproved') < 0.3
  // Most lives meet the rates of an ordinary bad day, one in four three times as many faults.
  const harsh = draw(chance, 'harsh') < 0.25 ? 1 : 1 / 3
  const percent = (name: string, most: number) => Math.round(draw(chance, name) * most * harsh)
  const knobs: Knobs = {
    ...CALM,
    LOST_REPLY_PCT: percent('lost', 15),
    HTTP_5XX_PCT: percent('5xx', 15),
    HTTP_502_AFTER_COMMIT_PCT: percent('502', 20),
    HTTP_429_PCT: percent('429', 15),
    UNKNOWN_FIELDS_PCT: percent('fields', 40),
    UNKNOWN_STATUS_PCT: percent('status', 40),
    LOCATION_MISSING_PCT: percent('location', 25),
    APPROVAL_DELAY_S: drawOne<Knobs['APPROVAL_DELAY_S']>(chance, 'delay', [
      [0, 15],
      [0, 15],
      [60, 1_200],
      null,
    ]),
    APPROVAL_OUTCOME: listUnapproved ? 'approve' : drawOne(chance, 'outcome', ['approve', 'mixed']),
    COMPLETION_DELAY_MS: [0, 20_000],
    SWITCH_SKEW_MS: [-10_000, 10_000],
    HA_COSIGNERS: drawOne(chance, 'machines', [1, 2]),
    CERT_HASH: drawOne(chance, 'hash', ['curl', 'base64', 'hex', 'hex-colons']),
    CLOCK_SKEW_S: drawWithin(chance, 'clock', [-3, 3]),
    LIST_UNAPPROVED: listUnapproved,
    IDEMP_STRICT_BODY: draw(chance, 'strict') < 0.5,
    SECOND_CHANGE: drawOne(chance, 'second', ['accept', 'accept', 'conflict']),
    PATCH_SEMANTICS: drawOne(chance, 'patch', ['replace', 'merge']),
  }
  return {
    chance,
    seed: own,
    knobs,
    auth: drawOne(chance, 'mode', ['hybrid', 'public-key', 'certificate']),
    family: drawOne(chance, 'family', ['api_keys', 'api_users']),
    killPct: drawOne(chance, 'kills', [0, 0, 30]),
  }
}
