/** Reads a record's body back from text that may have been altered. */
import type { ChargedLimit, RecordBody } from './record.ts'

/** The text members that a record of each kind has. */
const TEXTS: Readonly<Record<RecordBody['kind'], readonly string[]>> = {
  created: ['storeId'],
  decision: [
    'endpoint',
    'requestId',
    'signerId',
    'stage',
    'digest',
    'coreDigest',
    'action',
    'rule',
    'reason',
    'policyDigest',
    'cosigner',
    'owner',
    'deliveryId',
    'tokenSha256',
  ],
  operator: ['act', 'by', 'subject', 'note'],
  checkpoint: ['jws'],
  recovered: [],
}

/** The record in a body; undefined when it has not the form of this version. */
export function readBody(text: string): RecordBody | undefined {
  const body = parse(text)
  return isRecordBody(body) ? body : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecordBody(value: unknown): value is RecordBody {
  if (!isObject(value) || value['v'] !== 1 || !isKind(value['kind'])) return false
  if (Number.isNaN(Date.parse(String(value['time'])))) return false
  if (!TEXTS[value['kind']].every((name) => typeof value[name] === 'string')) return false
  return value['kind'] !== 'decision' || hasDecisionParts(value)
}

const SHADOW_TEXTS = ['digest', 'action', 'rule', 'liveAction', 'liveRule']

function hasDecisionParts(value: Partial<Record<string, unknown>>) {
  const { rawTx, used, charged, proposed, shadow } = value
  return (
    (shadow === undefined || hasTexts(shadow, SHADOW_TEXTS)) &&
    (rawTx === undefined || typeof rawTx === 'string') &&
    isList(used, (name) => typeof name === 'string') &&
    isList(charged, isCharge) &&
    (proposed === undefined || isObject(proposed))
  )
}

function isKind(value: unknown): value is RecordBody['kind'] {
  return typeof value === 'string' && Object.hasOwn(TEXTS, value)
}

function isCharge(value: unknown): value is ChargedLimit {
  return hasTexts(value, ['limit', 'key', 'amount'])
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  return isObject(value) && names.every((name) => typeof value[name] === 'string')
}

/** Absent, or a list of which every item passes. */
function isList(value: unknown, passes: (item: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(passes))
}

function isObject(value: unknown): value is Readonly<Partial<Record<string, unknown>>> {
  return typeof value === 'object' && value !== null
}
