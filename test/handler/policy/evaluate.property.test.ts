import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import { addDecimals, compareDecimals, parseDecimal } from '../../../handler/protocol/decimal.ts'
import type { Decimal } from '../../../handler/protocol/decimal.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import { Unreadable } from '../../../handler/protocol/request.ts'
import type { TxSignRequest } from '../../../handler/protocol/request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { policyOf } from './policy.ts'
import { destination, FACTS, txRequest } from './requests.ts'

/** A long run sets this; the suite itself stays short. */
const RUNS = Number(process.env['COUNTERSIGN_PROPERTY_RUNS'] ?? '20000')

/** What a generated rule says, for the policy file and for the naive reading of it below. */
interface Model {
  readonly assets: string[] | undefined
  readonly operation: string | undefined
  readonly sourceIds: string[] | undefined
  readonly destType: string | undefined
  readonly destIds: string[] | undefined
  readonly min: string | undefined
  readonly max: string | undefined
  readonly note: string | undefined
  readonly signers: string[] | undefined
  readonly action: 'APPROVE' | 'REJECT' | 'RETRY'
}

/** Most conditions are left out, so that rules match often enough to be worth trying. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const ids = fc.uniqueArray(fc.constantFrom('0', '1', '2', '3'), { minLength: 1, maxLength: 3 })
const model: fc.Arbitrary<Model> = fc.record({
  assets: seldom(
    fc.uniqueArray(fc.constantFrom('ETH', 'BTC', 'SOL'), { minLength: 1, maxLength: 2 }),
  ),
  operation: seldom(fc.constantFrom('TRANSFER', 'MINT')),
  sourceIds: seldom(ids),
  destType: seldom(fc.constantFrom('VAULT', 'EXCHANGE')),
  destIds: seldom(ids),
  min: seldom(fc.constantFrom('0', '1', '1.5')),
  max: seldom(fc.constantFrom('1.5', '2', '10')),
  note: seldom(fc.constantFrom('a', 'b')),
  signers: seldom(fc.uniqueArray(fc.constantFrom('s1', 's2'), { minLength: 1 })),
  action: fc.constantFrom('APPROVE', 'APPROVE', 'REJECT', 'RETRY'),
})

const field = <T>(values: T[]) =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...values) }, fc.constantFrom(undefined, null))

const amounts = ['0', '1', '1', '1.5', '1.500000000000000001', '2', '11'].map(parseDecimal)

const entry = fc.record({
  dstType: field(['VAULT', 'EXCHANGE_ACCOUNT', '']),
  dstId: field(['0', '1', '2', '']),
  amountNative: field(amounts),
})

const request: fc.Arbitrary<TxSignRequest> = fc
  .record({
    asset: field(['ETH', 'BTC', 'SOL', 'eth', '']),
    operation: fc.constantFrom('TRANSFER', 'MINT', 'MINT', 'OTHER'),
    sourceId: field(['0', '1', '2', '9', '']),
    destType: field(['VAULT', 'EXCHANGE', '']),
    destId: field(['0', '1', '']),
    amount: field(amounts),
    note: field(['a', 'b', '']),
    signerId: field(['s1', 's2', 's3']),
    destinations: field([[entry], [entry, entry], []]).chain((shape) =>
      shape === undefined || shape === null
        ? fc.constant(shape)
        : fc.tuple(...shape).map((entries) => entries.map((each) => destination(each))),
    ),
  })
  .map((changes) => txRequest({ requestedAmount: undefined, ...changes }))

function toYaml(rules: readonly Model[]): string {
  const entries = rules.map(({ action, ...conditions }, index) => {
    const when = {
      ...(conditions.assets && { asset: conditions.assets }),
      ...(conditions.operation && { operation: conditions.operation }),
      ...(conditions.sourceIds && { source: { id: conditions.sourceIds } }),
      ...((conditions.destType ?? conditions.destIds) && {
        destination: {
          ...(conditions.destType && { type: conditions.destType }),
          ...(conditions.destIds && { id: conditions.destIds }),
        },
      }),
      ...((conditions.min ?? conditions.max) && {
        amount: {
          ...(conditions.min && { min: conditions.min }),
          ...(conditions.max && { max: conditions.max }),
        },
      }),
      ...(conditions.note && { note: conditions.note }),
      ...(conditions.signers && { signerId: conditions.signers }),
    }
    return `\n  - { id: r${index}, when: ${JSON.stringify(when)}, then: ${action} }`
  })
  return entries.length > 0 ? entries.join('') : '[]'
}

type Word = 'no' | 'possibly' | 'certainly'
const ORDER: readonly Word[] = ['no', 'possibly', 'certainly']
const worst = (words: readonly Word[]) => ORDER.find((each) => words.includes(each)) ?? 'certainly'
const best = (words: readonly Word[]) => ORDER.findLast((each) => words.includes(each)) ?? 'no'

/** The language once more, as simply as it can be said: no index, no shared code but decimals. */
function naive(rules: readonly Model[], tx: TxSignRequest) {
  let doubt = false
  let missed = false
  for (const [index, rule] of rules.entries()) {
    const word = answerOf(rule, tx)
    if (word === 'no') continue
    if (word === 'possibly' && rule.action === 'APPROVE') missed = true
    else if (word === 'possibly' && rule.action === 'REJECT') doubt = true
    else return put(doubt, rule.action, `r${index}`)
  }
  return put(doubt, missed ? 'RETRY' : 'REJECT', 'default')
}

