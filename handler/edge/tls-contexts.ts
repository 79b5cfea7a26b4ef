/** Which server presents which certificate: one listener per address, one secure context per slot, swapped in place. */
import type { TlsPair } from '../../certs/store.ts'
import { createSecureContext } from 'node:tls'
import type { SecureContext, SecureContextOptions } from 'node:tls'
import type { Slot } from '../config/slots.ts'

/** TLS 1.2 with forward secrecy and authenticated encryption only; TLS 1.3 has nothing else (security: ASVS 12.1.2). */
export const TLS_OPTIONS = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  honorCipherOrder: true,
  // No caller is asked for a certificate. Without this Node.js parses every public root before the first listener opens.
  ca: [],
} satisfies SecureContextOptions

/** The slots behind one address. */
export interface ListenerPlan {
  readonly host: string
  readonly port: number
  /** The first is presented to callers that name no host, or another one. */
  readonly slots: readonly Slot[]
}

/** One listener per distinct address, in the order of the slots. */
export function listenerPlans(slots: readonly Slot[]): readonly ListenerPlan[] {
  const plans = new Map<string, ListenerPlan>()
  for (const slot of slots) {
    const { host, port } = slot.listen
    const key = `${host} ${port}`
    const earlier = plans.get(key)?.slots ?? []
    plans.set(key, { host, port, slots: [...earlier, slot] })
  }
  return [...plans.values()]
}

/** The certificates of one listener as its slots present them now. */
export interface ListenerContexts {
  /** Presented to callers that name no slot's host; undefined when the first slot has none. */
  readonly standard: TlsPair | undefined
  /** By server name, lower case. */
  readonly named: ReadonlyMap<string, SecureContext>
}

/** Builds every context before any is used, so that a pair that does not load changes nothing. */
export function buildContexts(
  plan: ListenerPlan,
  presented: (slot: string) => TlsPair | undefined,
): ListenerContexts {
  const named = new Map<string, SecureContext>()
  for (const { slot, publicUrl } of plan.slots) {
    const pair = presented(slot)
    if (pair !== undefined) {
      named.set(publicUrl.hostname, createSecureContext({ ...TLS_OPTIONS, ...pair }))
    }
  }
  const [first] = plan.slots
  return { standard: first === undefined ? undefined : presented(first.slot), named }
}
