/** Findings from facts, and what co-signers of each type and age can do. */
import { describe, expect, it } from '@jest/globals'
import type { HandlerStatus } from '../../common/admin-api.ts'
import type { Cosigner } from '../../bootstrap/api/resources.ts'
import { algorithmDoubt, cosignerNotes, isOlder } from '../../bootstrap/cosigner-fit.ts'
import { diagnose, type Facts, type Finding } from '../../bootstrap/doctor.ts'

const NOW = Date.parse('2026-11-02T09:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()
const DAY = 86_400_000

const generation = {
  generation: 1,
  state: 'live',
  slot: 'A',
  url: 'https://h.test/g1',
  publicKeyPem: '',
  certificatePem: '',
  kid: '',
  algorithm: 'RS256',
  oneKey: true,
  signer: 'file',
  fingerprint: '',
  pin: '',
  notBefore: iso(NOW - 97 * DAY),
  notAfter: iso(NOW + 300 * DAY),
  createdAt: iso(NOW),
  hits: { total: 0, lastAt: null, bySigner: {} },
} as const

const status: HandlerStatus = {
  version: 1,
  product: 'countersign',
  auth: 'hybrid',
  tls: 'self-signed',
  slots: [],
  generations: [generation],
  pairings: {},
  policyDigest: 'abc',
  ready: true,
  problems: [],
  now: iso(NOW),
}

const cosigner: Cosigner = {
  id: 'c',
  name: 'c',
  archived: false,
  type: 'SGX',
  version: '2026.10.03',
}

const good: Facts = {
  nowMs: NOW,
  cosigner,
  key: { id: 'k', lastSeen: iso(NOW - 1000), handler: undefined },
  paired: { is: 'ours', generation: 1, notes: [] },
  apiProblem: undefined,
  status,
  handlerProblem: undefined,
  probes: new Map([[1, { problems: [], warnings: [] }]]),
  memory: { operation: null, last: null },
  skewMs: 200,
  fileProblems: [],
}

const operation = {
  kind: 'rotate',
  startedAtMs: NOW - DAY - 1,
  from: 1,
  to: 2,
  renewOf: null,
  drainMs: 1,
  probedAtMs: null,
  submission: null,
} as const

const bad = (facts: Partial<Facts>) =>
  diagnose({ ...good, ...facts }).filter(({ level }) => level !== 'ok')
const of = ({ level, about }: Finding) => `${level} ${about}`

describe('a diagnosis', () => {
  it('of good facts is good', () => {
    expect(bad({})).toEqual([])
  })

  it.each<[string, Partial<Facts>, string[]]>([
    ['no handler', { paired: { is: 'no-handler' } }, ['problem pairing']],
    ['a stranger', { paired: { is: 'foreign', url: 'u' } }, ['problem pairing']],
    [
      'another key',
      { paired: { is: 'mismatch', generation: 1, url: 'u', fields: ['publicKey'] } },
      ['problem pairing'],
    ],
    ['no pairing', { paired: { is: 'absent' } }, ['problem pairing']],
    [
      'half a hybrid',
      { paired: { is: 'ours', generation: 1, notes: ['half'] } },
      ['warning pairing'],
    ],
    ['a silent API', { paired: undefined, cosigner: undefined, key: undefined }, ['problem api']],
    [
      'a silent handler and an unknown URL',
      { status: undefined, handlerProblem: 'gone', paired: { is: 'foreign', url: 'u' } },
      ['problem handler'],
    ],
    [
      'a co-signer that is away',
      { key: { id: 'k', lastSeen: iso(NOW - DAY), handler: undefined } },
      ['warning co-signer'],
    ],
    [
      'a co-signer that never came',
      { key: { id: 'k', lastSeen: undefined, handler: undefined } },
      ['warning co-signer'],
    ],
    [
      'an old co-signer',
      { cosigner: { ...cosigner, version: '3.7.0' } },
      ['warning co-signer', 'warning co-signer'],
    ],
    [
      'a probe that failed',
      { probes: new Map([[1, { problems: ['x'], warnings: [] }]]) },
      ['problem g1 (live)'],
    ],
    [
      'a probe that wonders',
      { probes: new Map([[1, { problems: [], warnings: ['x'] }]]) },
      ['warning g1 (live)'],
    ],
    ['a third of life left', { nowMs: NOW + 170 * DAY, key: undefined }, ['warning g1 (live)']],
    ['an expired certificate', { nowMs: NOW + 300 * DAY, key: undefined }, ['problem g1 (live)']],
    ['a long wait', { memory: { operation, last: null } }, ['warning pending']],
    ['a clock 10 s off', { skewMs: -10_000 }, ['warning clock']],
    ['a clock 60 s off', { skewMs: 60_000 }, ['problem clock']],
    ['open files', { fileProblems: ['x'] }, ['problem files']],
    [
      'a handler that is not ready',
      { status: { ...status, ready: false, problems: ['x'] } },
      ['problem handler'],
    ],
  ])('finds %s, with a remedy', (_name, facts, expected) => {
    const findings = bad(facts)
    expect(findings.map(of)).toEqual(expected)
    expect(findings.every(({ remedy }) => remedy !== undefined)).toBe(true)
  })

  it.each([
    ['retired', 'problem pairing'],
    ['draining', 'warning pairing'],
    ['staged', 'warning pairing'],
  ] as const)('finds a pairing with a generation that is %s', (state, expected) => {
    const generations = [{ ...generation, state }]
    expect(bad({ status: { ...status, generations } }).map(of)).toContain(expected)
  })

  it('puts the co-signer that nobody asks before everything else', () => {
    const [first] = diagnose({
      ...good,
      fileProblems: ['x'],
      skewMs: undefined,
      paired: { is: 'no-handler' },
    })
    expect(first).toMatchObject({ alarm: true, text: expect.stringContaining('SIGNS EVERYTHING') })
  })
})

describe('a co-signer', () => {
  const notes = (type: string | undefined, version: string | undefined, auth = 'hybrid' as const) =>
    cosignerNotes({ ...cosigner, type, version }, auth).length

  it.each([
    ['SGX', '2025.12.11', 0],
    ['SGX', '3.7.1', 1],
    ['SGX', '3.7.0', 2],
    ['SGX', undefined, 0],
    ['AWS-NITRO', '2026.08.19', 0],
    ['AWS-NITRO', '2026.07.20', 1],
    ['AWS-NITRO', '2.0.2', 2],
    ['GCP-CONFSPACE', '2026.10.03', 1],
    ['GCP-CONFSPACE', '0.9.3', 2],
    ['SANDBOX', '1.0', 1],
    ['PLAIN', '1.0', 0],
    [undefined, undefined, 0],
  ])('of type %s and version %s has %i notes in hybrid', (type, version, expected) => {
    expect(notes(type, version)).toBe(expected)
  })

  it.each([
    ['2026.08.19', undefined],
    ['2026.08.19 (August 2026)', undefined],
    ['2026.10.03', undefined],
    ['2026.08.18', 'older than 2026.08.19'],
    ['3.7.1', 'older than 2026.08.19'],
    ['next', 'unknown (`next`)'],
    [undefined, 'unknown (``)'],
  ])('of version %s is doubted to know ES256: %s', (version, expected) => {
    const doubt = algorithmDoubt({ version }, 'ES256')
    if (expected === undefined) expect(doubt).toBe(undefined)
    else expect(doubt).toContain(expected)
    expect(algorithmDoubt({ version }, 'RS256')).toBe(undefined)
  })

  it('that is not known to understand the paired algorithm is a warning', () => {
    const es256 = { ...generation, algorithm: 'ES256' } as const
    const facts = {
      ...good,
      status: { ...status, generations: [es256] },
      cosigner: { ...cosigner, version: '2026.07.20' },
    }
    expect(diagnose(facts).map(({ level, text }) => [level, text])).toContainEqual([
      'warning',
      'co-signer version `2026.07.20` is older than 2026.08.19, the first that understands ES256 answers',
    ])
  })

  it('needs no hybrid for one half', () => {
    const gcp = { ...cosigner, type: 'GCP-CONFSPACE', version: '2026.10.03' }
    expect(cosignerNotes(gcp, 'public-key')).toEqual([])
    expect(cosignerNotes({ ...cosigner, version: '3.7.1' }, 'certificate')).toEqual([])
  })

  it.each([
    ['3.7.1', '3.7.1', false],
    ['3.7', '3.7.1', true],
    ['3.10.0', '3.7.1', false],
    ['2025.12.11 (December)', '2025.12.30', true],
    ['Version 1.0.0', '3.7.1', true],
    ['unknown', '3.7.1', false],
  ])('%s older than %s: %j', (version, than, expected) => {
    expect(isOlder(version, than)).toBe(expected)
  })
})