function put(doubt: boolean, action: string, rule: string) {
  const decision = doubt && action !== 'REJECT' ? 'RETRY uncertain' : `${action} ${rule}`
  return { decision, approves: action === 'APPROVE' }
}

function answerOf(rule: Model, tx: TxSignRequest): Word {
  const all = rule.action === 'APPROVE'
  const one = (value: unknown, values: readonly string[] | undefined, missing: Word): Word => {
    if (values === undefined) return 'certainly'
    if (typeof value !== 'string' || value === '') return missing
    return values.includes(value) ? 'certainly' : 'no'
  }
  const several = (values: readonly string[], accepted: readonly string[] | undefined): Word => {
    if (accepted === undefined) return 'certainly'
    if (values.length === 0) return 'possibly'
    const words = values.map((value) => one(value, accepted, 'no'))
    return all ? worst(words) : best(words)
  }
  const types =
    rule.destType === 'EXCHANGE'
      ? ['EXCHANGE', 'EXCHANGE_ACCOUNT']
      : rule.destType && [rule.destType]
  const blocks = destinationsOf(tx).map(({ type, id }) =>
    worst([several(type, types || undefined), several(id, rule.destIds)]),
  )
  const asksDestination = rule.destType !== undefined || rule.destIds !== undefined
  return worst([
    one(tx.asset, rule.assets, 'possibly'),
    one(tx.operation, rule.operation === undefined ? undefined : [rule.operation], 'possibly'),
    one(tx.sourceId, rule.sourceIds, 'possibly'),
    one(tx.note, rule.note === undefined ? undefined : [rule.note], 'no'),
    one(tx.signerId, rule.signers, 'no'),
    asksDestination ? (all ? worst(blocks) : best(blocks)) : 'certainly',
    amountWithin(rule, tx, all),
  ])
}

const decimalOf = (amount: TxSignRequest['amount']) =>
  amount instanceof Unreadable ? undefined : (amount ?? undefined)

/** The model's requests are readable. */
function listOf({ destinations }: TxSignRequest) {
  return destinations instanceof Unreadable ? [] : (destinations ?? [])
}

const given = (...texts: unknown[]) =>
  texts.filter((each): each is string => typeof each === 'string' && each !== '')

function destinationsOf(tx: TxSignRequest) {
  const top = { type: given(tx.destType), id: given(tx.destId) }
  const entries = listOf(tx)
  const list = entries.map(({ dstType, dstId }) => ({ type: given(dstType), id: given(dstId) }))
  const [only, ...more] = list
  if (only === undefined) return [top]
  if (more.length === 0) return [{ type: [...only.type, ...top.type], id: [...only.id, ...top.id] }]
  const plain = (type: string) => (type === 'EXCHANGE_ACCOUNT' ? 'EXCHANGE' : type)
  const has = (each: typeof top) =>
    top.type.every((type) => each.type.map(plain).includes(plain(type))) &&
    top.id.every((id) => each.id.includes(id))
  return list.some(has) ? list : [...list, top]
}

