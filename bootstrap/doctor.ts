/** Findings about a pairing, from what both sides and the files say, the worst first; pure. */
import type { GenerationInfo, HandlerStatus } from '../common/admin-api.ts'
import type { Cosigner, PairedKey } from './api/resources.ts'
import { inWords, type Pairing } from './compare.ts'
import { algorithmDoubt, cosignerNotes } from './cosigner-fit.ts'
import { A_NOUN, type PairingMemory } from './memory.ts'
import type { ProbeReport } from './probe.ts'
import { formatDuration } from '../common/duration.ts'
import { humanTime } from './report.ts'

export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem'
  readonly about: string
  readonly text: string
  readonly remedy?: string
  /** The co-signer signs without asking us, or asks another handler. */
  readonly alarm?: true
}

export interface Facts {
  readonly nowMs: number
  /** Undefined: the API could not be read; `apiProblem` says why. */
  readonly cosigner: Cosigner | undefined
  readonly key: PairedKey | undefined
  readonly paired: Pairing | undefined
  readonly apiProblem: string | undefined
  /** Undefined: the handler does not answer; `handlerProblem` says why. */
  readonly status: HandlerStatus | undefined
  readonly handlerProblem: string | undefined
  /** By generation, for those that are not retired. */
  readonly probes: ReadonlyMap<number, ProbeReport>
  readonly memory: PairingMemory
  /** The API's clock minus ours. */
  readonly skewMs: number | undefined
  /** What is wrong with the modes and owners of our files. */
  readonly fileProblems: readonly string[]
}

/** A co-signer that was not seen for this long is shown as offline by the vendor's Console. */
const OFFLINE_MS = 15 * 60_000

/** A change that waits longer than this deserves a question. */
const LONG_WAIT_MS = 24 * 3_600_000

/** Every finding, problems first, alarms before everything. */
export function diagnose(facts: Facts): Finding[] {
  const findings = [
    pairingFinding(facts),
    ...cosignerFindings(facts),
    ...handlerFindings(facts),
    ...pendingFindings(facts),
    clockFinding(facts),
    filesFinding(facts),
  ].filter((finding) => finding !== undefined)
  const rank = { problem: 1, warning: 2, ok: 3 } as const
  const weight = ({ alarm, level }: Finding) => (alarm === true ? 0 : rank[level])
  return findings.toSorted((a, b) => weight(a) - weight(b))
}

function pairingFinding({ paired, apiProblem, status }: Facts): Finding | undefined {
  const about = 'pairing'
  if (paired === undefined) {
    const text = `the API cannot be read: ${apiProblem ?? ''}`
    return { level: 'problem', about: 'api', text, remedy: 'see the hint of `status`' }
  }
  switch (paired.is) {
    case 'no-handler':
      return {
        level: 'problem',
        about,
        alarm: true,
        text: 'NO CALLBACK HANDLER IS PAIRED: THE CO-SIGNER SIGNS EVERYTHING FOR THIS USER',
        remedy: 'run `pair` now; until it is approved, stop the co-signer or disable the user',
      }
    case 'foreign':
      if (status === undefined) return undefined
      return {
        level: 'problem',
        about,
        alarm: true,
        text: `THE CO-SIGNER ASKS ANOTHER HANDLER: \`${paired.url}\``,
        remedy: 'find out whose it is; `pair --replace` takes its place',
      }
    case 'mismatch':
      return {
        level: 'problem',
        about,
        alarm: true,
        text: `the co-signer calls ${inWords(paired)}: every answer of ours is refused, or another’s believed`,
        remedy: 'find out who changed it; `pair --replace` sends ours again',
      }
    case 'absent':
      return {
        level: 'problem',
        about,
        text: 'this API user is not paired with this co-signer',
        remedy: 'run `pair`',
      }
    case 'ours':
    default:
      return oursFinding(paired, status)
  }
}

function oursFinding(
  paired: Pairing & { readonly is: 'ours' },
  status: HandlerStatus | undefined,
): Finding {
  const { generation, notes } = paired
  const info = status?.generations.find((item) => item.generation === generation)
  const state = info?.state
  if (state === 'retired') {
    return {
      level: 'problem',
      about: 'pairing',
      text: `the co-signer calls generation ${generation}, which is retired and answers 410`,
      remedy: 'run `rotate`',
    }
  }
  if (state === 'draining' || state === 'staged') {
    return {
      level: 'warning',
      about: 'pairing',
      text: `generation ${generation} is paired, but the handler does not know it (${state})`,
      remedy: 'run `pair`',
    }
  }
  const [note] = notes
  const keys =
    info === undefined
      ? ''
      : ` (${info.algorithm}, kid ${info.kid.slice(0, 16)}, pin ${info.pin}${info.oneKey ? ', one key' : ''})`
  const text = `generation ${generation}: URL, key and certificate are as served${keys}`
  return note === undefined
    ? { level: 'ok', about: 'pairing', text }
    : { level: 'warning', about: 'pairing', text: notes.join('; '), remedy: 'see docs/rotation.md' }
}

