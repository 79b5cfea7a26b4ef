/** `GET /state`: everything a test may want to assert about the two parties, without any key. */
import { type Change, type EmulatorState, heldAt, type Instant } from './state.ts'

/** The state as JSON. Instants are ISO 8601; `used` has one entry per machine of the co-signer. */
export function shownState(state: EmulatorState, now: Instant): unknown {
  return {
    now: iso(now),
    seed: state.chaos.seed,
    knobs: state.chaos.knobs,
    autoApproveMs: state.autoApproveMs ?? null,
    users: Array.from(state.users.values(), ({ id, name, role, status }) => ({
      id,
      name,
      role,
      status,
    })),
    cosigners: state.cosigners.map(({ id, name, type, machines }) => ({
      id,
      name,
      type,
      machines: machines.map((machine) => machine.name),
    })),
    pairings: Array.from(state.pairings.values(), (pairing) => ({
      cosignerId: pairing.cosignerId,
      apiKeyId: pairing.apiKeyId,
      lastSeen: pairing.lastSeen === undefined ? null : iso(pairing.lastSeen),
      shown: shownHandler(pairing.shown, now),
      used: pairing.used.map((changes) => shownHandler(changes, now)),
      history: pairing.shown.map(({ at, handler }) => ({ at: iso(at), url: handler?.url ?? null })),
    })),
    requests: state.requests.map((request) => ({
      id: request.id,
      type: request.type,
      status: request.status,
      requestedAt: iso(request.requestedAt),
      switchesAt: request.switchesAt.map(iso),
      url: request.target?.handler?.url ?? null,
    })),
    idempotencyKeys: state.idempotency.size,
    draws: Object.fromEntries(state.chaos.drawn),
    audit: state.audit.map((record) => ({ ...record, at: iso(record.at) })),
  }
}

/** `unpaired`, `no handler` (it signs everything), or what is configured. */
function shownHandler(changes: readonly Change[], now: Instant): unknown {
  const handler = heldAt(changes, now)
  if (handler === undefined) return 'unpaired'
  return handler ?? 'no handler'
}

function iso(at: Instant): string {
  return new Date(at).toISOString()
}