/** What is stated: the amount, and the sum, of which a part may be unknown. */
function amountWithin({ min, max }: Model, tx: TxSignRequest, all: boolean): Word {
  const low = min === undefined ? undefined : parseDecimal(min)
  const high = max === undefined ? undefined : parseDecimal(max)
  if (low === undefined && high === undefined) return 'certainly'
  const entries = listOf(tx)
  const parts = entries.map(({ amountNative }) => decimalOf(amountNative))
  const isLeftOut = parts.length === 1 && parts[0] === undefined
  const sum = parts.reduce<Decimal>(
    (total, part) => (part === undefined ? total : addDecimals(total, part)),
    { units: 0n, scale: 0 },
  )
  const amount = decimalOf(tx.amount)
  const hasSum = parts.length > 0 && !isLeftOut
  const known = [
    ...(amount === undefined ? [] : [{ value: amount, whole: true }]),
    ...(hasSum ? [{ value: sum, whole: !parts.includes(undefined) }] : []),
  ]
  if (known.length === 0) return 'possibly'
  const open: Word[] = amount === undefined ? ['possibly'] : []
  const partly: Word[] = known.every(({ whole }) => whole) ? [] : ['possibly']
  const reached = known.map(({ value, whole }): Word => {
    if (low === undefined || compareDecimals(value, low) >= 0) return 'certainly'
    return whole ? 'no' : 'possibly'
  })
  const bounded = known.map(({ value, whole }): Word => {
    if (high === undefined) return 'certainly'
    if (compareDecimals(value, high) > 0) return 'no'
    return whole ? 'certainly' : 'possibly'
  })
  if (all) return worst([...reached, ...bounded, ...open, ...partly])
  return worst([best([...reached, ...open]), best([...bounded, ...open])])
}

describe('evaluate, against an independent reading of the language', () => {
  it('never approves what no rule allows, and finds the same first rule with its index as without', () => {
    const runs = Math.ceil(RUNS / 200)
    let approved = 0
    fc.assert(
      fc.property(
        fc.array(model, { maxLength: 12 }),
        fc.array(request, { minLength: 20, maxLength: 20 }),
        (rules, requests) => {
          const policy = policyOf(`rules: ${toYaml(rules)}`)
          for (const tx of requests) {
            const { action, rule } = evaluate(policy, tx, FACTS).decision
            const expected = naive(rules, tx)
            if (rule === 'contradiction') {
              expect(expected.approves).toBe(true)
              continue
            }
            if (action === 'APPROVE') approved += 1
            expect(`${action} ${rule}`).toBe(expected.decision)
          }
        },
      ),
      { numRuns: runs },
    )
    expect(approved).toBeGreaterThan(runs)
  })

  it('compares decimals as an independent exact implementation does', () => {
    const digits = fc.string({
      unit: fc.constantFrom('0', '1', '2', '3', '4', '5', '6', '7', '8', '9'),
      minLength: 1,
      maxLength: 30,
    })
    const decimal = fc.tuple(digits, fc.option(digits)).map(([whole, fraction]) => {
      const plain = whole.replace(/^0+(?=.)/, '')
      return fraction === null ? plain : `${plain}.${fraction}`
    })
    fc.assert(
      fc.property(decimal, decimal, fc.boolean(), (left, other, near) => {
        const right = near ? nudge(left) : other
        const a = parseDecimal(left)
        const b = parseDecimal(right)
        if (a === undefined || b === undefined) throw new Error('not generated')
        return Math.sign(compareDecimals(a, b)) === compareTexts(left, right)
      }),
      { numRuns: RUNS },
    )
  })
})

/** The same number with its last digit changed or a zero added: the neighbours that doubles confuse. */
function nudge(text: string): string {
  if (!text.includes('.')) return `${text}.0`
  return text.endsWith('5') ? `${text.slice(0, -1)}6` : `${text}5`
}

/** Compares decimal texts digit by digit: no numbers, no BigInt, nothing shared with the product. */
function compareTexts(left: string, right: string): number {
  const [leftWhole = '', leftFraction = ''] = left.split('.')
  const [rightWhole = '', rightFraction = ''] = right.split('.')
  const whole = Math.max(leftWhole.length, rightWhole.length)
  const fraction = Math.max(leftFraction.length, rightFraction.length)
  const a = leftWhole.padStart(whole, '0') + leftFraction.padEnd(fraction, '0')
  const b = rightWhole.padStart(whole, '0') + rightFraction.padEnd(fraction, '0')
  if (a === b) return 0
  return a < b ? -1 : 1
}

