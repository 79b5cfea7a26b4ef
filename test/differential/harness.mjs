/** What the differential runs share: numbers from a seed, verdicts on requests, and a tally of predictions. */
import { BUILT_IN_ASSETS } from '../../dist/handler/policy/chains/assets.js'
import { verifyRawTx } from '../../dist/handler/policy/rawtx/verify.js'
import { parseRequest } from '../../dist/handler/protocol/parse-request.js'
import { parseStrictJson } from '../../dist/handler/protocol/strict-json.js'

/** Repeatable numbers (mulberry32). */
export function numbers(seed) {
  let state = seed | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (bound) => Math.floor(next() * bound)
  const hex = (length) =>
    Array.from({ length }, () => below(256).toString(16).padStart(2, '0')).join('')
  return {
    below,
    hex,
    chance: (share) => next() < share,
    pick: (list) => list[below(list.length)],
  }
}

/** `verified`, `unproven: fee`, `unverifiable` or `mismatch`, and the verdict itself. */
export function verdictOn(payload) {
  const parsed = parseRequest('tx_sign_request', parseStrictJson(JSON.stringify(payload)))
  if (parsed.kind !== 'request') throw new Error(JSON.stringify(parsed))
  const verdict = verifyRawTx(parsed.request, BUILT_IN_ASSETS)
  const { status } = verdict
  const word = status === 'unproven' ? `unproven: ${verdict.unproven.join(', ')}` : status
  return { word, verdict }
}

/** Neither proved nor partly proved. */
export const NOT = 'not'

/** Counts what was found, and keeps an example of each that was predicted otherwise. */
export function createTally(name) {
  const wrong = new Map()
  const found = new Map()
  let count = 0
  const isProof = (word) => word === 'verified' || word.startsWith('unproven')
  return {
    /** `expected`: a word, or NOT. `isHonest`: nobody lies in it, so that a contradiction would be ours. */
    check(label, payload, expected, isHonest) {
      const { word, verdict } = verdictOn(payload)
      count += 1
      found.set(word, (found.get(word) ?? 0) + 1)
      const fits = expected === NOT ? !isProof(word) : word === expected
      const kind =
        isProof(word) && !fits
          ? 'false verified'
          : isHonest && word === 'mismatch'
            ? 'genuine mismatch'
            : fits
              ? undefined
              : 'other than predicted'
      if (kind === undefined) return
      const key = `${kind}: ${label}: ${word}, predicted ${expected}`
      const known = wrong.get(key) ?? { count: 0, example: { verdict, payload } }
      wrong.set(key, { ...known, count: known.count + 1 })
    },
    /** Prints the sums; true when everything came as predicted. */
    report() {
      const sums = [...found]
        .toSorted((a, b) => (String(a) < String(b) ? -1 : 1))
        .map(([word, times]) => `${times} ${word}`)
      process.stdout.write(`${name}: ${count} requests: ${sums.join(', ')}\n`)
      for (const [key, { count: times, example }] of wrong) {
        process.stdout.write(`  ${times} × ${key}\n  ${JSON.stringify(example, bigints)}\n`)
      }
      for (const kind of ['false verified', 'genuine mismatch', 'other than predicted']) {
        const sum = [...wrong].filter(([key]) => key.startsWith(kind))
        const times = sum.reduce((all, [, each]) => all + each.count, 0)
        process.stdout.write(`  ${times} ${kind}\n`)
      }
      return wrong.size === 0
    },
  }
}

function bigints(_, value) {
  return typeof value === 'bigint' ? String(value) : value
}

/** Base units as a decimal text. */
export function decimalText(units, decimals) {
  const digits = String(units).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return fraction === '' ? whole : `${whole}.${fraction}`
}
