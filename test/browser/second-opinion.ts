/**
 * A second implementation of what `audit verify` checks of approvals by passkey, out of an export with evidence: written from
 * docs/decisions/approvers.md and WebAuthn §7.2, with @noble's curves and hashes, and nothing of the handler's.
 */
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'

interface Key {
  readonly fingerprint: string
  readonly publicKey: string
  readonly notAfter?: string
  readonly passkey: { readonly id: string; readonly origin: string; readonly rpId: string }
}

interface People {
  readonly groups: readonly {
    readonly name: string
    readonly approvals: number
    readonly members: readonly string[]
  }[]
  readonly approvers: readonly { readonly name: string; readonly keys: readonly Key[] }[]
  readonly barred?: readonly string[]
}

interface Held {
  readonly kind: 'held'
  readonly hold: string
  readonly digest: string
  readonly rule: string
  readonly nonce: string
  readonly summary: string
  readonly terms: {
    readonly approvals: number
    readonly expiresMs: number
    readonly onExpiry: string
    readonly boundTo?: string
    readonly people: People
  }
}

interface Decided {
  readonly kind: 'operator'
  readonly act: string
  readonly by: string
  readonly subject: string
  readonly proof: {
    readonly key: string
    readonly assertion: Readonly<
      Record<'id' | 'authenticatorData' | 'clientDataJSON' | 'signature', string>
    >
  }
}

interface Row {
  readonly prev: string
  readonly body: string
}

/** Who said what by which valid assertion; throws at the first that proves nothing. */
export function checkApprovals(exported: string, origin: string): readonly string[] {
  const rows = exported
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
  let store = ''
  const holds = new Map<string, Held>()
  const found: string[] = []
  for (const { prev, body } of rows) {
    const record = JSON.parse(body) as Held | Decided | { kind: 'created'; storeId: string }
    if (record.kind === 'created') store = record.storeId
    if (record.kind === 'held') {
      holds.set(record.hold, record)
      equal('nonce', record.nonce, hex(`countersign-nonce-1\n${prev}\n${record.hold}`))
    }
    if (record.kind !== 'operator' || !record.act.startsWith('hold-')) continue
    const held = holds.get(record.subject)
    if (held === undefined) throw new Error('no such hold')
    const verdict = record.act.slice('hold-'.length)
    check(record, held, actText(held, store, verdict), origin)
    found.push(`${record.by} ${verdict}`)
  }
  return found
}

function check({ by, proof }: Decided, { terms }: Held, act: string, origin: string): void {
  const { people } = terms
  if (!people.groups.some(({ members }) => members.includes(by))) throw new Error('not asked')
  const approver = people.approvers.find(({ name }) => name === by)
  const key = approver?.keys.find(({ fingerprint }) => fingerprint === proof.key)
  if (key === undefined) throw new Error('no such key')
  const { id, authenticatorData, clientDataJSON, signature } = proof.assertion
  const [data, client] = [bytes(authenticatorData), bytes(clientDataJSON)]
  const { type, challenge, ...from } = JSON.parse(text(client)) as Record<string, string>
  equal('id', id, key.passkey.id)
  equal('type', type, 'webauthn.get')
  equal('challenge', challenge, base64url(sha256(utf8(act))))
  equal('origin', from['origin'], origin)
  equal('name', toHex(data.slice(0, 32)), hex(key.passkey.rpId))
  equal('flags', (data[32] ?? 0) & 5, 5)
  const der = Uint8Array.from(atob(key.publicKey), (each) => each.charCodeAt(0))
  equal('fingerprint', toHex(sha256(der)), proof.key)
  // An uncompressed point ends the SubjectPublicKeyInfo of a P-256 key (RFC 5480 §2.2).
  const point = der.slice(-65)
  const signed = Uint8Array.from([...data, ...sha256(client)])
  const isGood = p256.verify(bytes(signature), signed, point, { format: 'der', lowS: false })
  equal('signature', isGood, true)
}

function actText(held: Held, store: string, verdict: string): string {
  const { hold, digest, rule, nonce, summary, terms } = held
  const { approvals, expiresMs, onExpiry, boundTo = '', people } = terms
  const who = hex(
    JSON.stringify([
      'countersign people',
      people.groups.map((group) => [group.name, group.approvals, group.members]),
      people.approvers.map(({ name, keys }) => [
        name,
        keys.map(({ fingerprint, notAfter = '', passkey }) => [
          fingerprint,
          notAfter,
          [passkey.id, passkey.origin, passkey.rpId],
        ]),
      ]),
      people.barred ?? [],
    ]),
  )
  const all = ['countersign terms', approvals, expiresMs, onExpiry, boundTo, who]
  return [
    'countersign-act-1',
    'act: hold',
    `verdict: ${verdict}`,
    `store: ${store}`,
    `subject: ${hold}`,
    `digest: ${digest}`,
    `rule: ${rule}`,
    `terms: ${hex(JSON.stringify(all))}`,
    `nonce: ${nonce}`,
    `what: ${summary}`,
    '',
  ].join('\n')
}

function equal(what: string, seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`${what} is ${String(seen)}, not ${String(wanted)}`)
}

const utf8 = (value: string) => new TextEncoder().encode(value)
const text = (value: Uint8Array) => new TextDecoder().decode(value)
const hex = (value: string) => toHex(sha256(utf8(value)))

function toHex(value: Uint8Array): string {
  return Array.from(value, (each) => each.toString(16).padStart(2, '0')).join('')
}

function bytes(base64: string): Uint8Array {
  const plain = base64.replaceAll('-', '+').replaceAll('_', '/')
  return Uint8Array.from(atob(plain), (each) => each.charCodeAt(0))
}

function base64url(value: Uint8Array): string {
  const plain = btoa(String.fromCharCode(...value))
  return plain.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