describe('a golden approval', () => {
  const policy = policyOf(`
rules:
  - id: golden
    when:
      endpoint: tx_sign_request
      stage: signing
      operation: TRANSFER
      asset: ETH
      source: { type: VAULT, id: "0" }
      destination:
        type: VAULT
        id: "1"
        address: "0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8"
        addressType: WHITELISTED
        name: Network Deposits
      amount: { max: "1" }
      requestedAmount: { max: "1" }
      amountUSD: { max: "100" }
      fee: { max: "0.01" }
    then: APPROVE
`)
  const text = readFileSync(
    join(import.meta.dirname, '../../fixtures/vectors/doc-eth-raw/payload-9c794cee.json'),
    'utf8',
  )
  const golden: unknown = JSON.parse(text)

  const ANY = ['absent', 'null', '""', '[]', '{}', 'number', 'boolean', 'other']
  const ABSENT = ['absent', 'null', '""']
  /** A number that differs is for a consistency check; whatever else stands there says nothing. */
  const DEPRECATED = ANY.filter((name) => name !== 'number')

  /** Members whose absence leaves everything that the rule asks for said elsewhere, or that it does not ask for. */
  const TOLERATED: Readonly<Record<string, readonly string[]>> = {
    // Identity and evidence, not conditions.
    txId: ['other'],
    requestId: ['null', '""', 'other'],
    players: ANY,
    rawTx: ANY,
    // Deprecated numbers beside their exact texts.
    amount: DEPRECATED,
    requestedAmount: DEPRECATED,
    'destinations.0.amountNative': DEPRECATED,
    // Documented default.
    operation: ['absent'],
    // Said by the entry as well.
    destType: ABSENT,
    destId: ABSENT,
    // The vendor also puts a contract address there.
    destAddressType: [...ABSENT, 'other'],
    destAddress: ABSENT,
    // Said by the top level: the entry is the only one.
    'destinations.0.amountNativeStr': ABSENT,
    'destinations.0.displayDstAddress': ABSENT,
    'destinations.0.dstType': ABSENT,
    'destinations.0.dstId': ABSENT,
    'destinations.0.dstAddressType': ABSENT,
    // Not asked for.
    'destinations.0.dstWalletId': ANY,
    'destinations.0.dstSubType': ANY,
    'destinations.0.action': ANY,
    'destinations.0.actionInfo': ANY,
    'rawTx.0.keyDerivationPath': ANY,
    'rawTx.0.rawTx': ANY,
    'rawTx.0.payload': ANY,
  }

  const CHANGES: readonly [string, unknown][] = [
    ['absent', undefined],
    ['null', null],
    ['""', ''],
    ['[]', []],
    ['{}', {}],
    ['number', 7000],
    ['boolean', true],
    ['other', 'something else'],
  ]

  const PATHS = [
    ...Object.keys(golden as object),
    ...[
      'amountNative',
      'amountNativeStr',
      'amountUSD',
      'dstAddressType',
      'dstId',
      'dstWalletId',
      'dstName',
      'dstSubType',
      'dstType',
      'displayDstAddress',
      'action',
      'actionInfo',
    ].map((name) => `destinations.0.${name}`),
    ...['rawTx', 'keyDerivationPath', 'payload'].map((name) => `rawTx.0.${name}`),
    'destinations.0',
  ]

  it('is approved as it is', () => {
    expect(actionOf(golden)).toBe('APPROVE')
  })

  it.each(PATHS)(
    'is not approved when %s is missing, null, empty or of another type, where that says less',
    (path) => {
      const approved = CHANGES.filter(([, value]) => actionOf(changed(path, value)) === 'APPROVE')
      const tolerated = TOLERATED[path] ?? []
      expect(approved.map(([name]) => name).filter((name) => !tolerated.includes(name))).toEqual([])
    },
  )

  function changed(path: string, value: unknown): unknown {
    const copy: unknown = structuredClone(golden)
    const steps = path.split('.')
    const last = steps.pop() ?? ''
    const parent = steps.reduce<unknown>((node, step) => Reflect.get(node as object, step), copy)
    if (value === undefined) Reflect.deleteProperty(parent as object, last)
    else Reflect.set(parent as object, last, value)
    return copy
  }

  function actionOf(payload: unknown): string {
    try {
      const claims = parseStrictJson(JSON.stringify(payload))
      const parsed = isObject(claims) ? parseRequest('tx_sign_request', claims) : undefined
      if (parsed?.kind !== 'request') return 'refused'
      return evaluate(policy, parsed.request, FACTS).decision.action
    } catch {
      return 'refused'
    }
  }
})
