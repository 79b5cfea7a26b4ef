/** Acts: what an approver signs, as a text of a few lines that a person can read and every program writes alike. */

/** What people may be asked for. */
export const ACTS = ['hold', 'unfreeze', 'limits-release', 'pairing', 'rotation', 'policy'] as const

export type ActName = (typeof ACTS)[number]

export type Verdict = 'approve' | 'reject'

/** One decision of one person about one thing, once. */
export interface Act {
  readonly act: ActName
  readonly verdict: Verdict
  /** UUID of the decision store. */
  readonly store: string
  /** Id under which it waits, 16 hex digits. */
  readonly subject: string
  /** Hex SHA-256 of what is decided on: of a hold, the digest of the request. */
  readonly digest: string
  /** The rule that asks; `acts.<name>` where no rule does. */
  readonly rule: string
  /** See `termsDigest`. */
  readonly terms: string
  /** 64 hex digits that nobody knew before it began to wait. */
  readonly nonce: string
  /** For people: one line. */
  readonly what: string
}

const HEAD = 'countersign-act-1'
const LINES = [
  'act',
  'verdict',
  'store',
  'subject',
  'digest',
  'rule',
  'terms',
  'nonce',
  'what',
] as const
/** Printable ASCII, so that one line of the text is one line on every screen. */
const VALUE = /^[\x20-\x7e]{1,1024}$/

/**
 * The text whose bytes are signed.
 *
 * @throws TypeError when a value would not be one line
 */
export function actText(act: Act): string {
  const lines = LINES.map((name) => {
    if (!VALUE.test(act[name])) throw new TypeError(`\`${name}\` of an act is not one line`)
    return `${name}: ${act[name]}`
  })
  return `${[HEAD, ...lines].join('\n')}\n`
}

/** The act in a text; undefined when it is not exactly what `actText` writes. */
export function parseAct(text: string): Act | undefined {
  const [head, ...lines] = text.split('\n')
  const values = new Map<string, string>()
  for (const line of lines) {
    const at = line.indexOf(': ')
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 2))
  }
  const value = (name: (typeof LINES)[number]) => values.get(name) ?? ''
  const name = ACTS.find((each) => each === value('act'))
  const verdict = (['approve', 'reject'] as const).find((each) => each === value('verdict'))
  if (head !== HEAD || name === undefined || verdict === undefined) return undefined
  const act: Act = {
    act: name,
    verdict,
    store: value('store'),
    subject: value('subject'),
    digest: value('digest'),
    rule: value('rule'),
    terms: value('terms'),
    nonce: value('nonce'),
    what: value('what'),
  }
  const isWhole = LINES.every((each) => VALUE.test(act[each]))
  return isWhole && actText(act) === text ? act : undefined
}