function cosignerFindings({ cosigner, key, status, paired, nowMs }: Facts): Finding[] {
  if (cosigner === undefined) return []
  const pairedWith = paired?.is === 'ours' ? paired.generation : undefined
  const about = 'co-signer'
  const live = status?.generations.find(({ generation }) => generation === pairedWith)
  const doubt = live && status?.auth !== 'certificate' && algorithmDoubt(cosigner, live.algorithm)
  const notes = [
    ...(status === undefined ? [] : cosignerNotes(cosigner, status.auth)),
    ...(typeof doubt === 'string' ? [doubt] : []),
  ]
  const name = `${cosigner.type ?? 'type unknown'}, version ${cosigner.version ?? 'unknown'}`
  const fit: Finding[] =
    notes.length === 0
      ? [{ level: 'ok', about, text: name }]
      : notes.map((text) => ({
          level: 'warning',
          about,
          text,
          remedy: 'update the co-signer, or choose another `HANDLER_AUTH`',
        }))
  if (key === undefined) return fit
  const silentMs = nowMs - Date.parse(key.lastSeen ?? '')
  if (silentMs <= OFFLINE_MS) return [...fit, { level: 'ok', about, text: 'seen just now' }]
  const text = key.lastSeen === undefined ? 'never seen' : `last seen ${key.lastSeen}`
  return [...fit, { level: 'warning', about, text, remedy: 'is the co-signer running?' }]
}

function handlerFindings({ status, handlerProblem, probes, nowMs }: Facts): Finding[] {
  const about = 'handler'
  if (status === undefined) {
    const remedy = 'start the handler, or name its socket with `--handler-socket`'
    return [{ level: 'problem', about, text: handlerProblem ?? 'no answer', remedy }]
  }
  const ready: Finding = status.ready
    ? { level: 'ok', about, text: `ready, ${status.auth}, policy ${status.policyDigest}` }
    : {
        level: 'problem',
        about,
        text: `not ready: ${status.problems.join('; ')}`,
        remedy: 'see the log of the handler',
      }
  const served = status.generations.filter(({ state }) => state !== 'retired')
  return [
    ready,
    ...served.map((item) => probeFinding(item, probes.get(item.generation))),
    ...served.map((item) => expiryFinding(item, nowMs)).filter((item) => item !== undefined),
  ]
}

function probeFinding(item: GenerationInfo, report: ProbeReport | undefined): Finding {
  const about = `g${item.generation} (${item.state})`
  const { problems = [], warnings = [] } = report ?? {}
  if (problems.length > 0) {
    const remedy = 'is the public URL right, and does something stand in front of the handler?'
    return { level: 'problem', about, text: problems.join('; '), remedy }
  }
  if (warnings.length > 0) {
    const remedy = 'serve a CA-issued certificate with `HANDLER_TLS=files`'
    return { level: 'warning', about, text: warnings.join('; '), remedy }
  }
  return { level: 'ok', about, text: 'certificate, path and signature as seen from here' }
}

/** Warns when a third of the certificate's life is left, as cert-manager and certmagic do. */
function expiryFinding(item: GenerationInfo, nowMs: number): Finding | undefined {
  const about = `g${item.generation} (${item.state})`
  const endMs = Date.parse(item.notAfter)
  const lifeMs = endMs - Date.parse(item.notBefore)
  const leftMs = endMs - nowMs
  if (leftMs <= 0) {
    const text = `the certificate expired on ${item.notAfter.slice(0, 10)}`
    return { level: 'problem', about, text, remedy: 'run `rotate`' }
  }
  if (leftMs > lifeMs / 3) return undefined
  const text = `the certificate expires in ${formatDuration(leftMs)}`
  return { level: 'warning', about, text, remedy: 'run `rotate`, or `rotate --renew-certificate`' }
}

function pendingFindings({ memory, nowMs }: Facts): Finding[] {
  const { operation } = memory
  if (operation === null) return []
  const ageMs = nowMs - operation.startedAtMs
  const text = `${A_NOUN[operation.kind]} is under way since ${humanTime(operation.startedAtMs)}`
  const long = ageMs > LONG_WAIT_MS
  return [
    {
      level: long ? 'warning' : 'ok',
      about: 'pending',
      text,
      ...(long ? { remedy: `ask for the approval, or run \`${operation.kind} --abandon\`` } : {}),
    },
  ]
}

function clockFinding({ skewMs }: Facts): Finding | undefined {
  if (skewMs === undefined) return undefined
  const about = 'clock'
  const text = `${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs > 0 ? 'behind' : 'ahead of'} the API`
  if (Math.abs(skewMs) < 5_000) return { level: 'ok', about, text }
  const level = Math.abs(skewMs) < 20_000 ? 'warning' : 'problem'
  return { level, about, text, remedy: 'synchronise the clock of this machine (NTP)' }
}

function filesFinding({ fileProblems }: Facts): Finding {
  const about = 'files'
  if (fileProblems.length === 0) return { level: 'ok', about, text: 'private files are private' }
  const remedy = 'chmod 600 the files and 700 the directories'
  return { level: 'problem', about, text: fileProblems.join('; '), remedy }
}
